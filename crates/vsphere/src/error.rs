//! The errors of this crate. Each variant is a cause with a remedy of its own.

mod words;

use std::sync::Arc;

use crate::power_action::PowerAction;
use crate::runtime_info::Power;
use words::{
    after_colon, few, holders_text, in_parentheses, limit_text, no_tls, now_text,
    remedy_for_certificate, state_text, status_text,
};

/// Why a call failed. Its text is one sentence, cause first and remedy second, without secrets.
///
/// It is `Clone` because callers that wait for the same login share its error.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The settings cannot be used.
    #[error("{reason}")]
    Settings {
        /// What is wrong with them, as a sentence with its remedy.
        reason: String,
    },
    /// No connection, or one that broke.
    #[error(
        "{address} cannot be reached ({reason}): check the address, and that this machine may connect to it"
    )]
    Unreachable {
        /// Host, and port where it is not 443.
        address: String,
        /// The cause in a few words.
        reason: String,
        /// The HTTP library's error.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The proxy cannot be reached, or opens no tunnel.
    #[error(
        "the proxy {proxy} cannot connect to {address} ({reason}): check proxy in the configuration, and the proxy's log"
    )]
    Proxy {
        /// The proxy's host and port.
        proxy: String,
        /// The endpoint's host, and port where it is not 443.
        address: String,
        /// The cause in a few words.
        reason: String,
        /// The HTTP library's error.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The other side closed the connection before its answer was complete.
    #[error(
        "{address} closed the connection {when}: check that this is the HTTPS port of an ESXi or vCenter, and its log"
    )]
    Closed {
        /// Host, and port where it is not 443.
        address: String,
        /// At which point.
        when: &'static str,
        /// The HTTP library's error.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// Connected, but no answer came in time.
    #[error("{address} did not answer in time: it may be overloaded; try again later")]
    Timeout {
        /// Host, and port where it is not 443.
        address: String,
    },
    /// The endpoint's certificate was refused by the caller's verifier.
    #[error(
        "the certificate of {address} is not trusted ({reason}): {}",
        remedy_for_certificate(source)
    )]
    Certificate {
        /// Host, and port where it is not 443.
        address: String,
        /// The verifier's reason.
        reason: String,
        /// The TLS library's error, which contains that of the verifier.
        source: rustls::Error,
    },
    /// The TLS handshake failed for another reason than the certificate.
    #[error("{}", no_tls(address, reason, source))]
    Tls {
        /// Host, and port where it is not 443.
        address: String,
        /// The cause in a few words.
        reason: String,
        /// The TLS library's error.
        source: rustls::Error,
    },
    /// Wrong user name or password.
    #[error("{address} refuses the user name or the password of {username}: correct them")]
    InvalidLogin {
        /// The account's name.
        username: String,
        /// The endpoint: host, and port where it is not 443.
        address: String,
    },
    /// User name and password were refused by an earlier login of this client, less than ten minutes ago:
    /// another attempt might lock the account.
    #[error(
        "{address} has refused the user name or the password of {username}, so they were not sent again: correct them"
    )]
    RefusedBefore {
        /// The account's name.
        username: String,
        /// The endpoint: host, and port where it is not 443.
        address: String,
    },
    /// There is no session, and no password for a new one.
    #[error("{address} has no open session of {username}, and a new one needs a password: set it")]
    PasswordNeeded {
        /// The account's name.
        username: String,
        /// The endpoint: host, and port where it is not 443.
        address: String,
    },
    /// The session ended, and so did the one that replaced it.
    #[error("{address} ends each session at once: check its log, and the rights of {username}")]
    NotAuthenticated {
        /// The account's name.
        username: String,
        /// The endpoint: host, and port where it is not 443.
        address: String,
    },
    /// The account lacks a privilege.
    #[error("{username} lacks the privilege {privilege} on {object}: give it a role that has it")]
    NoPermission {
        /// The account's name.
        username: String,
        /// The privilege's id, as in `VirtualMachine.Interact.ConsoleInteract`; several are separated by commas.
        privilege: String,
        /// The name of the object where it is missing.
        object: String,
    },
    /// No VM that this account can see has that name, path or id.
    #[error("there is no VM {what}: check its spelling, and that {username} may see it")]
    NoSuchVm {
        /// The reference, as in the configuration.
        what: String,
        /// The account's name.
        username: String,
    },
    /// Two or more VMs have that name or UUID.
    #[error("{} VMs are called {name} ({}): name one by its path, or by instance-uuid:…", paths.len(), few(paths))]
    AmbiguousName {
        /// The reference, as in the configuration.
        name: String,
        /// Their inventory paths; `moref:…` where the account cannot see the path.
        paths: Vec<String>,
    },
    /// The VM is not powered on, so it has no console.
    #[error("{vm} is {}: switch it on first", state_text(*state))]
    InvalidPowerState {
        /// The VM's name.
        vm: String,
        /// Its state, if the server reported it.
        state: Option<Power>,
    },
    /// InvalidState, which has no detail that says why.
    #[error(
        "{vm} cannot do that in its present state ({message}): check its power state and its host"
    )]
    InvalidState {
        /// The VM's name.
        vm: String,
        /// The server's message.
        message: String,
    },
    /// The VM's console connections are all in use (MksConnectionLimitReached).
    #[error("{vm} has all its console connections in use{}: close one{}", limit_text(*limit), holders_text(holders))]
    ConnectionLimit {
        /// The VM's name.
        vm: String,
        /// The limit (`RemoteDisplay.maxConnections`).
        limit: Option<u32>,
        /// The connected users and their addresses, if the server listed them.
        holders: Vec<String>,
    },
    /// vCenter has no connection to the VM's host.
    #[error("the host of {vm} is not connected ({message}): reconnect it in vCenter")]
    HostDisconnected {
        /// The VM's name.
        vm: String,
        /// The server's message.
        message: String,
    },
    /// Another task runs on the VM (TaskInProgress).
    #[error(
        "{vm} is busy with another task{}: try again when it has ended",
        in_parentheses(message)
    )]
    Busy {
        /// The VM's name.
        vm: String,
        /// The server's message.
        message: String,
    },
    /// The VM's power state does not allow that change of it.
    #[error("{vm} cannot be {} while it is {}: check its power state", action.participle(), now_text(*state))]
    CannotChangePower {
        /// The VM's name.
        vm: String,
        /// What was asked for.
        action: PowerAction,
        /// Its state, if the server reported it.
        state: Option<Power>,
    },
    /// The guest cannot be asked to shut down (ToolsUnavailable).
    #[error(
        "the guest of {vm} does not run VMware Tools, so it cannot be asked to shut down: start them, or switch the VM off"
    )]
    NoGuestTools {
        /// The VM's name.
        vm: String,
    },
    /// A change of the VM's power takes longer than was waited for.
    #[error("{vm} has not been {} in five minutes: look in vSphere whether the VM asks a question", action.participle())]
    StillRunning {
        /// The VM's name.
        vm: String,
        /// What was asked for.
        action: PowerAction,
    },
    /// `/screen` refused the request, or its answer is no PNG.
    #[error(
        "{address} has no picture of this VM at /screen ({answered}): take it from the VM's console"
    )]
    NoScreen {
        /// Host, and port where it is not 443.
        address: String,
        /// The answer in a few words.
        answered: String,
    },
    /// The host could not write a picture to the VM's datastore (FileFault and its kinds).
    #[error(
        "the host cannot write a picture of {vm} to its datastore ({kind}{}): free space there, or take it from the VM's console",
        after_colon(message)
    )]
    NotWritten {
        /// The VM's name.
        vm: String,
        /// The fault's type, as in `NoDiskSpace`.
        kind: String,
        /// The server's message.
        message: String,
    },
    /// The host has written a picture to the datastore, and it cannot be fetched.
    #[error("cannot fetch the picture {path}: {cause}")]
    NotFetched {
        /// Its path: `[datastore] folder/file.png`.
        path: String,
        /// The cause, with its remedy.
        cause: Box<Self>,
    },
    /// `/folder` refused the request for a file.
    #[error(
        "{address} refuses the file ({answered}): give this account the privilege Datastore.Browse"
    )]
    NoFile {
        /// Host, and port where it is not 443.
        address: String,
        /// The answer in a few words.
        answered: String,
    },
    /// The licence does not allow the call.
    #[error(
        "the licence of {address} forbids this ({message}): install one that allows API access"
    )]
    Licence {
        /// Host, and port where it is not 443.
        address: String,
        /// The server's message.
        message: String,
    },
    /// The server does not have that method.
    #[error("{address} does not offer this ({message}): use ESXi or vCenter 6.0 or later")]
    NotSupported {
        /// Host, and port where it is not 443.
        address: String,
        /// The server's message.
        message: String,
    },
    /// Another server than a vSphere answered.
    #[error("{address} is not an ESXi or vCenter (it answered {answered}): check the address")]
    NotAVsphere {
        /// Host, and port where it is not 443.
        address: String,
        /// The answer in a few words.
        answered: String,
    },
    /// An HTTP status other than those of SOAP.
    #[error("{address} answers with HTTP status {status}: {}", status_text(*status))]
    Http {
        /// Host, and port where it is not 443.
        address: String,
        /// The status.
        status: u16,
    },
    /// The answer is larger than the limit in memory.
    #[error(
        "an answer of {address} is larger than {limit} bytes: check that this is an ESXi or vCenter"
    )]
    TooLarge {
        /// Host, and port where it is not 443.
        address: String,
        /// The limit.
        limit: usize,
    },
    /// The answer violates the API.
    #[error(
        "an answer of {address} cannot be read ({reason}): check that this is an ESXi or vCenter"
    )]
    Malformed {
        /// Host, and port where it is not 443.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Any other fault.
    #[error("{address} reports {kind}{}: see its log", in_parentheses(message))]
    Fault {
        /// Host, and port where it is not 443.
        address: String,
        /// The fault's type, as in `TaskInProgress`.
        kind: String,
        /// The server's message, shortened.
        message: String,
    },
}

#[cfg(test)]
mod tests;

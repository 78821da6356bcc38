//! Everything that can go wrong, by what a person can do about it.

use std::sync::Arc;

use crate::runtime_info::Power;

/// Why there is no answer. Its text is one sentence: the cause first, what to do second, and never a secret.
///
/// It can be cloned, because callers who waited for one login share its failure.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The settings cannot work.
    #[error("{reason}")]
    Settings {
        /// What is wrong with them, as a sentence.
        reason: String,
    },
    /// No connection, or it broke.
    #[error(
        "{address} cannot be reached ({reason}): check the address, and that this machine may connect to it"
    )]
    Unreachable {
        /// Host, and port where it is not 443.
        address: String,
        /// The innermost cause.
        reason: String,
        /// The whole chain.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The proxy is not there, or does not lead on.
    #[error(
        "the proxy {proxy} leads no way to {address} ({reason}): check proxy in the configuration, and the proxy's log"
    )]
    Proxy {
        /// Its host and port.
        proxy: String,
        /// Host, and port where it is not 443, of what is behind it.
        address: String,
        /// The innermost cause.
        reason: String,
        /// The whole chain.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// Connected, and closed by the other side where an answer was due.
    #[error(
        "{address} closed the connection {when}: check that this is the HTTPS port of an ESXi or vCenter, and its log"
    )]
    Closed {
        /// Host, and port where it is not 443.
        address: String,
        /// In the middle of what.
        when: &'static str,
        /// The whole chain.
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
        "the certificate of {address} is not trusted ({reason}): check the address, or change what is trusted"
    )]
    Certificate {
        /// Host, and port where it is not 443.
        address: String,
        /// The verifier's own words.
        reason: String,
        /// The TLS library's error, with the verifier's own inside.
        source: rustls::Error,
    },
    /// No TLS connection for another reason than the certificate.
    #[error(
        "no TLS connection to {address} ({reason}): check that this is the HTTPS port of an ESXi or vCenter"
    )]
    Tls {
        /// Host, and port where it is not 443.
        address: String,
        /// The TLS library's words.
        reason: String,
        /// The TLS library's error.
        source: rustls::Error,
    },
    /// Wrong user name or password.
    #[error("{address} refuses the user name or the password of {username}: correct them")]
    InvalidLogin {
        /// Who wanted to log in.
        username: String,
        /// Where.
        address: String,
    },
    /// User name and password were refused by an earlier login of this client, less than ten minutes ago.
    #[error(
        "{address} has refused the user name or the password of {username}, and they were not sent again, so that the account is not locked: correct them"
    )]
    RefusedBefore {
        /// Who wanted to log in.
        username: String,
        /// Where.
        address: String,
    },
    /// There is no session, and no password for a new one.
    #[error("{address} has no open session of {username}, and a new one takes a password: give it")]
    PasswordNeeded {
        /// Who wanted to log in.
        username: String,
        /// Where.
        address: String,
    },
    /// The session ended, and so did the one that replaced it.
    #[error(
        "{address} ends each session at once: see in its log why, and whether {username} may have sessions"
    )]
    NotAuthenticated {
        /// Whose session.
        username: String,
        /// Where.
        address: String,
    },
    /// The account lacks a privilege.
    #[error("{username} lacks the privilege {privilege} on {object}: give it a role that has it")]
    NoPermission {
        /// Who lacks it.
        username: String,
        /// The privilege's id, as in `VirtualMachine.Interact.ConsoleInteract`; several are separated by commas.
        privilege: String,
        /// The name of the object where it is missing.
        object: String,
    },
    /// Nothing answers to that name, path or id, as far as this account can see.
    #[error("there is no VM {what}: check its spelling, and that {username} may see it")]
    NoSuchVm {
        /// What was looked for, as in the configuration.
        what: String,
        /// Who looked.
        username: String,
    },
    /// Two or more VMs answer to it.
    #[error("{} VMs are called {name} ({}): name one by its path, or by instance-uuid:…", paths.len(), paths.join(", "))]
    AmbiguousName {
        /// What was looked for, as in the configuration.
        name: String,
        /// Where they are; `moref:…` where the path may not be seen.
        paths: Vec<String>,
    },
    /// It does not run, so that it has no console.
    #[error("{vm} is {}: switch it on first", state_in_words(*state))]
    InvalidPowerState {
        /// The VM's name.
        vm: String,
        /// Its state, where the server told.
        state: Option<Power>,
    },
    /// It cannot do that now, and the server does not say why in a way that a program understands.
    #[error(
        "{vm} cannot do that in its present state ({message}): see that it is powered on and its host is in order"
    )]
    InvalidState {
        /// The VM's name.
        vm: String,
        /// The server's own words.
        message: String,
    },
    /// All its console slots are taken.
    #[error("{vm} has all its console connections in use{}: close one{}", limit_in_words(*limit), holders_in_words(holders))]
    ConnectionLimit {
        /// The VM's name.
        vm: String,
        /// How many it allows (`RemoteDisplay.maxConnections`).
        limit: Option<u32>,
        /// Who has them, where the server told: user and address.
        holders: Vec<String>,
    },
    /// The host that has the VM is not there.
    #[error("the host of {vm} is not connected ({message}): bring the host back")]
    HostDisconnected {
        /// The VM's name.
        vm: String,
        /// The server's own words.
        message: String,
    },
    /// Something else is done with it just now (TaskInProgress).
    #[error(
        "{vm} is busy with another task{}: try again when that has ended",
        message_in_words(message)
    )]
    Busy {
        /// The VM's name.
        vm: String,
        /// The server's own words.
        message: String,
    },
    /// `/screen` is refused, or answers with something that is no PNG.
    #[error(
        "{address} gives no picture of this VM at /screen ({answered}): take it from the VM's console"
    )]
    NoScreen {
        /// Host, and port where it is not 443.
        address: String,
        /// What it answered, in short.
        answered: String,
    },
    /// The host could not write a picture to the VM's datastore (FileFault and its kinds).
    #[error(
        "no picture of {vm} can be written to its datastore ({kind}{}): see that the datastore is in order and has room, or take the picture from the VM's console",
        words_behind(message)
    )]
    NotWritten {
        /// The VM's name.
        vm: String,
        /// The fault's type, as in `NoDiskSpace`.
        kind: String,
        /// The server's own words.
        message: String,
    },
    /// The host has written a picture and it cannot be had.
    #[error("the picture is in {path} and cannot be fetched from there: {cause}")]
    NotFetched {
        /// Where it is: `[datastore] folder/file.png`.
        path: String,
        /// Why, with what to do.
        cause: Box<Self>,
    },
    /// `/folder` does not hand out a file.
    #[error(
        "{address} does not hand it out ({answered}): see that this account may browse the datastore (Datastore.Browse)"
    )]
    NoFile {
        /// Host, and port where it is not 443.
        address: String,
        /// What it answered, in short.
        answered: String,
    },
    /// A licence forbids it.
    #[error(
        "the licence of {address} forbids this ({message}): a licence with API access is needed"
    )]
    Licence {
        /// Host, and port where it is not 443.
        address: String,
        /// The server's own words.
        message: String,
    },
    /// The server does not offer that.
    #[error("{address} does not offer this ({message}): it takes ESXi or vCenter 6.0 or later")]
    NotSupported {
        /// Host, and port where it is not 443.
        address: String,
        /// The server's own words.
        message: String,
    },
    /// Something answers there, but no vSphere.
    #[error("{address} is no ESXi or vCenter (it answered {answered}): check the address")]
    NotAVsphere {
        /// Host, and port where it is not 443.
        address: String,
        /// What it answered, in short.
        answered: String,
    },
    /// An HTTP status that says all there is to say.
    #[error("{address} answers with HTTP status {status}: {}", status_in_words(*status))]
    Http {
        /// Host, and port where it is not 443.
        address: String,
        /// The status.
        status: u16,
    },
    /// An answer beyond what is held in memory.
    #[error(
        "an answer of {address} is larger than {limit} bytes: check that this is an ESXi or vCenter"
    )]
    TooLarge {
        /// Host, and port where it is not 443.
        address: String,
        /// The limit.
        limit: usize,
    },
    /// An answer that makes no sense.
    #[error(
        "an answer of {address} cannot be read ({reason}): check that this is an ESXi or vCenter"
    )]
    Malformed {
        /// Host, and port where it is not 443.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Any other fault, with the server's own words.
    #[error(
        "{address} reports {kind}{}: see there what it means",
        message_in_words(message)
    )]
    Fault {
        /// Host, and port where it is not 443.
        address: String,
        /// The fault's type, as in `TaskInProgress`.
        kind: String,
        /// The server's own words, shortened.
        message: String,
    },
}

fn state_in_words(state: Option<Power>) -> &'static str {
    match state {
        Some(Power::Off) => "powered off",
        Some(Power::Suspended) => "suspended",
        Some(Power::On) => "changing its power state",
        None => "not powered on",
    }
}

fn limit_in_words(limit: Option<u32>) -> String {
    limit.map_or_else(String::new, |limit| format!(" ({limit})"))
}

fn holders_in_words(holders: &[String]) -> String {
    if holders.is_empty() {
        return ", or raise RemoteDisplay.maxConnections".to_owned();
    }
    format!(" of these: {}", holders.join(", "))
}

fn status_in_words(status: u16) -> &'static str {
    match status {
        503 => "it is overloaded or still starting; try again later",
        401 | 403 | 407 => "something in front of it wants a login of its own",
        300..=399 => "it sends elsewhere; use the address that it sends to",
        404 => "check the path, which is /sdk on every ESXi and vCenter",
        _ => "check the address, and its log",
    }
}

fn words_behind(message: &str) -> String {
    match message {
        "" => String::new(),
        message => format!(": {message}"),
    }
}

fn message_in_words(message: &str) -> String {
    if message.is_empty() {
        return String::new();
    }
    format!(" ({message})")
}

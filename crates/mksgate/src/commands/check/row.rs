//! A console in the answer of `check`.

use serde::Serialize;
use vsphere::{Power, Vm};

use super::look_up::Outcome;
use crate::commands::failure::Failure;
use console::settings::Backend;
use gateway::settings::{ConsoleSettings, Limits};

/// As `--json` prints it; the keys and the words of `state` are a contract.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) listen: String,
    vsphere: Option<String>,
    /// As the configuration has it.
    vm: String,
    auth: Vec<&'static str>,
    reached_by: String,
    pub(super) state: State,
    found: Option<FoundVm>,
    error: Option<String>,
    /// The code of that error.
    code: Option<&'static str>,
    #[serde(skip)]
    pub(super) failure: Option<Failure>,
    /// The cell FOUND of the table.
    #[serde(skip)]
    shown: String,
}

/// Whether there is a console behind the port.
#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// Its ticket and its host are in order.
    Ready,
    /// The VM is there; nothing was dialled.
    Found,
    /// The VM is off or suspended.
    NotRunning,
    /// Nothing was asked.
    NotChecked,
    /// There is none; `error` says why.
    Failed,
}

/// The VM behind a console.
#[derive(Serialize)]
struct FoundVm {
    name: String,
    path: Option<String>,
    host: Option<String>,
    power: String,
}

impl Row {
    pub(super) fn new(console: &ConsoleSettings, limits: &Limits, outcome: Outcome) -> Self {
        let vsphere = match &console.backend {
            Backend::Vm { vsphere, .. } => Some(vsphere.clone()),
            Backend::Url(_) => None,
        };
        let found = outcome.vm().map(|vm| FoundVm {
            name: vm.name.clone(),
            path: vm.path.clone(),
            host: vm.host.clone(),
            power: vm.power.to_string(),
        });
        let (state, shown, failure) = match outcome {
            Outcome::Ready(vm) => (State::Ready, described(&vm), None),
            Outcome::Found(vm) => (State::Found, described(&vm), None),
            Outcome::NotRunning(vm) => (State::NotRunning, described(&vm), None),
            Outcome::Answers(address) => (
                State::Ready,
                format!("{address} accepted the connection"),
                None,
            ),
            Outcome::NotChecked => (State::NotChecked, "not checked".to_owned(), None),
            Outcome::Failed(why, _) => {
                (State::Failed, format!("FAILED: {}", why.message), Some(why))
            }
        };
        Self {
            listen: console.listen.to_string(),
            vsphere,
            vm: console.backend.to_string(),
            auth: console.auth.names().collect(),
            reached_by: reached_by(console, limits),
            state,
            found,
            error: failure.as_ref().map(|failure| failure.message.clone()),
            code: failure.as_ref().map(|failure| failure.code),
            failure,
            shown,
        }
    }

    pub(super) fn cells(&self) -> Vec<String> {
        vec![
            self.listen.clone(),
            self.vsphere.clone().unwrap_or_else(|| "-".into()),
            self.vm.clone(),
            self.auth.join(", "),
            self.reached_by.clone(),
            self.shown.clone(),
        ]
    }
}

fn described(vm: &Vm) -> String {
    let on = vm.host.as_ref().map(|host| format!(" on {host}"));
    let (name, on) = (&vm.name, on.unwrap_or_default());
    match vm.power {
        Power::On => format!("{name}{on}"),
        Power::Off => format!("{name}{on}, powered off: viewers are refused until it runs"),
        Power::Suspended => format!("{name}{on}, suspended: viewers are refused until it runs"),
    }
}

/// Who may connect, how they authenticate, and whether the connection is encrypted.
fn reached_by(console: &ConsoleSettings, limits: &Limits) -> String {
    let auth = &console.auth;
    let who = match (
        limits.is_local_only(console.listen),
        auth.needs_no_credentials(),
    ) {
        (true, true) => "anybody on this machine",
        (true, false) => "this machine",
        (false, true) => "ANYBODY who can connect",
        (false, false) => "any machine",
    };
    let mut words = vec![who.to_owned()];
    if !console.allow.is_empty() {
        let networks: Vec<String> = console.allow.iter().map(ToString::to_string).collect();
        words.push(format!("from {}", networks.join(" ")));
    }
    if !auth.needs_no_credentials() {
        words.push(match (auth.password.is_some(), auth.users.is_some()) {
            (_, false) => "with a password".into(),
            (false, true) => "with a user's password".into(),
            (true, true) => "with a password or a user's".into(),
        });
    }
    let encrypted = auth.methods.iter().filter(|way| way.is_encrypted()).count();
    words.push(match encrypted {
        0 => "not encrypted".into(),
        all if all == auth.methods.len() => "encrypted".into(),
        _ => "encrypted if the viewer chooses so".into(),
    });
    words.join(", ")
}

//! What `check` finds wrong.

use serde::Serialize;

/// Something that is wrong.
#[derive(Serialize)]
pub(super) struct Problem {
    pub(super) kind: Kind,
    /// What it is about: a listen address, a vSphere, a place in the configuration; `null` if the message names it.
    pub(super) subject: Option<String>,
    pub(super) message: String,
}

/// Where something is wrong; the words are a contract.
#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    Configuration,
    UsersFile,
    Certificate,
    #[serde(rename = "vsphere")]
    VSphere,
    Console,
}

impl Problem {
    pub(super) fn new(kind: Kind, subject: &str, message: String) -> Self {
        Self {
            kind,
            subject: Some(subject.to_owned()),
            message,
        }
    }

    pub(super) fn all(kind: Kind, messages: Vec<String>) -> Vec<Self> {
        let problem = |message| Self {
            kind,
            subject: None,
            message,
        };
        messages.into_iter().map(problem).collect()
    }
}

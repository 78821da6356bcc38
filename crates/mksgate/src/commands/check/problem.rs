//! What `check` finds wrong.

use serde::Serialize;

use super::certificates::CertificateProblem;
use crate::commands::failure::Failure;

/// Something that is wrong.
#[derive(Serialize)]
pub(super) struct Problem {
    pub(super) kind: Kind,
    /// What it is about: a listen address, a vSphere, a place in the configuration; `null` if the message names it.
    pub(super) subject: Option<String>,
    /// The code of the error, as docs/commands.md lists it.
    error: &'static str,
    pub(super) message: String,
    /// Of a certificate, as in RFC 3339.
    not_before: Option<String>,
    not_after: Option<String>,
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
    pub(super) fn new(kind: Kind, subject: &str, failure: Failure) -> Self {
        Self {
            kind,
            subject: Some(subject.to_owned()),
            error: failure.code,
            message: failure.message,
            not_before: None,
            not_after: None,
        }
    }

    pub(super) fn of_users_file(message: String) -> Self {
        Self {
            kind: Kind::UsersFile,
            subject: None,
            error: "users-file",
            message,
            not_before: None,
            not_after: None,
        }
    }
}

impl From<CertificateProblem> for Problem {
    fn from(problem: CertificateProblem) -> Self {
        Self {
            kind: Kind::Certificate,
            subject: None,
            error: problem.code,
            message: problem.message,
            not_before: Some(problem.not_before),
            not_after: Some(problem.not_after),
        }
    }
}

//! A failure as it is reported: one line on stderr, as a sentence or as JSON.

use std::sync::OnceLock;

use console::{Blame, Error};
use gateway::{SessionFailure, StartError};
use serde::Serialize;

use super::exit_code::exit_code;
use console::printable::printable_json;
use terminal::print_stderr;

/// The code for a certificate that is not the pinned one.
pub(crate) const CERTIFICATE_CHANGED: &str = "certificate-changed";

/// The code for a viewer or command that is not installed.
pub(crate) const NO_SUCH_PROGRAM: &str = "no-such-program";

/// The code for text or keys that the layout or the host does not have.
pub(crate) const CANNOT_TYPE: &str = "cannot-type";

/// Whether errors are printed as JSON.
static AS_JSON: OnceLock<bool> = OnceLock::new();

/// Says how errors are printed; the first call decides.
pub(crate) fn print_as_json(as_json: bool) {
    AS_JSON.get_or_init(|| as_json);
}

/// Why a command failed.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// One word for scripts; docs/commands.md lists them.
    pub(crate) code: &'static str,
    /// Stage of the session, as in the log.
    pub(crate) stage: Option<String>,
    pub(crate) blame: Option<Blame>,
    pub(crate) message: String,
    /// What a viewer shows: at most 100 characters, without names and addresses.
    pub(crate) for_viewer: &'static str,
}

/// For a failure that only this machine's user can remedy.
const SEE_STDERR: &str = "the console cannot be opened: see the messages of mksgate";

impl Failure {
    /// A failure of this machine, the command line or the configuration.
    pub(crate) fn local(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            stage: None,
            blame: None,
            message: message.into(),
            for_viewer: SEE_STDERR,
        }
    }

    /// A failure towards vSphere or the console's host, with a message in place of the error's own.
    pub(crate) fn of(error: &Error, message: String) -> Self {
        Self {
            code: error.code(),
            stage: Some(error.stage().to_owned()),
            blame: Some(error.blame()),
            message,
            for_viewer: error.for_viewer(),
        }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        exit_code(self.code)
    }

    pub(crate) fn print(&self) {
        self.write(None);
    }

    /// As [`Failure::print`]; `name` is the vSphere or VM (`what`) that the failure is about.
    pub(crate) fn print_about(&self, what: &str, name: &str) {
        self.write(Some((what, name)));
    }

    fn write(&self, about: Option<(&str, &str)>) {
        if AS_JSON.get().is_some_and(|as_json| *as_json) {
            return print_stderr(self.json(about));
        }
        let text = match about {
            Some(("vsphere", name)) => format!("mksgate: vSphere {name}: {}", self.message),
            Some((_, name)) => format!("mksgate: {name}: {}", self.message),
            None => format!("mksgate: {}", self.message),
        };
        match self.code {
            // This message has several lines; in others a line break comes from a peer and is removed.
            CERTIFICATE_CHANGED => text.lines().for_each(print_stderr),
            _ => print_stderr(text),
        }
    }

    fn json(&self, about: Option<(&str, &str)>) -> String {
        let about = |word| about.and_then(|(what, name)| (what == word).then_some(name));
        let line = Line {
            error: self.code,
            stage: self.stage.as_deref(),
            blame: self.blame.map(|blame| blame.to_string()),
            message: &self.message,
            vsphere: about("vsphere"),
            vm: about("vm"),
        };
        printable_json(&serde_json::to_string(&line).unwrap_or_default())
    }
}

/// The keys are a contract.
#[derive(Serialize)]
struct Line<'a> {
    error: &'a str,
    stage: Option<&'a str>,
    blame: Option<String>,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    vsphere: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vm: Option<&'a str>,
}

/// A cause without a code of its own.
impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::local("failed", message)
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self::of(error, error.to_string())
    }
}

impl From<&StartError> for Failure {
    fn from(error: &StartError) -> Self {
        Self::local(error.code(), error.to_string())
    }
}

impl From<SessionFailure> for Failure {
    fn from(failure: SessionFailure) -> Self {
        Self {
            code: failure.code,
            stage: Some(failure.stage.to_string()),
            blame: Some(failure.blame),
            message: failure.sentence,
            // The session has sent its viewer the reason.
            for_viewer: SEE_STDERR,
        }
    }
}

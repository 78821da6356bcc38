//! vSpheres that cannot be asked: each is named on stderr, and the others are asked all the same.

use super::CommandError;
use console::{Blame, Error};
use terminal::{Spinner, print_stderr};

/// The vSpheres of one command that could not be asked.
pub(super) struct Unavailable {
    /// The number of vSpheres that the command asks.
    asked: usize,
    is_allowed: bool,
    names: Vec<String>,
}

impl Unavailable {
    pub(super) const fn of(asked: usize) -> Self {
        Self {
            asked,
            is_allowed: true,
            names: Vec::new(),
        }
    }

    /// For a command that needs an answer of each.
    pub(super) fn none_allowed(asked: usize) -> Self {
        Self {
            is_allowed: false,
            ..Self::of(asked)
        }
    }

    /// The answer; `None` if `vsphere` gave none and others are asked too: the reason is then printed.
    ///
    /// # Errors
    /// The only vSphere gave none, each is needed, or the command is to end.
    pub(super) fn skip<T>(
        &mut self,
        vsphere: &str,
        spinner: &Spinner,
        answer: Result<T, CommandError>,
    ) -> Result<Option<T>, CommandError> {
        match answer {
            Err(CommandError::Failed(why)) if self.asked > 1 => {
                if !self.is_allowed {
                    return Err(CommandError::Failed(format!("vSphere {vsphere}: {why}")));
                }
                // Once, however often it is asked.
                if !self.names.iter().any(|name| name == vsphere) {
                    spinner.suspend(|| print_stderr(format!("mksgate: vSphere {vsphere}: {why}")));
                    self.names.push(vsphere.to_owned());
                }
                Ok(None)
            }
            answer => {
                self.names.retain(|name| name != vsphere);
                answer.map(Some)
            }
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Their names, separated by commas.
    pub(super) fn names(&self) -> String {
        self.names.join(", ")
    }

    /// # Errors
    /// All of them could not be asked, which was printed.
    pub(super) fn check_any_left(&self) -> Result<(), CommandError> {
        match self.asked > 1 && self.names.len() == self.asked {
            true => Err(CommandError::Reported),
            false => Ok(()),
        }
    }

    /// # Errors
    /// One of them could not be asked, which was printed.
    pub(super) fn check_none(&self) -> Result<(), CommandError> {
        match self.is_empty() {
            true => Ok(()),
            false => Err(CommandError::Reported),
        }
    }
}

/// Whether the vSphere does not answer as it should, and another may. Other errors are about the VM or the account.
pub(super) fn is_out_of_order(error: &Error) -> bool {
    error.blame() == Blame::Vcenter
}

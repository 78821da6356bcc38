//! vSpheres that cannot be asked: each is named on stderr, and the others are still asked.

use super::failure::Failure;
use super::{CommandError, exit_code};
use console::{Blame, Error};
use terminal::Spinner;

/// The vSpheres of one command that could not be asked.
pub(super) struct Unavailable {
    /// The number of vSpheres that the command asks.
    asked: usize,
    is_allowed: bool,
    /// Names, and the exit code for each failure.
    failed: Vec<(String, u8)>,
}

impl Unavailable {
    pub(super) const fn of(asked: usize) -> Self {
        Self {
            asked,
            is_allowed: true,
            failed: Vec::new(),
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
                    return Err(CommandError::Failed(Failure {
                        message: format!("vSphere {vsphere}: {}", why.message),
                        ..why
                    }));
                }
                // Printed once for each vSphere, even if it is asked several times.
                if !self.failed.iter().any(|(name, _)| name == vsphere) {
                    spinner.suspend(|| why.print_about("vsphere", vsphere));
                    self.failed.push((vsphere.to_owned(), why.exit_code()));
                }
                Ok(None)
            }
            answer => {
                self.failed.retain(|(name, _)| name != vsphere);
                answer.map(Some)
            }
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.failed.is_empty()
    }

    /// Their names, separated by commas.
    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = self.failed.iter().map(|(name, _)| name.as_str()).collect();
        names.join(", ")
    }

    /// # Errors
    /// All of them could not be asked, which was printed.
    pub(super) fn check_any_left(&self) -> Result<(), CommandError> {
        if self.asked <= 1 || self.failed.len() < self.asked {
            return Ok(());
        }
        // If all have the same exit code, that is the one of the command.
        let mut codes = self.failed.iter().map(|(_, code)| *code);
        let first = codes.next().unwrap_or(exit_code::FAILURE);
        Err(CommandError::Reported(
            match codes.all(|code| code == first) {
                true => first,
                false => exit_code::FAILURE,
            },
        ))
    }

    /// # Errors
    /// One of them could not be asked, which was printed.
    pub(super) fn check_none(&self) -> Result<(), CommandError> {
        match self.is_empty() {
            true => Ok(()),
            false => Err(CommandError::Reported(exit_code::FAILURE)),
        }
    }
}

/// Whether the vSphere does not answer as it should, and another may. Other errors are about the VM or the account.
pub(super) fn is_out_of_order(error: &Error) -> bool {
    error.blame() == Blame::Vcenter
}

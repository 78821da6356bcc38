//! Why a console is not waited for any longer.

use std::time::Duration;

use console::Error;
use dialect::CannotContinue;
use vsphere::Error as ApiError;

/// Why a console is not waited for any longer.
#[derive(Debug, thiserror::Error)]
pub enum GaveUp {
    /// The VM was deleted or unregistered.
    #[error("the VM was deleted or unregistered")]
    Deleted,
    /// vSphere or the host refuses in a way that waiting does not change.
    #[error("{0}")]
    Refused(#[source] Error),
    /// The console is not back after `reconnect_for`.
    #[error("it is not back after {} s{}", .within.as_secs(), last.map(|last| format!(" ({last})")).unwrap_or_default())]
    TooLong {
        /// `reconnect_for`.
        within: Duration,
        /// Why the last attempt failed, as [`Error::for_viewer`] has it.
        last: Option<&'static str>,
    },
    /// The console is back, or was lost, in a state in which this viewer's stream cannot be continued.
    #[error("{0}")]
    Viewer(#[source] CannotContinue),
}

impl GaveUp {
    /// The error, unless it may pass by itself.
    pub(crate) fn refused(error: Error) -> Result<Self, Error> {
        match may_pass(&error) {
            true => Err(error),
            false => Ok(Self::Refused(error)),
        }
    }
}

/// Whether a later attempt may succeed without anybody having changed the configuration or the account.
pub const fn may_pass(error: &Error) -> bool {
    match error {
        Error::VSphere(error) => !matches!(
            error,
            ApiError::Settings { .. }
                | ApiError::Certificate { .. }
                | ApiError::InvalidLogin { .. }
                | ApiError::RefusedBefore { .. }
                | ApiError::PasswordNeeded { .. }
                | ApiError::NoPermission { .. }
                | ApiError::NoSuchVm { .. }
                | ApiError::AmbiguousName { .. }
        ),
        Error::ApiCertificate { .. }
        | Error::Setup(_)
        | Error::Certificate { .. }
        | Error::VmPasswordNeeded { .. } => false,
        _ => true,
    }
}

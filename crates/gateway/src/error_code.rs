//! The codes of failed sessions, for scripts.

use reconnect::VmChange;

use crate::error::{Failure, Stage};
use crate::last_failure::SessionFailure;
use crate::relay::{HostLost, LostConsole};
use crate::start_error::StartError;

impl Failure {
    /// The code of this failure, which stays the same when the sentence is reworded. docs/commands.md lists all codes.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAllowed(_) => "address-not-allowed",
            Self::NotProxied(_) => "no-proxy-header",
            Self::Penalised(_) | Self::ConsolePenalised(_) => "too-many-failed-logins",
            Self::LoginQueueFull => "login-queue-full",
            Self::GatewayEnds => "gateway-shutting-down",
            Self::GatewayFull { .. } | Self::VmFull { .. } => "sessions-in-use",
            Self::ViewerTls(_) => "viewer-tls",
            Self::NotForUser { .. } => "console-not-allowed",
            Self::NotAViewer(_) => "viewer-protocol-error",
            Self::ViewerLeft | Self::ViewerSilent | Self::ViewerBroke(_) => "viewer-closed",
            Self::ViewerSlow(_) | Self::ViewerUnfinished(_) => "viewer-timeout",
            Self::CheckSlow(_) => "gateway-overloaded",
            Self::WrongPassword | Self::WrongLogin => "viewer-login-refused",
            Self::Console(error) => error.code(),
            Self::Setup(_) => "console-not-possible",
        }
    }

    /// This failure at `stage` of a session.
    pub(crate) fn at(&self, stage: Stage) -> SessionFailure {
        SessionFailure {
            code: self.code(),
            stage,
            blame: self.blame(),
            sentence: self.to_string(),
        }
    }
}

impl LostConsole {
    /// Likewise.
    pub(crate) const fn code(&self) -> &'static str {
        match (self.vm, &self.end) {
            (Some(VmChange::PoweredOff), _) => "vm-powered-off",
            (Some(VmChange::Suspended), _) => "vm-suspended",
            (Some(VmChange::Moved), _) => "vm-moved",
            (Some(VmChange::Deleted), _) => "vm-deleted",
            (Some(VmChange::HostDisconnected), _) => "host-disconnected",
            (Some(VmChange::Inaccessible(_)), _) => "vm-invalid-state",
            (Some(VmChange::None) | None, HostLost::Closed(_)) => "console-closed",
            (Some(VmChange::None) | None, HostLost::NotOpened(error)) => error.code(),
            (Some(VmChange::None) | None, _) => "host-lost",
        }
    }
}

impl StartError {
    /// Likewise.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Bind { .. } | Self::Overlap { .. } => "cannot-listen",
            Self::Upstream { source, .. } => source.code(),
            Self::Threads(_) => "no-threads",
        }
    }
}

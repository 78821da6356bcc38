//! The result of `connect`.

use std::process::ExitCode;

use gateway::SessionFailure;

/// Exit code of the client, and why the last session failed, if it did.
pub(super) type Outcome = (ExitCode, Option<SessionFailure>);

//! How a use of the console ended.

use std::process::ExitCode;

/// What is left when nobody uses the console any more: the exit code of whoever did, and why the last one did not get
/// what it came for.
pub(super) type Outcome = (ExitCode, Option<String>);

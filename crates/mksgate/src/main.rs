//! The program: everything is in the library, so that tests can run it whole.

use std::process::ExitCode;

fn main() -> ExitCode {
    mksgate::cli::run()
}

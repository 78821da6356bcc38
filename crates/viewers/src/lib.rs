//! VNC viewer programs: which are installed, and how each gets address and password.

mod command;
mod endpoint;
mod installed;
mod kind;
mod launch;
mod path_lookup;
mod private_files;
mod secret_file;

pub use endpoint::{Endpoint, PrivatePort};
pub use installed::ViewerProgram;
pub use kind::Kind;
pub use launch::Launch;
#[cfg(unix)]
pub use private_files::{private_folder, restrict};

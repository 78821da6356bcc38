//! VNC viewer programs: which are installed, and how each gets address and password.

mod command;
mod endpoint;
mod installed;
mod kind;
mod launch;
mod path_lookup;
mod private_files;
mod secret_file;

pub(crate) use endpoint::{Endpoint, PrivatePort};
pub(crate) use installed::ViewerProgram;
pub(crate) use kind::Kind;
pub(crate) use launch::Launch;
#[cfg(unix)]
pub(crate) use private_files::{private_folder, restrict};

//! A plain VNC port for every ESXi virtual machine console: the program. Its command line, its configuration file and
//! its commands; the daemon itself is the crate `gateway`, the way to a console the crate `console`.

mod commands;
mod govc;
mod log;
mod secret_variables;
mod signals;
mod terminal;
mod usage_error;
mod viewer_program;

pub mod cli;
pub mod config;

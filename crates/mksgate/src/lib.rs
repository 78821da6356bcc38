//! The program `mksgate`: command line, configuration file and commands. The daemon is the crate `gateway`, connections to hosts
//! are the crate `console`.

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

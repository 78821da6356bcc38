//! The program `mksgate`: command line and commands. The daemon is the crate `gateway`, connections to hosts are the crate
//! `console`, and `gateway.toml` is read by the crate `config`.

mod commands;
mod log;
mod signals;
mod terminal;
mod usage_error;
mod viewer_program;

pub mod cli;

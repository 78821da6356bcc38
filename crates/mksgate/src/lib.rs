//! The program `mksgate`: command line and commands. The daemon is the crate `gateway`, connections to hosts are the crate
//! `console`, `gateway.toml` is read by the crate `config`, and viewer programs are known to the crate `viewers`.

mod commands;
mod help;
mod usage_error;

pub mod cli;

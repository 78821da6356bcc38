//! The terminal: messages, prompts and progress.

mod output;
mod password;
mod spinner;

pub(crate) use output::{Terminal, may_colour, print_stderr, width};
pub(crate) use password::{ask_password, read_password};
pub(crate) use spinner::Spinner;

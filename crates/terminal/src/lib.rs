//! The terminal: messages, prompts, progress and the log.

pub mod log;
mod output;
mod password;
pub mod signals;
mod spinner;
mod table;

pub use output::{Terminal, may_colour, print_stderr, width};
pub use password::read_password;
pub use spinner::Spinner;
pub use table::Table;

//! What a host does when an open console is asked for updates, encodings and acknowledgements one by one, as lines of text
//! for a report that can be published: they contain no ticket and no name of a VM, user or address.

pub mod describe;
mod trials;

pub use trials::{Section, on_open_console, thorough, two_updates};

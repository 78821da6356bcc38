//! What each command does. One file a command.

pub(crate) mod demo;
pub(crate) mod serve;

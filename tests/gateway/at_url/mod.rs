//! Consoles at a URL instead of a vSphere: what is asked there, what comes through, and what a viewer reads where it does
//! not.

mod command;
mod operated;
mod refused;
mod relayed;
mod request;

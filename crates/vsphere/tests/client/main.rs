//! The client against a scripted endpoint over real TLS.
#![cfg(test)]

mod addresses;
mod faults;
mod finding;
mod hostile;
mod inventory;
mod messages;
mod power;
mod refreshing;
mod screenshots;
mod sessions;
mod stored_sessions;
mod support;
mod tickets;
mod trust;
mod watching;

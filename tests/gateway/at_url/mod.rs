//! Consoles at a URL instead of a vSphere: requests, relayed data, and the reasons that viewers get.

mod command;
mod operated;
mod refused;
mod relayed;
mod request;

//! Consoles: from the upgraded connection to its end.

mod bridge;
mod client_message;
mod client_state;
mod desktop_session;
mod encodings;
mod framebuffer_update;
mod handshake;
mod message_reader;
mod message_splitter;
mod pixel_format;
mod pseudo_encodings;
pub(crate) mod session;
mod socket;
mod vmware_messages;

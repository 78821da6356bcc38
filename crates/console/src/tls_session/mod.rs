//! The client's TLS session with a console's host, without the socket.
//!
//! rustls does the handshake. After it the record layer is rustls' own, see `unbuffered`, or, where `tls_records` is
//! `in-place`, that of [`tls_records`], see `in_place`.

mod in_place;
mod receive_buffer;
mod record_layer;
mod session;
mod unbuffered;

pub use receive_buffer::ReceiveBuffer;
pub use record_layer::{READ, ReadEnd};
pub use session::TlsSession;
pub use tls_records::{AFTER, BEFORE};

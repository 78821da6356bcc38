//! RFB (VNC): the handshakes of both sides, and the messages after them. Bytes in, events out.
//!
//! Nothing here does I/O, reads a clock or draws a random number: challenges are arguments. Towards a viewer the
//! gateway is a [`Server`], towards ESXi a [`Client`]. After the handshake [`client_messages::ClientScanner`] reads the
//! viewer's messages and [`server_messages::ServerScanner`] the server's. The crate guarantees:
//!
//! 1. No byte after the handshake is consumed: the next one in the buffer belongs to ClientInit or ServerInit.
//! 2. An [`Accepted`] can only be made by [`Pending::accept`], that is, after the caller has decided.
//! 3. Exactly one security result is written.
//! 4. The response to a VNC challenge is compared in constant time.
//! 5. Every length from the peer is checked against a limit before it is used.
//! 6. A viewer is refused in the form that its protocol version knows.
//! 7. No input causes a panic, and the result does not depend on how the input is cut into pieces.
//!
//! TLS is up to the caller: the handshake returns [`Step::StartTls`] where VeNCrypt needs it, and continues inside TLS.
//!
//! Sources: RFC 6143 section 7; for later extensions the community's document "The RFB Protocol", called rfbproto here;
//! for VMware's extensions and for deviations of real viewers and servers, `docs/webmks.md`.

mod area;
mod both_directions;
mod claim;
mod client;
pub mod client_messages;
mod convert;
mod encoding;
#[cfg(test)]
mod error_texts;
mod field;
pub mod keys;
mod limits;
mod password;
mod pixel;
mod plain;
mod rectangle_converter;
mod security;
mod server;
pub mod server_messages;
mod vencrypt;
mod verdict;
mod version;
mod violation;
pub mod vmware;

pub use area::Area;
pub use both_directions::CutText;
pub use claim::Claim;
pub use client::{Client, ClientStep, Ready, Refusal};
pub use convert::Converter;
pub use encoding::Encoding;
pub use limits::{MAX_CREDENTIAL, MAX_REASON};
pub use password::{Challenge, PasswordError, Response, VncPassword};
pub use pixel::PixelFormat;
pub use plain::Password;
pub use rectangle_converter::RectangleConverter;
pub use security::SecurityType;
pub use server::{Server, Step};
pub use verdict::{Accepted, Pending, Welcome};
pub use version::Version;
pub use violation::Violation;

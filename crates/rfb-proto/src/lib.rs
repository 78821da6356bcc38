//! RFB (VNC): the handshakes of both ends, and what is said after them. Bytes in, events out.
//!
//! Nothing here does I/O, reads a clock or draws a random number: challenges are arguments. Towards a
//! viewer we are a [`Server`], towards ESXi a [`Client`]; the two are mirror images. What a viewer says
//! once it is in is followed by [`input::Input`], what a server says by [`update::Update`]. What the crate
//! promises:
//!
//! 1. Not one byte beyond the handshake is consumed: what follows in the buffer is the ClientInit or the
//!    ServerInit.
//! 2. [`Accepted`] exists only through [`Pending::accept`]: who holds one has been judged.
//! 3. Exactly one verdict is written.
//! 4. A password's answer is compared in constant time.
//! 5. Every length from the peer is bounded before it is believed.
//! 6. A viewer is refused in the way that its version of the protocol understands.
//! 7. No input makes it panic, and cutting the input anywhere changes nothing.
//!
//! TLS is the caller's: VeNCrypt comes to the point where it must begin ([`Step::StartTls`]) and goes on
//! with what comes out of it.
//!
//! Sources: RFC 6143 section 7; for what came after it the community's page "The RFB Protocol", called
//! rfbproto here; for what viewers write instead, `docs/webmks.md`.

mod area;
mod both;
mod claim;
mod client;
mod convert;
mod encoding;
mod field;
pub mod input;
pub mod keys;
mod limits;
mod password;
mod pixel;
mod plain;
mod recolour;
mod security;
mod server;
pub mod update;
mod vencrypt;
mod verdict;
mod version;
mod violation;
pub mod vmware;

pub use area::Area;
pub use both::CutText;
pub use claim::Claim;
pub use client::{Client, ClientStep, Ready, Refusal};
pub use convert::Converter;
pub use encoding::Encoding;
pub use limits::{MAX_CREDENTIAL, MAX_REASON};
pub use password::{Challenge, PasswordError, Response, VncPassword};
pub use pixel::PixelFormat;
pub use plain::Password;
pub use recolour::Recolour;
pub use security::SecurityType;
pub use server::{Server, Step};
pub use verdict::{Accepted, Pending, Welcome};
pub use version::Version;
pub use violation::Violation;

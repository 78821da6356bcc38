//! Translates between stock VNC viewers and VMware's RFB. Bytes in, bytes out: no I/O, no clock.
//!
//! A viewer's messages are few and small: each is parsed, and relayed, changed or dropped (`viewer`). The host's
//! messages are only split by their lengths and relayed without a copy (`host`). Exceptions are rectangles that only
//! the gateway requested, which are dropped, and pixels in another format than the viewer's, which are converted
//! ([`rfb_proto::RectangleConverter`]).
//!
//! | what | changed in | why (`docs/webmks.md`) |
//! |---|---|---|
//! | pixel formats | `viewer`, `host` | 2.3: a host may close the connection over a format other than its own, or ignore it |
//! | encodings | `encodings` | 2.4: some make a server send what no viewer can decode |
//! | keys | `keyboard` | 2.3, Q6: the host looks keysyms up in a fixed layout |
//! | wheel, further buttons, relative pointers | `mouse` | 1.7: they have a message of VMware's |
//! | clipboards | `paste` | 1.7: the text can only be typed |
//! | partial pictures | `missing`, `viewer_update` | 2.3, Q3 and Q4: a host may answer a request in several updates |
//! | acknowledgements | `acks` | 7.1: a host that requests them may stop without them |
//! | sizes | `host`, `viewer` | 1.6: they are requested by a message of VMware's |
//! | VMware's own client | `shared`, `viewer` | 7.2: it speaks with such messages itself |
//!
//! Where the host is lost, [`Dialogue::host_lost`] completes what the viewer has received, and [`Dialogue::banner`]
//! draws a line of text over its last picture (`banner`, `font`). For a new host to follow, rectangles that cannot be
//! completed are relayed only when they are whole (`host::incomplete`), and the zlib streams of the new host are changed
//! so that they go on in the viewer's decoders (`streams`).
//!
//! `offers` announces extensions to the viewer that the gateway translates for the host.

mod acks;
mod banner;
mod bounds;
mod by_keysym;
mod cannot_continue;
mod dialogue;
mod encodings;
#[cfg(test)]
mod error_texts;
mod font;
mod host;
mod host_key;
mod host_part;
mod keyboard;
mod missing;
mod mouse;
mod offers;
mod paste;
mod settings;
mod shared;
mod streams;
#[cfg(test)]
mod tests;
mod to_viewer;
mod viewer;
mod viewer_part;
mod viewer_update;

pub use banner::banner;
pub use bounds::{Measured, measure};
pub use cannot_continue::CannotContinue;
pub use dialogue::Dialogue;
pub use settings::{CtrlAltInsert, HostKind, InputSettings};
pub use to_viewer::ToViewer;

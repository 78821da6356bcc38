//! What stock VNC viewers and VMware's RFB need of each other. Bytes in, bytes out: no I/O, no clock.
//!
//! A viewer's messages are few and small: each is read, and passes, is changed, or is left out (`viewer`). What
//! the host sends is followed by its lengths and goes on where it lies (`host`), but for what only the gateway
//! asked for, and for pixels in a format that the host does not speak ([`rfb_proto::Recolour`]).
//!
//! | what | changed in | why (`docs/webmks.md`) |
//! |---|---|---|
//! | pixel formats | `viewer`, `host` | 2.3: others than the host's own end the connection, or are ignored |
//! | encodings | `encodings` | 2.4: marks that make a server send what no viewer can read |
//! | keys | `keyboard` | 2.3, Q6: keysyms go through a fixed layout |
//! | wheel, further buttons, relative pointers | `mouse` | 1.7: they have a message of their own |
//! | clipboards | `paste` | 1.7: they are typed, if anything |
//! | pictures in parts | `missing`, `viewer_update` | 2.3, Q3 and Q4: one request, one whole picture |
//! | acknowledgements | `acks` | 7.1: a host that wants them may send nothing more without |
//! | sizes | `host`, `viewer` | 1.6: asked for by a message of their own |
//!
//! Where the host is lost, [`Dialogue::host_lost`] completes what the viewer has received, and [`Dialogue::banner`] draws a
//! line of text over its last picture (`banner`, `font`).
//!
//! What viewers are told that they may send (`offers`) is what the host takes in its own way.

mod acks;
mod banner;
mod bounds;
mod by_keysym;
mod cannot_continue;
mod dialogue;
mod encodings;
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
pub use settings::{CtrlAltInsert, Habits, HostKind};
pub use to_viewer::ToViewer;

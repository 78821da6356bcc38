//! Keys: their keysyms in X, their scan codes on a PC's keyboard, and the characters that they write in a layout.
//!
//! A viewer sends the keysym of a key or its XT scan code. A VMware host takes scan codes of its own
//! ([`crate::vmware::VScancode`]): an XT scan code is converted by arithmetic ([`from_xt`]), a keysym with the layout
//! of the guest ([`Layout::key`]).

mod characters;
mod layout;
mod named;
mod scancodes;
mod tables;
mod xt;

pub use characters::{character, keysym};
pub use layout::{Layout, Stroke, Typed};
pub use scancodes::{ALT_GR, KEYPAD_EQUALS, PAUSE, PRINT_SCREEN, SHIFT, SPACE, SYS_RQ};
pub use xt::from_xt;

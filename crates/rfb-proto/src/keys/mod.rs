//! Keys: what X calls them, where they are on a PC's keyboard, and what is written on them.
//!
//! A viewer says what a key means (a keysym), or where it is (an XT scan code). A VMware host wants to hear where
//! it is ([`crate::vmware::VScancode`]). From an XT code that is arithmetic ([`from_xt`]); from a keysym it takes the layout that
//! the guest has ([`Layout::key`]).

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

//! The gateway as a library: ports, logins, sessions, the relay, metrics. Set up by typed [`settings`]; it reads no
//! configuration file and knows no command line.

mod admin;
mod binding;
mod byte_relay;
mod error;
mod front_door;
mod gateway;
mod last_failure;
pub mod listener;
mod metrics;
pub mod overlap;
mod private_line;
mod relay;
#[path = "../../mksgate/src/repair/mod.rs"]
mod repair;
mod running;
mod session;
mod session_threads;
pub mod settings;
mod visit;

pub use byte_relay::relay_bytes;
pub use error::{Blame, Failure, Stage};
#[doc(hidden)]
pub use front_door::proxy_header::parse as parse_proxy_header;
pub use front_door::users::{User, Users};
pub use front_door::{certificate, hashing, users};
pub use gateway::{Gateway, Shutdown, StartError};
pub use last_failure::LastFailure;
pub use private_line::PrivateLine;
#[doc(hidden)]
pub use repair::bounds::{Measured, measure as measure_repair};
pub use repair::{CtrlAltInsert, Habits};

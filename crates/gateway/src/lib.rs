//! The gateway as a library: ports, logins, sessions, the relay, metrics. Set up by typed [`settings`]; it reads no
//! configuration file and knows no command line.

mod admin;
mod authenticate;
mod binding;
mod byte_relay;
mod closing;
mod connection;
mod current;
mod entrance;
mod error;
mod error_code;
#[cfg(test)]
mod error_texts;
mod for_viewer;
mod gap;
mod gateway;
mod judge;
mod last_failure;
pub mod listener;
mod local_entrance;
mod metrics;
mod one_use;
mod one_use_logins;
mod open_session;
pub mod overlap;
mod reason_banner;
mod registry;
mod relay;
mod relaying;
mod running;
mod session;
mod session_log;
mod session_threads;
pub mod settings;
mod shared;
mod start_error;
mod traffic;
mod viewer_link;
mod web_entrance;
mod wiring;

pub use byte_relay::relay_bytes;
pub use connection::Stream;
pub use dialect::{CtrlAltInsert, InputSettings};
pub use error::{Blame, Failure, Stage};
pub use gateway::{Gateway, Shutdown};
pub use last_failure::{LastFailure, SessionFailure};
pub use local_entrance::LocalEntrance;
pub use logins::rights::{ConsoleNames, VmNames};
pub use logins::users::{User, Users};
pub use logins::{api_keys, certificate, hashing, users};
pub use one_use::TOKEN_LIFETIME;
pub use one_use_logins::NAME as ONE_USE_NAME;
pub use start_error::StartError;
pub use web_entrance::{
    Console, ConsoleGrant, ConsoleId, GrantedConsole, OneUseLogin, OpenSession, TokenError,
    WebEntrance,
};

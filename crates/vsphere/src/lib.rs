//! Console tickets from ESXi and vCenter: the few vim25 SOAP calls they take, and those that a picture takes.
//!
//! One [`Client`] is one vSphere endpoint and holds at most one session there, shared by all who ask. The life of a ticket:
//!
//! 1. [`Client::ticket`] takes the open session, or logs in (one login in flight, however many are waiting).
//! 2. The VM is looked up as its [`VmRef`] says, unless it is known already.
//! 3. `AcquireTicket("webmks")` gives a one-time credential; the reply becomes a [`Ticket`], which is spent by value.
//! 4. A session that has ended in the meantime is renewed once; a VM that has moved out of sight is looked up once more.
//!
//! Nothing secret is in any `Debug`, `Display` or [`Error`]. Every string is escaped on the way out and every answer is
//! bounded on the way in.

mod about;
mod call;
mod client;
mod collectors;
mod connections;
mod datastore;
mod error;
mod fault;
mod find;
pub mod happy_eyeballs;
mod in_words;
mod inventory_path;
mod inventory_view;
mod open_session;
mod property;
mod reading;
mod reference;
mod runtime_info;
mod screenshot;
mod service;
mod session;
mod session_store;
mod settings;
mod soap;
mod ticket;
mod transport;
mod usage;
mod uuid;
mod vm;
mod vm_ref;
mod watch;
mod xml;

pub use about::{About, ApiType};
pub use client::Client;
pub use connections::ConsoleConnection;
pub use error::Error;
pub use in_words::{certificate_in_words, io_in_words, pem_in_words, tls_in_words};
#[doc(hidden)]
pub use reading::read_answer;
pub use runtime_info::{ConnectionState, Power};
pub use screenshot::Screenshot;
pub use session_store::{SessionCookie, SessionStore};
pub use settings::Settings;
pub use ticket::{Thumbprints, Ticket, TicketParts};
pub use transport::CALL_TIMEOUT;
pub use usage::InUse;
pub use uuid::{InvalidUuid, Uuid};
pub use vm::Vm;
pub use vm_ref::{InvalidVmRef, VmRef};
pub use watch::{VmState, Watch};

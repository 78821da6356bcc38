//! Console tickets and screenshots from ESXi and vCenter, by vim25 SOAP calls.
//!
//! A [`Client`] is one vSphere endpoint, with at most one session, which all callers share. How a ticket is acquired:
//!
//! 1. [`Client::ticket`] uses the open session, or logs in; concurrent callers share one login.
//! 2. The VM is looked up by its [`VmRef`], unless it is in the cache.
//! 3. `AcquireTicket("webmks")` returns a one-time credential, the [`Ticket`], which is consumed by use.
//! 4. A session that has ended is renewed once; a VM that no longer exists is looked up once more.
//!
//! No `Debug`, `Display` or [`Error`] contains a secret. Every string in a request is escaped, and the size of answers is
//! limited.

mod about;
mod ancestry;
mod call;
mod client;
mod collectors;
mod connections;
mod datastore;
mod error;
mod error_code;
mod fault;
mod find;
mod for_viewer;
mod found;
pub mod happy_eyeballs;
mod inventory;
mod inventory_path;
mod inventory_view;
mod object;
mod open_session;
mod power_action;
mod property;
mod property_collector;
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
pub use error_words::{
    certificate_in_words, certificate_remedy, io_in_words, is_not_tls, pem_in_words, tls_in_words,
};
pub use inventory::{
    Inventory, InventoryChanges, InventoryEvent, InventorySnapshot, InventoryState, InventoryVm,
};
pub use inventory_path::canonical_path;
pub use power_action::{FIRMWARE_PRIVILEGE, PowerAction};
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

//! From a VM's name, or a URL, to its console. [`open`] is all of it as one command needs it: each milestone is told to
//! whoever waits.
//!
//! | what | where |
//! |---|---|
//! | what is behind a port, and what opens it for one viewer | [`settings`], [`destination`], [`identity`], [`target`] |
//! | a vSphere that hands out tickets, and how many consoles each of its hosts may have open | [`upstream`], [`slots`] |
//! | a URL in their place, or a program that prints one | [`endpoint`], [`ws_url`], [`headers`], [`url_command`] |
//! | TCP, perhaps by a proxy, and TLS, with whom and why that is trusted | [`address`], [`happy_eyeballs`], `proxy`, [`stream`], [`transport`], [`tls`], [`tls_session`] |
//! | the console's connection, open | [`host_link`], [`mask_keys`] |
//! | a viewer of its own, which looks and types | [`client`] |

pub mod address;
pub mod blocks;
pub mod client;
pub mod crypto;
pub mod destination;
pub mod endpoint;
mod error;
pub mod happy_eyeballs;
pub mod headers;
pub mod host_link;
pub mod identity;
pub mod mask_keys;
pub mod milestone;
pub mod named_file;
pub mod printable;
mod proxy;
pub mod secret;
pub mod settings;
pub mod slots;
pub mod socket;
pub mod stream;
pub mod target;
pub mod tls;
pub mod tls_session;
pub mod transport;
pub mod upstream;
pub mod url_command;
pub mod ws_url;

pub use error::{Blame, Error, Step};

use std::sync::Arc;
use std::time::Duration;

use rfb_proto::VncPassword;
use tokio::time::{Instant, timeout_at};
use vsphere::{Vm, VmRef};

use crate::milestone::{Milestone, Witness};
use crate::secret::Secret;
use destination::{Destination, Pass};
use host_link::Console;
use upstream::Upstream;

/// The console of a VM that was looked up just now; `password` is its VNC password, for a host that asks for it.
pub async fn open(
    upstream: &Arc<Upstream>,
    vm: &Vm,
    password: Option<Secret<VncPassword>>,
    within: Duration,
    witness: &Witness,
) -> Result<Console, Error> {
    // By its id it need not be looked up again.
    let vm = VmRef::Moref(vm.moref.clone());
    let destination = Destination::Vm(Arc::clone(upstream), vm, password);
    open_at(&destination, within, witness).await
}

/// A fresh ticket or URL, and the console that it opens; both `within` that time.
pub async fn open_at(
    destination: &Destination,
    within: Duration,
    witness: &Witness,
) -> Result<Console, Error> {
    let deadline = Instant::now() + within;
    let pass = timeout_at(deadline, destination.pass(deadline))
        .await
        .map_err(|_| destination.slow(Step::Ticket, within))??;
    witness(match &pass {
        Pass::Ticket(_, ticket, _) => Milestone::Ticket(ticket),
        Pass::Url(_, place) => Milestone::Located(place.url()),
    });
    let dial = async { Console::dial_witnessed(pass.target().await?, witness).await };
    timeout_at(deadline, dial)
        .await
        .map_err(|_| destination.slow(Step::Dial, within))?
}

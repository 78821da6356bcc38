//! From a VM's name, or a URL, to its console. [`open`] is all of it as one command needs it: each milestone is told to
//! whoever waits.
//!
//! | what | where |
//! |---|---|
//! | what is behind a port, and what opens it for one viewer | [`destination`], [`target`] |
//! | a vSphere that hands out tickets, and how many consoles each of its hosts may have open | [`upstream`], [`slots`] |
//! | a URL in their place, or a program that prints one | [`endpoint`], [`ws_url`], [`headers`], [`url_command`] |
//! | TCP, perhaps by a proxy, and TLS, with whom and why that is trusted | [`address`], [`proxy`], [`stream`], [`transport`], [`tls`], [`certificate`] |
//! | the console's connection, open | [`console`], [`mask_keys`] |

pub(crate) mod address;
pub(crate) mod certificate;
pub(crate) mod console;
pub(crate) mod destination;
pub(crate) mod endpoint;
pub(crate) mod headers;
pub(crate) mod mask_keys;
pub(crate) mod proxy;
pub(crate) mod slots;
pub(crate) mod stream;
pub(crate) mod target;
pub(crate) mod tls;
pub(crate) mod transport;
pub(crate) mod upstream;
pub(crate) mod url_command;
pub(crate) mod ws_url;

use std::sync::Arc;
use std::time::Duration;

use rfb_proto::VncPassword;
use tokio::time::{Instant, timeout_at};
use vsphere::{Vm, VmRef};

use crate::config::Secret;
use crate::error::{Failure, Stage};
use crate::milestone::{Milestone, Witness};
use console::Console;
use destination::{Destination, Pass};
use upstream::Upstream;

/// The console of a VM that was looked up just now; `password` is its VNC password, for a host that asks for it.
pub(crate) async fn open(
    upstream: &Arc<Upstream>,
    vm: &Vm,
    password: Option<Secret<VncPassword>>,
    within: Duration,
    witness: &Witness,
) -> Result<Console, Failure> {
    // By its id it need not be looked up again.
    let vm = VmRef::Moref(vm.moref.clone());
    let destination = Destination::Vm(Arc::clone(upstream), vm, password);
    open_at(&destination, within, witness).await
}

/// A fresh ticket or URL, and the console that it opens; both `within` that time.
pub(crate) async fn open_at(
    destination: &Destination,
    within: Duration,
    witness: &Witness,
) -> Result<Console, Failure> {
    let deadline = Instant::now() + within;
    let pass = timeout_at(deadline, destination.pass(deadline))
        .await
        .map_err(|_| destination.slow(Stage::Ticket, within))??;
    witness(match &pass {
        Pass::Ticket(_, ticket, _) => Milestone::Ticket(ticket),
        Pass::Url(_, place) => Milestone::Located(place.url()),
    });
    let dial = async { Console::dial_witnessed(pass.target().await?, witness).await };
    timeout_at(deadline, dial)
        .await
        .map_err(|_| destination.slow(Stage::Dial, within))?
}

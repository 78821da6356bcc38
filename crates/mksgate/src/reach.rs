//! From a VM's name, or a URL, to its console, as one command needs it: each milestone is told to whoever waits.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use vsphere::{Vm, VmRef};

use crate::console::Console;
use crate::destination::{Destination, Pass};
use crate::error::{Failure, Stage};
use crate::milestone::{Milestone, Witness};
use crate::upstream::Upstream;

/// The console of a VM that was looked up just now.
pub(crate) async fn open(
    upstream: &Arc<Upstream>,
    vm: &Vm,
    within: Duration,
    witness: &Witness,
) -> Result<Console, Failure> {
    // By its id it need not be looked up again.
    let vm = VmRef::Moref(vm.moref.clone());
    open_at(&Destination::Vm(Arc::clone(upstream), vm), within, witness).await
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
        Pass::Ticket(_, ticket) => Milestone::Ticket(ticket),
        Pass::Url(_, place) => Milestone::Located(place.url()),
    });
    let dial = async { Console::dial_witnessed(pass.target().await?, witness).await };
    timeout_at(deadline, dial)
        .await
        .map_err(|_| destination.slow(Stage::Dial, within))?
}

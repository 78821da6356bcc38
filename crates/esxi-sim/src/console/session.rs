//! A console: from the upgraded connection to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use super::socket::Line;
use super::{bridge, desktop_session, handshake};
use crate::client_stream::Wire;
use crate::console_connections::{LimitReached, OpenConsole};
use crate::counts::End;
use crate::host_state::Site;
use crate::inventory::vm::{Display, Vm};
use crate::misbehaviour::Misbehaviour;
use crate::power::Power;

/// Serves the console of `vm` on a connection that is about to be upgraded.
pub(crate) async fn run(
    site: Arc<Site>,
    vm: Arc<Vm>,
    upgrade: OnUpgrade,
    misbehaviour: Option<Misbehaviour>,
) {
    let Ok(upgraded) = upgrade.await else {
        return;
    };
    let Ok(parts) = upgraded.downcast::<TokioIo<Wire>>() else {
        return;
    };
    site.changes.send_replace(());
    site.journal.console_opened();
    let seed = site.next_seed.fetch_add(1, Ordering::Relaxed);
    let wire = parts.io.into_inner();
    let open = vm.connections.open(wire.client());
    let mut line = Line::new(
        wire,
        parts.read_buf,
        site.journal.clone(),
        seed,
        misbehaviour,
    )
    .await;
    let end = match &open {
        Ok(open) => until_ended(&mut line, &vm, open, &site).await,
        Err(LimitReached(_)) => handshake::refuse(&mut line, LIMIT_REACHED).await,
    };
    // A console that only fell silent stays until its client has gone.
    let open = open.ok().filter(|_| stays(&end, &vm));
    site.journal.console_served();
    site.changes.send_replace(());
    tracing::debug!(vm = vm.name, ?end, "console ended");
    tokio::select! {
        () = line.finish(&end) => {}
        () = site.stop.cancelled() => {}
    }
    if let Some(open) = open.filter(|_| vm.cut_consoles_linger) {
        open.linger();
    }
    site.journal.console_ended(&vm.name, end);
}

async fn until_ended(line: &mut Line, vm: &Vm, open: &OpenConsole, site: &Site) -> End {
    let mut power = vm.power.subscribe();
    let mut silence = vm.silence.subscribe();
    tokio::select! {
        // What a client sends after one of these has happened is too late.
        biased;
        _ = silence.changed() => End::FellSilent,
        () = site.stop.cancelled() => End::Stopped,
        _ = power.wait_for(|power| *power != Power::On) => End::Stopped,
        () = open.dropped() => End::Dropped,
        end = serve(line, vm) => end,
    }
}

/// Whether the VM still counts a console that ended in this way.
fn stays(end: &End, vm: &Vm) -> bool {
    match end {
        End::FellSilent => true,
        End::LostClient => vm.cut_consoles_linger,
        _ => false,
    }
}

async fn serve(line: &mut Line, vm: &Vm) -> End {
    match &vm.display {
        Display::Desktop(desktop) => desktop_session::serve(line, &vm.name, desktop).await,
        Display::Bridge(server) => bridge::serve(line, *server).await,
    }
}

/// The wording is a guess.
const LIMIT_REACHED: &str =
    "The limit of console connections to the virtual machine has been reached.";

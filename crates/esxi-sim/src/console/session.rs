//! A console, from the upgraded connection to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use super::socket::ConsoleSocket;
use super::{bridge, desktop_session, handshake};
use crate::client_stream::ClientStream;
use crate::console_connections::{LimitReached, OpenConsole};
use crate::counts::EndReason;
use crate::display::Display;
use crate::host_state::HostState;
use crate::inventory::vm::Vm;
use crate::misbehaviour::Misbehaviour;
use crate::power::Power;

/// Serves the console of `vm`, which shows `display`, once the connection is upgraded.
pub(crate) async fn run(
    state: Arc<HostState>,
    vm: Arc<Vm>,
    display: Display,
    upgrade: OnUpgrade,
    misbehaviour: Option<Misbehaviour>,
) {
    let Ok(upgraded) = upgrade.await else {
        return;
    };
    let Ok(parts) = upgraded.downcast::<TokioIo<ClientStream>>() else {
        return;
    };
    state.changes.send_replace(());
    state.counters.console_opened();
    let seed = state.next_seed.fetch_add(1, Ordering::Relaxed);
    let stream = parts.io.into_inner();
    let open = vm.connections.open(stream.client());
    let mut socket = ConsoleSocket::new(
        stream,
        parts.read_buf,
        state.counters.clone(),
        seed,
        misbehaviour,
    )
    .await;
    let end = match &open {
        Ok(open) => until_ended(&mut socket, &vm, &display, open, &state).await,
        Err(LimitReached(_)) => handshake::refuse(&mut socket, LIMIT_REACHED).await,
    };
    // A silent console counts until its client disconnects.
    let open = open.ok().filter(|_| still_counts(&end, &vm));
    state.counters.console_served();
    state.changes.send_replace(());
    tracing::debug!(vm = vm.name, ?end, "console ended");
    tokio::select! {
        () = socket.finish(&end) => {}
        () = state.stop.cancelled() => {}
    }
    if let Some(open) = open.filter(|_| vm.cut_consoles_linger) {
        open.linger();
    }
    state.counters.console_ended(&vm.name, end);
}

async fn until_ended(
    socket: &mut ConsoleSocket,
    vm: &Vm,
    display: &Display,
    open: &OpenConsole,
    state: &HostState,
) -> EndReason {
    let mut power = vm.power.subscribe();
    let mut silence = vm.silence.subscribe();
    tokio::select! {
        // The host's events win over client messages that arrive at the same time.
        biased;
        _ = silence.changed() => EndReason::FellSilent,
        () = state.stop.cancelled() => EndReason::Stopped,
        _ = power.wait_for(|power| *power != Power::On) => EndReason::Stopped,
        () = open.dropped() => EndReason::Dropped,
        end = serve(socket, &vm.name, display) => end,
    }
}

/// Whether a console that ended for this reason still counts as connected.
fn still_counts(end: &EndReason, vm: &Vm) -> bool {
    match end {
        EndReason::FellSilent => true,
        EndReason::LostClient => vm.cut_consoles_linger,
        _ => false,
    }
}

async fn serve(socket: &mut ConsoleSocket, name: &str, display: &Display) -> EndReason {
    match display {
        Display::Desktop(desktop) => desktop_session::serve(socket, name, desktop).await,
        Display::Bridge(server) => bridge::serve(socket, *server).await,
    }
}

/// The text is a guess.
const LIMIT_REACHED: &str =
    "The limit of console connections to the virtual machine has been reached.";

//! A console: from the upgraded connection to its end.

mod bridge;
mod client;
mod cutter;
mod encodings;
mod handshake;
mod line;
mod marks;
mod pixel;
mod screen;
mod update;
pub(crate) mod upgrade;
mod viewer;
mod vmware;
pub(crate) mod wire;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use self::line::Line;
use self::wire::Wire;
use crate::counts::End;
use crate::misbehaviour::Misbehaviour;
use crate::settings::Power;
use crate::site::Site;
use crate::vm::{Display, Vm};

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
    let open = vm.open_console();
    site.changes.send_replace(());
    site.journal.console_opened();
    let seed = site.next_seed.fetch_add(1, Ordering::Relaxed);
    let wire = parts.io.into_inner();
    let mut line = Line::new(wire, parts.read_buf, Arc::clone(&site), seed, misbehaviour).await;
    let mut power = vm.power.subscribe();
    let end = tokio::select! {
        end = serve(&mut line, &vm) => end,
        () = site.stop.cancelled() => End::Stopped,
        _ = power.wait_for(|power| *power != Power::On) => End::Stopped,
    };
    drop(open);
    site.journal.console_served();
    site.changes.send_replace(());
    tracing::debug!(vm = vm.name, ?end, "console ended");
    tokio::select! {
        () = line.finish(&end) => {}
        () = site.stop.cancelled() => {}
    }
    site.journal.console_ended(&vm.name, end);
}

async fn serve(line: &mut Line, vm: &Vm) -> End {
    match &vm.display {
        Display::Desktop(desktop) => screen::serve(line, &vm.name, desktop).await,
        Display::Bridge(server) => bridge::serve(line, *server).await,
    }
}

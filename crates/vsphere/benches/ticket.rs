//! What a console costs at the vSphere endpoint: round trips, the wait that this crate adds, logins under a rush.
//!
//! `cargo bench -p vsphere`. It prints the figures and fails where one is missed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_macros,
    reason = "a bench"
)]

#[allow(
    dead_code,
    unused_imports,
    reason = "shared with the tests, which use all of it"
)]
#[path = "../tests/client/support/mod.rs"]
mod support;

use std::{sync::Arc, time::Duration};

use support::Host;
use tokio::{task::JoinSet, time::Instant};
use vsphere::{Client, VmRef};

const SAMPLES: usize = 2_000;
const CALLERS: usize = 1_000;

/// What this crate may add to a viewer's wait over the server's own answer.
const ADDED_LIMIT: Duration = Duration::from_millis(2);

#[tokio::main]
async fn main() {
    round_trips().await;
    added_wait().await;
    rush_on_an_expired_session().await;
}

async fn round_trips() {
    let host = Host::esxi().await;
    let client = host.client();
    client.ticket(&VmRef::Moref("7".into())).await.unwrap();
    // The first lookup by name in a session makes the view that all later ones use.
    client.vms().await.unwrap();
    host.forget();
    let name = VmRef::Name("vm08".into());
    client.ticket(&name).await.unwrap();
    let unknown = host.methods().len();
    host.forget();
    client.ticket(&name).await.unwrap();
    let known = host.methods().len();
    println!("round trips for a VM that is known: {known}, named for the first time: {unknown}");
    assert_eq!((known, unknown), (1, 2));
}

async fn added_wait() {
    let host = Host::esxi().await;
    let client = host.client();
    let vm = VmRef::Name("vm08".into());
    client.ticket(&vm).await.unwrap();
    let asked = host.asked().pop().unwrap();
    let settings = host.settings();
    let bare = reqwest::Client::builder()
        .tls_backend_preconfigured(settings.tls)
        .no_proxy()
        .build()
        .unwrap();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // Taken in turn, so that whatever else the machine does is in both.
    for _ in 0..SAMPLES {
        let before = Instant::now();
        client.ticket(&vm).await.unwrap();
        ours.push(before.elapsed());
        let before = Instant::now();
        let post = bare.post(settings.url.clone()).body(asked.body.clone());
        let post = post.header("cookie", asked.cookie.clone().unwrap());
        post.send().await.unwrap().bytes().await.unwrap();
        theirs.push(before.elapsed());
        host.forget();
    }
    for (name, percent) in [("median", 50), ("99th percentile", 99)] {
        let (ours, theirs) = (at(&mut ours, percent), at(&mut theirs, percent));
        let added = ours.saturating_sub(theirs);
        println!("{name}: a ticket {ours:?}, the bare exchange {theirs:?}, added {added:?}");
        assert!(percent != 50 || added < ADDED_LIMIT, "{added:?}");
    }
}

async fn rush_on_an_expired_session() {
    let host = Host::esxi().await;
    let client: Arc<Client> = Arc::new(host.client());
    client.ticket(&VmRef::Name("vm08".into())).await.unwrap();
    host.expire();
    host.forget();
    let mut callers = JoinSet::new();
    let before = Instant::now();
    for _ in 0..CALLERS {
        let client = Arc::clone(&client);
        callers.spawn(async move { client.ticket(&VmRef::Name("vm08".into())).await.is_ok() });
    }
    let results = callers.join_all().await;
    let lost = results.iter().filter(|ok| !**ok).count();
    let logins = host.count("Login");
    println!(
        "{CALLERS} viewers at once on an expired session: {logins} login, {lost} lost, {:?}",
        before.elapsed()
    );
    assert_eq!((results.len(), logins, lost), (CALLERS, 1, 0));
}

fn at(samples: &mut [Duration], percent: usize) -> Duration {
    samples.sort_unstable();
    samples[samples.len() * percent / 100]
}

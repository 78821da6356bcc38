//! No kind of end leaks a task or a file descriptor.

use std::process::{Command, Stdio};

use tokio::runtime::Handle;

use crate::support::esxi::Esxi;
use crate::support::frame;
use crate::support::testbed::{Setup, Testbed};
use crate::support::viewer::RfbVersion;
use crate::support::{until, within};

/// How often each kind of end is repeated.
const ROUNDS: usize = 5;

/// Runs [`in_a_process_of_its_own`] in a new process, since other tests open descriptors too.
#[test]
fn sessions_leak_no_task_and_no_descriptor() {
    let name = "closing::leaks::in_a_process_of_its_own";
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("1 passed"), "{text}");
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[tokio::test]
#[ignore = "counts descriptors, so it has to be alone in its process: another test runs it"]
async fn in_a_process_of_its_own() {
    within(async {
        let descriptors_at_first = descriptors();
        let esxi = Esxi::start().await;
        let testbed = Setup::default().with_console_host(&esxi).start().await;
        // The session threads' own descriptors stay.
        let descriptors_at_rest = descriptors();
        // The first session logs in; the API connection may stay open.
        drop(esxi.session(&testbed).await);
        until(|| testbed.host.counts().sessions_open == 1).await;
        every_end(&esxi, &testbed).await;
        // At most four API connections are kept, each with one or two tasks at both ends, for any number of sessions.
        until(|| tasks() <= 16 && descriptors() <= descriptors_at_rest + 16).await;
        testbed.end().await;
        drop(esxi);
        until(|| tasks() == 0 && descriptors() <= descriptors_at_first).await;
    })
    .await;
}

async fn every_end(esxi: &Esxi, testbed: &Testbed) {
    for _ in 0..ROUNDS {
        let (viewer, connection) = esxi.session(testbed).await;
        drop(viewer);
        drop(connection);
        let (viewer, connection) = esxi.session(testbed).await;
        viewer.reset();
        drop(connection);
        let (viewer, connection) = esxi.session(testbed).await;
        connection.reset();
        drop(viewer);
        let (mut viewer, mut connection) = esxi.session(testbed).await;
        connection.send(&frame::close(1000, "")).await;
        assert!(viewer.rest().await.is_empty());
        let (viewer, mut connection) = esxi.session(testbed).await;
        connection.send(&[0xff; 40]).await;
        drop(connection);
        viewer.reset();
        // During the handshake: before the first byte, after it, and after the dial.
        drop(testbed.viewer().await);
        testbed.viewer().await.reset();
        let mut viewer = testbed.viewer().await;
        viewer.exchange_versions(RfbVersion::V3_3.bytes()).await;
        let dialled = esxi.accept().await;
        drop(viewer);
        drop(dialled);
    }
}

//! What became of a VM whose console was lost, as the log says.

use esxi_sim::{Host, Kind, Placement, Power, Settings};

use crate::support::esxi::Esxi;
use crate::support::frame;
use crate::support::log::Line;
use crate::support::testbed::{Setup, Testbed, vm};
use crate::support::viewer::Viewer;
use crate::support::within;

/// A vCenter with one VM, and a viewer of its console. The gateway knows the VM's host.
async fn session() -> (Testbed, Viewer) {
    let setup = Setup {
        host: Settings {
            kind: Kind::VCenter,
            ..Setup::default().host
        },
        ..Setup::default()
    };
    let testbed = setup.start().await;
    let mut viewer = testbed.viewer().await;
    viewer.open().await;
    // The second wait begins when the first answer has been applied.
    testbed
        .host
        .counts_until(|counts| counts.calls_of("WaitForUpdatesEx") >= 2)
        .await;
    (testbed, viewer)
}

/// The closing line of a session that ends by `change`, whose viewer is closed with FIN.
async fn line_after(change: impl Fn(&Host)) -> Line {
    let (testbed, mut viewer) = session().await;
    change(&testbed.host);
    viewer.rest().await;
    let line = viewer.closing_line().await;
    testbed.end().await;
    line
}

/// Level, `ended_by`, `cause` and `blame`.
fn logged(line: &Line) -> [&str; 4] {
    [&line.level, &line.ended_by, &line.cause, &line.blame]
}

#[tokio::test]
async fn log_tells_power_off_move_deletion_and_host_failure_apart() {
    type Change = fn(&Host);
    let changes: [(Change, [&str; 4], &str); 6] = [
        (
            |host| host.set_power("vm08", Power::Off),
            ["INFO", "esxi", "vm-powered-off", ""],
            "the VM was powered off (close code 1001): start it and connect again",
        ),
        (
            |host| host.set_power("vm08", Power::Suspended),
            ["INFO", "esxi", "vm-suspended", ""],
            "the VM was suspended (close code 1001): resume it and connect again",
        ),
        (
            |host| host.place("vm08", Placement::OtherHost),
            ["WARN", "esxi", "vm-moved", ""],
            "the VM was moved to another host (close code 1001): connect again",
        ),
        (
            |host| host.place("vm08", Placement::Deleted),
            ["WARN", "esxi", "vm-deleted", ""],
            "the VM was deleted or unregistered (close code 1001): check the inventory",
        ),
        (
            |host| host.place("vm08", Placement::LostHost),
            ["WARN", "fault", "host-disconnected", "esxi"],
            "the VM's host is disconnected or does not respond (close code 1001): check the host",
        ),
        (
            |host| host.close_consoles("vm08"),
            ["WARN", "esxi", "console-closed", ""],
            "the console's host closed it while the VM is on (close code 1001): connect again, since the VM may have been reset",
        ),
    ];
    within(async {
        for (change, fields, sentence) in changes {
            let line = line_after(change).await;
            assert_eq!(line.sentence, sentence);
            assert_eq!(logged(&line), fields, "{sentence}");
        }
    })
    .await;
}

#[tokio::test]
async fn broken_connection_of_a_vm_that_is_on_is_told_from_a_close() {
    within(async {
        let esxi = Esxi::start().await;
        let testbed = Setup::default().with_console_host(&esxi).start().await;
        let (mut viewer, connection) = esxi.session(&testbed).await;
        connection.reset();
        viewer.rest().await;
        let line = viewer.closing_line().await;
        assert_eq!(logged(&line), ["WARN", "fault", "host-lost", "esxi"]);
        let broke = "the connection to the console broke while the VM is on (";
        assert!(line.sentence.starts_with(broke), "{}", line.sentence);
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn power_off_that_vsphere_reports_after_the_close_is_recognised() {
    within(async {
        let esxi = Esxi::start().await;
        let testbed = Setup::default().with_console_host(&esxi).start().await;
        let (mut viewer, mut connection) = esxi.session(&testbed).await;
        let reads = |counts: &esxi_sim::Counts| counts.calls_of("RetrievePropertiesEx");
        let before = reads(&testbed.host.counts());
        connection.send(&frame::close(1000, "")).await;
        testbed
            .host
            .counts_until(|counts| reads(counts) > before)
            .await;
        testbed.host.set_power("vm08", Power::Off);
        viewer.rest().await;
        let line = viewer.closing_line().await;
        assert_eq!(logged(&line), ["INFO", "esxi", "vm-powered-off", ""]);
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn vsphere_that_does_not_answer_delays_no_end() {
    within(async {
        let (testbed, mut viewer) = session().await;
        testbed.host.expire_sessions();
        testbed.host.refuse_sdk(503, u32::MAX);
        testbed.host.close_consoles("vm08");
        viewer.rest().await;
        let line = viewer.closing_line().await;
        assert_eq!(logged(&line), ["WARN", "esxi", "console-closed", ""]);
        assert_eq!(line.sentence, "the console's host closed: close code 1001");
        testbed.end().await;
    })
    .await;
}

/// Enough for several viewers of each VM.
const VMS: u64 = 40;

#[tokio::test]
async fn loss_of_many_consoles_at_once_causes_few_calls() {
    within(async {
        let names: Vec<String> = (0..VMS).map(|number| format!("vm{number}")).collect();
        let setup = Setup {
            host: Settings {
                kind: Kind::VCenter,
                vms: names.iter().map(|name| vm(name)).collect(),
                ..Setup::default().host
            },
            consoles: names.clone(),
            ..Setup::default()
        };
        let testbed = setup.start().await;
        let mut viewers = Vec::new();
        for port in testbed.ports.iter().chain(&testbed.ports) {
            let mut viewer = Viewer::connect(*port).await;
            viewer.open().await;
            viewers.push(viewer);
        }
        let reads = |counts: &esxi_sim::Counts| counts.calls_of("RetrievePropertiesEx");
        let before = reads(&testbed.host.counts());
        // Nothing changes that vSphere would report by itself.
        for name in &names {
            testbed.host.close_consoles(name);
        }
        for viewer in &mut viewers {
            viewer.rest().await;
            assert_eq!(viewer.closing_line().await.cause, "console-closed");
        }
        let calls = reads(&testbed.host.counts()) - before;
        assert!(calls <= VMS / 2, "{calls} calls for {} sessions", 2 * VMS);
        testbed.end().await;
    })
    .await;
}

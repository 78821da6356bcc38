//! What vSphere is the reason of.

use console::tls::Trust;
use esxi_sim::{Power, VmSettings};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::{CLOSED_PORT, assert_reason, assert_reason_in, chatty_port, hex};
use crate::support::house::{House, Plan, vm};
use crate::support::viewer::Dialect;
use crate::support::within;

fn with_vm(vm: VmSettings) -> Plan {
    let mut plan = Plan::default();
    plan.host.vms = vec![vm];
    plan
}

#[tokio::test]
async fn a_vm_that_is_not_there() {
    let plan = Plan {
        consoles: vec!["vm99".into()],
        ..Plan::default()
    };
    within(assert_reason_in(plan, &["there is no VM", "vm99"])).await;
}

#[tokio::test]
async fn a_vm_that_does_not_run_and_one_that_was_switched_on_since() {
    within(async {
        let house = House::new().await;
        for (power, words) in [
            (Power::Off, "vm08 is powered off"),
            (Power::Suspended, "vm08 is suspended"),
        ] {
            house.host.set_power("vm08", power);
            assert_reason(&house, &[words]).await;
        }
        house.host.set_power("vm08", Power::On);
        house.viewer().await.open().await;
        house.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_missing_privilege_is_named() {
    let vm = VmSettings {
        console_permitted: false,
        ..vm("vm08")
    };
    let words = ["root", "VirtualMachine.Interact.ConsoleInteract", "vm08"];
    within(assert_reason_in(with_vm(vm), &words)).await;
}

#[tokio::test]
async fn all_console_connections_in_use_until_one_is_closed() {
    within(async {
        let house = with_vm(VmSettings {
            max_consoles: Some(1),
            ..vm("vm08")
        })
        .start()
        .await;
        let mut first = house.viewer().await;
        first.open().await;
        assert_reason(&house, &["vm08", "console connections in use (1)"]).await;
        drop(first);
        house
            .host
            .counts_until(|counts| counts.consoles_open == 0)
            .await;
        house.viewer().await.open().await;
        house.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_wrong_vsphere_password_is_told_to_all_and_tried_once() {
    within(async {
        let plan = Plan {
            password: "forgotten".into(),
            ..Plan::default()
        };
        let house = plan.start().await;
        let address = house.host.address().to_string();
        assert_reason(&house, &["user name or the password of root", &address]).await;
        let mut viewer = house.viewer().await;
        let reason = viewer.enter(Dialect::V3_8, None).await.unwrap_err();
        assert!(!reason.contains("forgotten"), "{reason}");
        drop(viewer);
        assert_eq!(house.end().await.logins_refused, 1);
    })
    .await;
}

#[tokio::test]
async fn a_vsphere_that_cannot_be_reached() {
    within(async {
        let address = CLOSED_PORT;
        let plan = Plan {
            sdk: Some(address),
            ..Plan::default()
        };
        assert_reason_in(plan, &[&address.to_string(), "cannot be reached"]).await;
    })
    .await;
}

#[tokio::test]
async fn a_vsphere_that_is_silent() {
    within(async {
        // The kernel accepts for it.
        let sdk = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap();
        let plan = Plan {
            sdk: Some(sdk.local_addr().unwrap()),
            ..Plan::default()
        };
        assert_reason_in(plan.impatient(), &["did not answer"]).await;
    })
    .await;
}

#[tokio::test]
async fn a_vsphere_that_speaks_no_tls() {
    within(async {
        let tasks = TaskTracker::new();
        let address = chatty_port(&tasks).await;
        let plan = Plan {
            sdk: Some(address),
            ..Plan::default()
        };
        assert_reason_in(plan, &["no TLS connection", &address.to_string()]).await;
    })
    .await;
}

#[tokio::test]
async fn a_vsphere_whose_certificate_is_not_trusted() {
    within(async {
        let house = Plan {
            trust: Some(Trust::WebPki),
            ..Plan::default()
        }
        .start()
        .await;
        let address = house.host.address().to_string();
        assert_reason(&house, &["certificate", &address, "not trusted"]).await;
        assert_eq!(house.end().await.soap_calls(), 0);

        let pin = console::tls::Thumbprint::Sha256([0xab; 32]);
        let house = Plan {
            trust: Some(Trust::Pinned(pin)),
            ..Plan::default()
        }
        .start()
        .await;
        let expected = "ab".repeat(32);
        let got = hex(&house.host.certificate_sha256());
        assert_reason(&house, &["not trusted", &expected, &got]).await;
        assert_eq!(house.end().await.soap_calls(), 0);
    })
    .await;
}

//! Failures caused by vSphere.

use console::tls::Trust;
use esxi_sim::{Power, VmSettings};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::{CLOSED_PORT, assert_reason, assert_reason_in, chatty_port, hex};
use crate::support::testbed::{Setup, Testbed, vm};
use crate::support::viewer::RfbVersion;
use crate::support::within;

fn with_vm(vm: VmSettings) -> Setup {
    let mut setup = Setup::default();
    setup.host.vms = vec![vm];
    setup
}

#[tokio::test]
async fn missing_vm() {
    let setup = Setup {
        consoles: vec!["vm99".into()],
        ..Setup::default()
    };
    within(assert_reason_in(setup, &["there is no VM", "vm99"])).await;
}

#[tokio::test]
async fn powered_off_vm_and_after_power_on() {
    within(async {
        let testbed = Testbed::new().await;
        for (power, words) in [
            (Power::Off, "vm08 is powered off"),
            (Power::Suspended, "vm08 is suspended"),
        ] {
            testbed.host.set_power("vm08", power);
            assert_reason(&testbed, &[words]).await;
        }
        testbed.host.set_power("vm08", Power::On);
        testbed.viewer().await.open().await;
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn missing_privilege_is_named() {
    let vm = VmSettings {
        console_permitted: false,
        ..vm("vm08")
    };
    let words = ["root", "VirtualMachine.Interact.ConsoleInteract", "vm08"];
    within(assert_reason_in(with_vm(vm), &words)).await;
}

#[tokio::test]
async fn no_free_console_connection_until_one_is_closed() {
    within(async {
        let testbed = with_vm(VmSettings {
            max_consoles: Some(1),
            ..vm("vm08")
        })
        .start()
        .await;
        let mut first = testbed.viewer().await;
        first.open().await;
        assert_reason(&testbed, &["vm08", "console connections in use (1)"]).await;
        drop(first);
        testbed
            .host
            .counts_until(|counts| counts.consoles_open == 0)
            .await;
        testbed.viewer().await.open().await;
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn wrong_vsphere_password_is_tried_once_and_reported_to_all() {
    within(async {
        let setup = Setup {
            password: "forgotten".into(),
            ..Setup::default()
        };
        let testbed = setup.start().await;
        let address = testbed.host.address().to_string();
        assert_reason(&testbed, &["user name or the password of root", &address]).await;
        let mut viewer = testbed.viewer().await;
        let reason = viewer.refused(RfbVersion::V3_8, None).await;
        assert!(!reason.contains("forgotten"), "{reason}");
        drop(viewer);
        assert_eq!(testbed.end().await.logins_refused, 1);
    })
    .await;
}

#[tokio::test]
async fn unreachable_vsphere() {
    within(async {
        let address = CLOSED_PORT;
        let setup = Setup {
            sdk: Some(address),
            ..Setup::default()
        };
        assert_reason_in(setup, &[&address.to_string(), "cannot be reached"]).await;
    })
    .await;
}

#[tokio::test]
async fn silent_vsphere() {
    within(async {
        // The kernel completes the TCP handshake.
        let sdk = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap();
        let setup = Setup {
            sdk: Some(sdk.local_addr().unwrap()),
            ..Setup::default()
        };
        assert_reason_in(setup.with_short_timeouts(), &["did not answer"]).await;
    })
    .await;
}

#[tokio::test]
async fn vsphere_without_tls() {
    within(async {
        let tasks = TaskTracker::new();
        let address = chatty_port(&tasks).await;
        let setup = Setup {
            sdk: Some(address),
            ..Setup::default()
        };
        assert_reason_in(
            setup,
            &["does not speak TLS: check the port", &address.to_string()],
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn vsphere_with_an_untrusted_certificate() {
    within(async {
        let testbed = Setup {
            trust: Some(Trust::WebPki),
            ..Setup::default()
        }
        .start()
        .await;
        let address = testbed.host.address().to_string();
        assert_reason(&testbed, &["certificate", &address, "not trusted"]).await;
        assert_eq!(testbed.end().await.soap_calls(), 0);

        let pin = console::tls::Thumbprint::Sha256([0xab; 32]);
        let testbed = Setup {
            trust: Some(Trust::Pinned(pin)),
            ..Setup::default()
        }
        .start()
        .await;
        let expected = "ab".repeat(32);
        let got = hex(&testbed.host.certificate_sha256());
        assert_reason(&testbed, &["not trusted", &expected, &got]).await;
        assert_eq!(testbed.end().await.soap_calls(), 0);
    })
    .await;
}

//! Consoles that go silent, reach the connection limit, linger, or require a VNC password.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failed test"
)]

mod support;

use std::num::NonZero;

use des::Des;
use des::cipher::{BlockCipherEncrypt, KeyInit};
use esxi_sim::{EndReason, Host, Power, VmSettings};
use futures::StreamExt;
use support::{Reply, Soap, Viewer, console, open, soon, start};

async fn one(change: impl FnOnce(&mut VmSettings)) -> Host {
    start(|settings| change(&mut settings.vms[0])).await
}

async fn one_slot() -> Host {
    one(|vm| {
        vm.max_consoles = Some(1);
        vm.cut_consoles_linger = true;
    })
    .await
}

/// A client with an API version that has QueryConnections.
async fn newer(host: &Host) -> Soap<'_> {
    let mut soap = Soap::logged_in(host).await;
    soap.version = "7.0.1.0";
    soap
}

async fn drop_connection(soap: &mut Soap<'_>, label: &str) -> Reply {
    let moref = soap.host.moref("vm08");
    let arguments = format!(
        "<listOfConnections><label>{label}</label><client>127.0.0.1</client><userName>root</userName>\
         </listOfConnections>"
    );
    let vm = ("VirtualMachine", moref.as_str());
    soap.call("DropConnections", vm, &arguments).await
}

async fn connections(soap: &mut Soap<'_>) -> Reply {
    let moref = soap.host.moref("vm08");
    let vm = ("VirtualMachine", moref.as_str());
    soap.call("QueryConnections", vm, "").await
}

async fn ends(host: &Host, number: usize) -> EndReason {
    let counts = soon(host.counts_until(|counts| counts.ends.len() > number)).await;
    counts.ends[number].reason.clone()
}

#[tokio::test]
async fn a_cut_console_keeps_its_place_until_it_is_dropped() {
    let host = one_slot().await;
    let mut viewer = console(&host, "vm08").await;
    viewer.begin().await;
    drop(viewer);
    assert_eq!(ends(&host, 0).await, EndReason::LostClient);
    let mut soap = newer(&host).await;
    let refused = soap.acquire("vm08").await;
    assert!(refused.body.contains("MksConnectionLimitReached"));
    let listed = connections(&mut soap).await;
    assert_eq!(listed.body.matches("<returnval ").count(), 1);
    assert_eq!(listed.text("client"), Some("127.0.0.1"));
    assert_eq!(listed.text("userName"), Some("root"));
    let label = listed.text("label").unwrap();
    let dropped = drop_connection(&mut soap, label).await;
    assert_eq!(dropped.text("returnval"), Some("true"));
    console(&host, "vm08").await.begin().await;
}

#[tokio::test]
async fn a_console_that_was_closed_in_order_leaves_its_place() {
    let host = one_slot().await;
    let mut viewer = console(&host, "vm08").await;
    viewer.begin().await;
    viewer.socket.close(None).await.unwrap();
    assert!(matches!(ends(&host, 0).await, EndReason::ClosedByClient(_)));
    console(&host, "vm08").await.begin().await;
}

#[tokio::test]
async fn a_change_of_power_forgets_consoles_that_were_cut() {
    let host = one_slot().await;
    drop(console(&host, "vm08").await);
    ends(&host, 0).await;
    host.set_power("vm08", Power::Off);
    host.set_power("vm08", Power::On);
    console(&host, "vm08").await.begin().await;
}

#[tokio::test]
async fn dropping_ends_an_open_console_and_only_the_one_that_is_named() {
    let host = one(|_| {}).await;
    let mut first = console(&host, "vm08").await;
    first.begin().await;
    let mut second = console(&host, "vm08").await;
    second.begin().await;
    let mut soap = newer(&host).await;
    let listed = connections(&mut soap).await;
    let label = listed.text("label").unwrap();
    drop_connection(&mut soap, label).await;
    assert_eq!(first.ended().await, Some(1001));
    assert_eq!(ends(&host, 0).await, EndReason::Dropped);
    second.request(false, 0, 0, 1, 1).await;
    assert_eq!(second.update().await.len(), 1);
    let left = connections(&mut soap).await;
    assert_eq!(left.body.matches("<returnval ").count(), 1);
    assert_ne!(left.text("label"), Some(label));
}

#[tokio::test]
async fn an_older_ticket_meets_the_limit_at_the_security_types() {
    let host = one_slot().await;
    let mut soap = newer(&host).await;
    let (early, late) = (soap.ticket("vm08").await, soap.ticket("vm08").await);
    let mut first = visit(&host, &early).await;
    first.begin().await;
    let mut second = visit(&host, &late).await;
    assert_eq!(second.take(12).await, b"RFB 003.008\n");
    second.send(b"RFB 003.008\n").await;
    let refusal = second.take(5).await;
    assert_eq!(refusal[0], 0, "no security type");
    let length = u32::from_be_bytes(refusal[1..].try_into().unwrap());
    let reason = second.take(length as usize).await;
    assert!(String::from_utf8(reason).unwrap().contains("limit"));
    assert_eq!(ends(&host, 0).await, EndReason::LimitReached);
    first.request(false, 0, 0, 1, 1).await;
    assert_eq!(first.update().await.len(), 1);
}

#[tokio::test]
async fn connections_are_listed_and_dropped_since_7_0_1_where_the_vm_is_on_and_the_user_may() {
    let host = one(|_| {}).await;
    let mut soap = Soap::logged_in(&host).await;
    assert!(connections(&mut soap).await.body.contains("WSDL"));
    assert!(drop_connection(&mut soap, "x").await.body.contains("WSDL"));
    soap.version = "7.0.1.0";
    assert_eq!(drop_connection(&mut soap, "x").await.status, 200);
    host.set_power("vm08", Power::Off);
    let off = drop_connection(&mut soap, "x").await;
    assert!(off.body.contains("InvalidPowerState"));
    let host = one(|vm| vm.console_permitted = false).await;
    let forbidden = drop_connection(&mut newer(&host).await, "x").await;
    assert!(forbidden.body.contains("NoPermission"));
}

#[tokio::test]
async fn a_silent_console_ends_neither_with_its_vm_nor_with_its_host() {
    let host = one(|_| {}).await;
    let mut viewer = console(&host, "vm08").await;
    viewer.begin().await;
    host.fall_silent("vm08");
    let mut soap = newer(&host).await;
    let listed = connections(&mut soap).await;
    assert_eq!(listed.body.matches("<returnval ").count(), 1, "still there");
    // Input is read and has no effect.
    viewer.request(false, 0, 0, 800, 600).await;
    viewer.send(&[5, 1, 0, 70, 0, 60]).await;
    let mut later = console(&host, "vm08").await;
    later.begin().await;
    host.set_power("vm08", Power::Off);
    assert_eq!(later.ended().await, Some(1001));
    assert_eq!(host.pointer("vm08"), esxi_sim::Pointer::default());
    drop(soap);
    assert!(viewer.bytes.is_empty());
    // The connection closes only when the host stops.
    host.stop().await;
    assert!(matches!(
        soon(viewer.socket.next()).await,
        None | Some(Err(_))
    ));
}

#[tokio::test]
async fn a_desktop_may_fall_silent_after_some_updates() {
    let host = one(|vm| vm.quirks.silent_after = NonZero::new(2)).await;
    let mut viewer = console(&host, "vm08").await;
    viewer.begin().await;
    for _ in 0..2 {
        viewer.request(false, 0, 0, 1, 1).await;
        assert_eq!(viewer.update().await.len(), 1);
    }
    viewer.request(false, 0, 0, 1, 1).await;
    host.stop().await;
    assert!(matches!(
        soon(viewer.socket.next()).await,
        None | Some(Err(_))
    ));
}

#[tokio::test]
async fn a_vm_may_have_a_vnc_password() {
    let host = one(|vm| vm.quirks.vnc_password = Some("VMware1!".into())).await;
    let mut viewer = console(&host, "vm08").await;
    assert_eq!(security_types(&mut viewer).await, [1, 2]);
    viewer.send(&[2]).await;
    let mut challenge = viewer.take(16).await;
    let cipher = Des::new(&b"VMware1!".map(u8::reverse_bits).into());
    for block in challenge.as_chunks_mut::<8>().0 {
        cipher.encrypt_block(block.into());
    }
    viewer.send(&challenge).await;
    assert_eq!(viewer.take(4).await, [0; 4]);
    viewer.send(&[1]).await;
    assert_eq!(viewer.take(24).await[..4], [3, 32, 2, 88]);

    let mut viewer = console(&host, "vm08").await;
    security_types(&mut viewer).await;
    viewer.send(&[2]).await;
    let challenge = viewer.take(16).await;
    viewer.send(&challenge).await;
    let result = viewer.take(8).await;
    assert_eq!(result[..4], [0, 0, 0, 1]);
    let reason = viewer.take(usize::from(result[7])).await;
    assert!(String::from_utf8(reason).unwrap().contains("failed"));
    assert_eq!(ends(&host, 0).await, EndReason::WrongPassword);
    let mut viewer = console(&host, "vm08").await;
    security_types(&mut viewer).await;
    viewer.send(&[1]).await;
    assert!(matches!(ends(&host, 1).await, EndReason::Violation(_)));
}

async fn security_types(viewer: &mut Viewer) -> Vec<u8> {
    assert_eq!(viewer.take(12).await, b"RFB 003.008\n");
    viewer.send(b"RFB 003.008\n").await;
    viewer.take(2).await
}

async fn visit(host: &Host, ticket: &str) -> Viewer {
    Viewer {
        socket: open(host, ticket, Some("binary")).await.unwrap().0,
        bytes: Vec::new(),
    }
}

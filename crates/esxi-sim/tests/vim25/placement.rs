//! VMs that move, disappear, or lose their host.

use esxi_sim::{EndReason, Host, Placement};

use super::*;

/// The VM's host and connection state, or the fault.
async fn runtime(soap: &mut Soap<'_>) -> String {
    let moref = soap.host.moref("vm08");
    let spec = format!(
        "<specSet><propSet><type>VirtualMachine</type><pathSet>runtime.host</pathSet>\
         <pathSet>runtime.connectionState</pathSet></propSet>\
         <objectSet><obj type=\"VirtualMachine\">{moref}</obj></objectSet></specSet><options/>"
    );
    let this = ("PropertyCollector", "propertyCollector");
    soap.call("RetrievePropertiesEx", this, &spec).await.body
}

async fn vcenter() -> Host {
    start(|settings| settings.kind = Kind::VCenter).await
}

#[tokio::test]
async fn a_placed_vm_has_lost_its_consoles_and_the_api_says_where_it_is() {
    for (placement, words) in [
        (Placement::OtherHost, [">host-11<", ">connected<"]),
        (Placement::LostHost, [">host-10<", ">disconnected<"]),
        (Placement::Deleted, ["ManagedObjectNotFoundFault", ""]),
    ] {
        let host = vcenter().await;
        let mut soap = Soap::logged_in(&host).await;
        let before = runtime(&mut soap).await;
        assert!(
            before.contains(">host-10<") && before.contains(">connected<"),
            "{before}"
        );
        let mut open = console(&host, "vm08").await;
        open.begin().await;
        host.place("vm08", placement);
        let counts = soon(host.counts_until(|counts| counts.ends.len() == 1)).await;
        assert_eq!(counts.ends[0].reason, EndReason::Dropped);
        let after = runtime(&mut soap).await;
        assert!(
            words.iter().all(|word| after.contains(word)),
            "{placement:?}: {after}"
        );
    }
}

#[tokio::test]
async fn tickets_are_for_vms_that_exist_and_whose_host_responds() {
    let host = vcenter().await;
    let mut soap = Soap::logged_in(&host).await;
    for (placement, fault) in [
        (Placement::LostHost, "HostNotConnectedFault"),
        (Placement::Deleted, "ManagedObjectNotFoundFault"),
    ] {
        host.place("vm08", placement);
        let reply = soap.acquire("vm08").await;
        assert!(reply.body.contains(fault), "{}", reply.body);
    }
    for placement in [Placement::OtherHost, Placement::FirstHost] {
        host.place("vm08", placement);
        soap.ticket("vm08").await;
    }
}

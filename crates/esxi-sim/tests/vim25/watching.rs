//! WaitForUpdatesEx.

use super::*;

/// A collector that watches the power state of `vm08`.
async fn watching(soap: &mut Soap<'_>) -> String {
    let made = soap
        .call(
            "CreatePropertyCollector",
            ("PropertyCollector", "ha-property-collector"),
            "",
        )
        .await;
    let collector = made
        .text("returnval")
        .map(str::to_owned)
        .unwrap_or_default();
    let moref = soap.host.moref("vm08");
    let spec = format!(
        "<spec><propSet><type>VirtualMachine</type><pathSet>runtime.powerState</pathSet></propSet>\
         <objectSet><obj type=\"VirtualMachine\">{moref}</obj></objectSet></spec><partialUpdates>false</partialUpdates>"
    );
    let made = soap
        .call("CreateFilter", ("PropertyCollector", &collector), &spec)
        .await;
    assert_eq!(made.status, 200, "{}", made.body);
    collector
}

#[tokio::test]
async fn a_wait_ends_when_a_watched_property_changes() {
    let host = host().await;
    let mut soap = Soap::logged_in(&host).await;
    let collector = watching(&mut soap).await;
    let this = ("PropertyCollector", collector.as_str());
    let first = soap
        .call("WaitForUpdatesEx", this, "<version></version>")
        .await;
    assert!(first.body.contains("<kind>enter</kind>"), "{}", first.body);
    assert!(first.body.contains(">poweredOn</val>"), "{}", first.body);
    let version = format!("<version>{}</version>", first.text("version").unwrap());

    let nothing = format!("{version}<options><maxWaitSeconds>0</maxWaitSeconds></options>");
    let nothing = soap.call("WaitForUpdatesEx", this, &nothing).await;
    assert_eq!((nothing.status, nothing.text("returnval")), (200, None));

    let waits = host.counts().calls_of("WaitForUpdatesEx");
    let change = async {
        host.counts_until(|counts| counts.calls_of("WaitForUpdatesEx") > waits)
            .await;
        host.set_power("vm08", Power::Suspended);
    };
    let (changed, ()) =
        soon(async { tokio::join!(soap.call("WaitForUpdatesEx", this, &version), change) }).await;
    assert!(
        changed.body.contains("<kind>modify</kind>"),
        "{}",
        changed.body
    );
    assert!(
        changed.body.contains(">suspended</val>"),
        "{}",
        changed.body
    );

    let stale = soap.call("WaitForUpdatesEx", this, &version).await;
    assert!(
        stale.body.contains("InvalidCollectorVersionFault"),
        "{}",
        stale.body
    );
    assert_eq!(
        soap.call("DestroyPropertyCollector", this, "").await.status,
        200
    );
    assert!(
        soap.call("WaitForUpdatesEx", this, &version)
            .await
            .body
            .contains("ManagedObjectNotFoundFault")
    );
}

#[tokio::test]
async fn a_wait_ends_when_it_is_cancelled_and_when_its_session_ends() {
    let host = host().await;
    let mut soap = Soap::logged_in(&host).await;
    let collector = watching(&mut soap).await;
    let this = ("PropertyCollector", collector.as_str());
    let first = soap
        .call("WaitForUpdatesEx", this, "<version></version>")
        .await;
    let version = format!("<version>{}</version>", first.text("version").unwrap());
    let mut other = Soap {
        cookie: soap.cookie.clone(),
        ..Soap::new(&host)
    };
    let cancel = async {
        host.counts_until(|counts| counts.calls_of("WaitForUpdatesEx") == 2)
            .await;
        other.call("CancelWaitForUpdates", this, "").await
    };
    let waiting = soap.call("WaitForUpdatesEx", this, &version);
    let (cancelled, _) = soon(async { tokio::join!(waiting, cancel) }).await;
    assert!(
        cancelled.body.contains("RequestCanceledFault"),
        "{}",
        cancelled.body
    );
    let expire = async {
        host.counts_until(|counts| counts.calls_of("WaitForUpdatesEx") == 3)
            .await;
        host.expire_sessions();
    };
    let waiting = soap.call("WaitForUpdatesEx", this, &version);
    let (expired, ()) = soon(async { tokio::join!(waiting, expire) }).await;
    assert!(
        expired.body.contains("NotAuthenticatedFault"),
        "{}",
        expired.body
    );
}

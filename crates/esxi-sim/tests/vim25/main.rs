//! `/sdk`: sessions, faults, searches and tickets.

mod placement;
#[path = "../support/mod.rs"]
mod support;
mod tickets;
mod watching;

use esxi_sim::{Kind, Power, Thumbprint, TicketHost, TicketShape, TicketUrl, VmSettings};
use support::{Soap, console, host, http, soon, start};

#[tokio::test]
async fn nothing_but_the_service_content_is_told_without_a_session() {
    let host = host().await;
    let mut soap = Soap::new(&host);
    let reply = soap
        .call(
            "RetrieveServiceContent",
            ("ServiceInstance", "ServiceInstance"),
            "",
        )
        .await;
    assert_eq!(
        (reply.status, reply.text("apiType")),
        (200, Some("HostAgent"))
    );
    assert_eq!(reply.text("sessionManager"), Some("ha-sessionmgr"));
    let collector = ("PropertyCollector", "ha-property-collector");
    let calls = [
        ("CurrentTime", ("ServiceInstance", "ServiceInstance")),
        ("RetrievePropertiesEx", collector),
    ];
    for (method, this) in calls {
        let reply = soap.call(method, this, "").await;
        assert_eq!(reply.status, 500);
        assert!(
            reply.body.contains("xsi:type=\"NotAuthenticated\""),
            "{}",
            reply.body
        );
    }
    assert_eq!(soap.acquire("vm08").await.status, 500);
    let counts = host.counts();
    assert_eq!(
        (
            counts.calls_of("CurrentTime"),
            counts.calls_of("AcquireTicket"),
            counts.soap_calls()
        ),
        (1, 1, 4)
    );
    assert_eq!(counts.tickets_issued, 0);
}

#[tokio::test]
async fn a_session_lasts_from_login_to_logout() {
    let host = host().await;
    let mut soap = Soap::new(&host);
    for (user, password) in [
        ("root", "wrong"),
        ("admin", esxi_sim::DEMO_PASSWORD),
        ("", ""),
    ] {
        let reply = soap.login(user, password).await;
        assert_eq!(reply.status, 500);
        assert!(
            reply.body.contains("xsi:type=\"InvalidLogin\""),
            "{}",
            reply.body
        );
        assert_eq!(soap.cookie, None);
    }
    let mut soap = Soap::logged_in(&host).await;
    let time = soap
        .call("CurrentTime", ("ServiceInstance", "ServiceInstance"), "")
        .await;
    assert_eq!(time.status, 200);
    assert!(
        time.text("returnval")
            .is_some_and(|time| time.ends_with('Z'))
    );
    assert_eq!(
        soap.call("Logout", ("SessionManager", "ha-sessionmgr"), "")
            .await
            .status,
        200
    );
    assert_eq!(soap.acquire("vm08").await.status, 500);
    let counts = host.counts();
    assert_eq!(
        (
            counts.logins,
            counts.logins_refused,
            counts.logouts,
            counts.sessions_open
        ),
        (1, 3, 1, 0)
    );
}

#[tokio::test]
async fn expired_sessions_are_not_authenticated_and_may_log_in_again() {
    let host = host().await;
    let mut soap = Soap::logged_in(&host).await;
    host.expire_sessions();
    assert!(
        soap.acquire("vm08")
            .await
            .body
            .contains("NotAuthenticatedFault")
    );
    assert_eq!(
        soap.login("root", esxi_sim::DEMO_PASSWORD).await.status,
        200
    );
    assert_eq!(soap.acquire("vm08").await.status, 200);
}

#[tokio::test]
async fn a_traversal_that_refers_to_itself_reaches_every_vm() {
    let host = start(|settings| {
        settings.kind = Kind::VCenter;
        settings.vms.push(VmSettings {
            folder: Some("linux/web".into()),
            ..VmSettings::desktop("deep")
        });
    })
    .await;
    let mut soap = Soap::logged_in(&host).await;
    let filter = "<specSet><propSet><type>VirtualMachine</type><pathSet>name</pathSet></propSet>\
        <objectSet><obj type=\"Folder\">group-d1</obj><skip>false</skip>\
        <selectSet xsi:type=\"TraversalSpec\" xmlns:xsi=\"x\"><name>folders</name><type>Folder</type>\
        <path>childEntity</path><skip>false</skip><selectSet><name>folders</name></selectSet>\
        <selectSet><name>datacenter</name></selectSet></selectSet>\
        <selectSet><name>datacenter</name><type>Datacenter</type><path>vmFolder</path>\
        <selectSet><name>folders</name></selectSet></selectSet></objectSet></specSet><options/>";
    let collector = ("PropertyCollector", "propertyCollector");
    let reply = soap.call("RetrievePropertiesEx", collector, filter).await;
    assert_eq!(reply.body.matches("<objects>").count(), 2, "{}", reply.body);
    assert!(
        reply
            .body
            .contains("<val xsi:type=\"xsd:string\">deep</val>"),
        "{}",
        reply.body
    );
}

#[tokio::test]
async fn what_is_no_call_is_answered_with_a_fault_or_a_status() {
    let host = host().await;
    let post = |body: &str| {
        let length = body.len();
        format!(
            "POST /sdk HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    for body in [
        "",
        "no xml",
        "<a/>",
        "<e><Body/></e>",
        "<e><Body><Login/></Body></e>",
        "<!DOCTYPE a><a/>",
    ] {
        let (status, _, answer) = http(&host, &post(body)).await;
        assert_eq!(status, 500, "{body}");
        assert!(answer.contains("ClientFaultCode"), "{answer}");
    }
    let huge =
        "POST /sdk HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 99999999\r\n\r\n";
    assert_eq!(http(&host, huge).await.0, 413);
    let versions =
        "GET /sdk/vimServiceVersions.xml HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    assert!(
        http(&host, versions)
            .await
            .2
            .contains("<version>7.0.3.0</version>")
    );
    let mut soap = Soap::logged_in(&host).await;
    let unknown = soap
        .call("DestroyEverything", ("Folder", "ha-folder-root"), "")
        .await;
    assert_eq!(unknown.status, 500);
    assert_eq!(host.counts().calls_of("unknown"), 1);
}

#[tokio::test]
async fn a_vm_that_is_being_created_is_not_found_a_few_times() {
    let host = host().await;
    let mut soap = Soap::logged_in(&host).await;
    host.not_created_yet("vm08", 2);
    for _ in 0..2 {
        let reply = soap.acquire("vm08").await;
        assert!(
            reply.body.contains("has not been completely created"),
            "{}",
            reply.body
        );
        assert!(
            reply.body.contains("ManagedObjectNotFoundFault"),
            "{}",
            reply.body
        );
    }
    assert_eq!(soap.acquire("vm08").await.status, 200);
}

#[tokio::test]
async fn an_overloaded_host_answers_503_and_recovers() {
    let host = host().await;
    let mut soap = Soap::logged_in(&host).await;
    host.refuse_sdk(503, 1);
    assert_eq!(soap.acquire("vm08").await.status, 503);
    assert_eq!(soap.acquire("vm08").await.status, 200);
    assert_eq!(host.counts().calls_of("AcquireTicket"), 1);
}

#[tokio::test]
async fn vms_of_one_name_in_two_folders_are_two_machines() {
    let host = start(|settings| {
        settings.kind = Kind::VCenter;
        let same = |folder: &str| VmSettings {
            folder: Some(folder.into()),
            ..VmSettings::desktop("same")
        };
        settings.vms = vec![same("a"), same("b")];
    })
    .await;
    let mut soap = Soap::logged_in(&host).await;
    let uuid = format!(
        "<uuid>{}</uuid><vmSearch>true</vmSearch><instanceUuid>true</instanceUuid>",
        host.instance_uuid("same")
    );
    let found = soap
        .call("FindAllByUuid", ("SearchIndex", "SearchIndex"), &uuid)
        .await;
    assert_eq!(
        found.body.matches("<returnval ").count(),
        1,
        "{}",
        found.body
    );
    let mut found = Vec::new();
    for folder in ["a", "b"] {
        let path = format!("<inventoryPath>DC/vm/{folder}/same</inventoryPath>");
        let reply = soap
            .call("FindByInventoryPath", ("SearchIndex", "SearchIndex"), &path)
            .await;
        found.push(reply.text("returnval").map(str::to_owned));
    }
    assert!(
        found.iter().all(Option::is_some) && found[0] != found[1],
        "{found:?}"
    );
}

#[tokio::test]
async fn a_host_at_a_wildcard_address_names_none_in_its_tickets() {
    let host = start(|settings| settings.listen = "0.0.0.0:0".parse().unwrap()).await;
    let mut soap = Soap::logged_in(&host).await;
    let reply = soap.acquire("vm08").await;
    assert_eq!(reply.text("host"), None);
    assert!(
        reply
            .text("url")
            .is_some_and(|url| url.starts_with("wss://esxi-sim:")),
        "{}",
        reply.body
    );
}

//! `/sdk` of a simulated host: sessions, faults, lookups and tickets.

mod support;

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
async fn a_ticket_is_refused_with_the_fault_that_says_why() {
    let host = start(|settings| {
        settings.vms.extend([
            VmSettings {
                power: Power::Off,
                ..VmSettings::desktop("off")
            },
            VmSettings {
                power: Power::Suspended,
                ..VmSettings::desktop("suspended")
            },
            VmSettings {
                console_permitted: false,
                ..VmSettings::desktop("forbidden")
            },
            VmSettings {
                max_consoles: Some(1),
                ..VmSettings::desktop("one")
            },
        ]);
    })
    .await;
    let mut open = console(&host, "one").await;
    open.begin().await;
    let mut soap = Soap::logged_in(&host).await;
    let refusals = [
        (
            "off",
            "<existingState>poweredOff</existingState></InvalidPowerStateFault>",
        ),
        (
            "suspended",
            "<existingState>suspended</existingState></InvalidPowerStateFault>",
        ),
        (
            "forbidden",
            "<privilegeId>VirtualMachine.Interact.ConsoleInteract</privilegeId></NoPermissionFault>",
        ),
        (
            "one",
            "<connectionLimit>1</connectionLimit></MksConnectionLimitReachedFault>",
        ),
    ];
    for (vm, fault) in refusals {
        let reply = soap.acquire(vm).await;
        assert_eq!(reply.status, 500);
        assert!(reply.body.contains(fault), "{vm}: {}", reply.body);
    }
    let missing = soap
        .call(
            "AcquireTicket",
            ("VirtualMachine", "9999"),
            "<ticketType>webmks</ticketType>",
        )
        .await;
    assert!(
        missing
            .body
            .contains("<obj type=\"VirtualMachine\">9999</obj></ManagedObjectNotFoundFault>")
    );
    let moref = host.moref("vm08");
    let other = soap
        .call(
            "AcquireTicket",
            ("VirtualMachine", &moref),
            "<ticketType>mks</ticketType>",
        )
        .await;
    assert!(
        other.body.contains("xsi:type=\"NotSupported\""),
        "{}",
        other.body
    );

    let moref = host.moref("one");
    let connections = soap
        .call("QueryConnections", ("VirtualMachine", &moref), "")
        .await;
    assert_eq!(connections.body.matches("<returnval ").count(), 1);
    drop(open);
    soon(host.counts_until(|counts| counts.consoles_open == 0)).await;
    assert_eq!(soap.acquire("one").await.status, 200);
    host.set_power("off", Power::On);
    assert_eq!(soap.acquire("off").await.status, 200);
}

#[tokio::test]
async fn a_ticket_holds_the_fields_that_the_named_version_knows() {
    let newest = start(|settings| settings.version = "9.0".into()).await;
    let mut soap = Soap::logged_in(&newest).await;
    let versions = [
        ("6.7", [true, false, false, false]),
        ("7.0", [true, true, false, false]),
        ("7.0.3.0", [true, true, false, false]),
        ("7.0.3.1", [true, true, true, false]),
        ("9.0.0.0", [false, true, true, true]),
    ];
    for (version, expected) in versions {
        soap.version = version;
        let reply = soap.acquire("vm08").await;
        let fields = [
            "sslThumbprint",
            "url",
            "certThumbprintList",
            "sslCertificate",
        ];
        assert_eq!(
            fields.map(|field| reply.text(field).is_some()),
            expected,
            "{version}"
        );
    }
    soap.version = "9.1";
    assert!(
        soap.acquire("vm08")
            .await
            .body
            .contains("Unsupported version URI")
    );
}

#[tokio::test]
async fn a_ticket_says_what_it_is_told_to_say() {
    let host = host().await;
    let mut soap = Soap::logged_in(&host).await;
    let usual = soap.acquire("vm08").await;
    let address = host.address();
    assert_eq!(usual.text("host"), Some(address.ip().to_string().as_str()));
    assert_eq!(
        usual.text("port"),
        Some(address.port().to_string().as_str())
    );
    let pairs: Vec<String> = host
        .certificate_sha1()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    assert_eq!(usual.text("sslThumbprint"), Some(pairs.join(":").as_str()));

    let (unresolvable, absent) = (TicketUrl::Unresolvable, Thumbprint::Absent);
    host.set_tickets(TicketShape {
        host: TicketHost::Absent,
        url: unresolvable,
        thumbprint: absent,
    });
    let bare = soap.acquire("vm08").await;
    assert_eq!(
        ["host", "port", "sslThumbprint"].map(|field| bare.text(field)),
        [None; 3]
    );
    assert!(
        bare.text("url")
            .is_some_and(|url| url.starts_with("wss://esxi-sim.invalid:"))
    );

    let shape = TicketShape {
        thumbprint: Thumbprint::Wrong,
        url: TicketUrl::Absent,
        ..TicketShape::default()
    };
    host.set_tickets(shape);
    let wrong = soap.acquire("vm08").await;
    assert_ne!(wrong.text("sslThumbprint"), usual.text("sslThumbprint"));
    assert_eq!(wrong.text("url"), None);
}

#[tokio::test]
async fn a_vcenter_sends_its_consoles_to_another_host() {
    let host = start(|settings| {
        settings.kind = Kind::VCenter;
        settings.vms.push(VmSettings {
            folder: Some("linux/web".into()),
            ..VmSettings::desktop("a/b")
        });
    })
    .await;
    assert_ne!(host.address(), host.console_address());
    assert_ne!(host.certificate_sha256(), host.console_certificate_sha256());
    let mut viewer = console(&host, "vm08").await;
    assert_eq!(viewer.begin().await.2, "vm08");
    let (status, _, _) = http(
        &host,
        "GET /ticket/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(status, 404);

    let mut soap = Soap::logged_in(&host).await;
    let index = ("SearchIndex", "SearchIndex");
    let path = "<inventoryPath>/DC/vm/linux/web/a%2fb</inventoryPath>";
    let found = soap.call("FindByInventoryPath", index, path).await;
    assert_eq!(found.text("returnval"), Some(host.moref("a/b").as_str()));
    let none = soap
        .call(
            "FindByInventoryPath",
            index,
            "<inventoryPath>/DC/vm/linux/a</inventoryPath>",
        )
        .await;
    assert_eq!((none.status, none.text("returnval")), (200, None));
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

//! AcquireTicket: permissions, fields and faults.

use super::*;

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
    let moref = host.moref("one");
    soap.version = "7.0.1.0";
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
async fn a_ticket_for_no_vm_or_of_another_type_is_refused() {
    let host = start(|_| {}).await;
    let mut soap = Soap::logged_in(&host).await;
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

//! Tickets: the calls that they take, and their content.

use secrecy::ExposeSecret;
use tokio::time::Instant;
use vsphere::{ApiType, CALL_TIMEOUT, TicketParts, VmRef};

use crate::support::{COOKIE, Host, PASSWORD, fixture, objects, ok, vm};

fn vm08() -> VmRef {
    VmRef::Name("vm08".into())
}

#[tokio::test]
async fn ticket_of_a_standalone_esxi_has_no_host() {
    let host = Host::esxi().await;
    let client = host.client();
    let parts = client.ticket(&vm08()).await.unwrap().into_parts();
    assert_eq!(parts.ticket.expose_secret(), "cst-VCT-52f3a9d0--tp-1A-2B");
    assert_eq!(parts.host, None);
    assert_eq!(parts.port, Some(443));
    // 443 is what wss means anyway.
    assert_eq!(parts.url_host, Some(("esxi-lab".to_owned(), None)));
    assert_eq!(parts.from, ApiType::Esxi);
    assert_eq!(parts.vm.moref, "7");
    assert_eq!(parts.vm.name, "vm08");
    assert!(parts.thumbprints.sha1.is_some());
}

#[tokio::test]
async fn cached_vm_takes_one_call_and_a_new_one_two() {
    let host = Host::esxi().await;
    let client = host.client();
    client.ticket(&vm08()).await.unwrap();
    assert_eq!(
        host.methods(),
        [
            "/sdk/vimServiceVersions.xml",
            "RetrieveServiceContent",
            "Login",
            "CreateContainerView",
            "RetrievePropertiesEx",
            "AcquireTicket"
        ]
    );
    host.forget();
    client.ticket(&vm08()).await.unwrap();
    assert_eq!(host.methods(), ["AcquireTicket"]);
    host.forget();
    host.on(
        "RetrievePropertiesEx",
        ok(objects(&vm("8", "other", "poweredOn"))),
    );
    client.ticket(&VmRef::Name("other".into())).await.unwrap();
    assert_eq!(host.methods(), ["RetrievePropertiesEx", "AcquireTicket"]);
}

#[tokio::test]
async fn a_vm_that_was_resolved_is_not_looked_up_again_for_its_ticket() {
    let host = Host::esxi().await;
    let client = host.client();
    let soon = Instant::now() + CALL_TIMEOUT;
    let vm = client.resolve_before(&vm08(), soon).await.unwrap();
    assert_eq!(vm.moref, "7");
    assert!(vm.instance_uuid.is_some());
    assert_eq!(host.methods().last().unwrap(), "RetrievePropertiesEx");
    host.forget();
    assert_eq!(client.resolve_before(&vm08(), soon).await.unwrap(), vm);
    assert!(host.methods().is_empty());
    let ticket = client.ticket(&vm08()).await.unwrap();
    assert_eq!(*ticket.vm(), vm);
    assert_eq!(host.methods(), ["AcquireTicket"]);
}

#[tokio::test]
async fn every_call_has_the_soap_action_and_the_cookie() {
    let host = Host::esxi().await;
    host.client().ticket(&vm08()).await.unwrap();
    let asked = host.asked();
    let last = asked.last().unwrap();
    assert_eq!(last.action.as_deref(), Some("urn:vim25/7.0.3.0"));
    assert_eq!(last.cookie.as_deref(), Some(COOKIE));
    assert!(
        last.body
            .contains("<_this type=\"VirtualMachine\">7</_this><ticketType>webmks</ticketType>"),
        "{}",
        last.body
    );
    let login = asked.iter().find(|asked| asked.method == "Login").unwrap();
    assert_eq!(login.cookie, None);
    assert!(
        login
            .body
            .contains("<_this type=\"SessionManager\">ha-sessionmgr</_this>"),
        "{}",
        login.body
    );
    assert!(
        login
            .body
            .contains("<password>s3cret &amp; &lt;sound&gt;</password>"),
        "{}",
        login.body
    );
}

#[tokio::test]
async fn version_list_precedes_api_version() {
    let host = Host::esxi().await;
    let list = "<namespaces version='1.0'><namespace><name>urn:vim25</name><version>7.0.3.2</version></namespace></namespaces>";
    host.on("/sdk/vimServiceVersions.xml", ok(list));
    host.client().ticket(&vm08()).await.unwrap();
    let asked = host.asked();
    assert_eq!(
        asked.last().unwrap().action.as_deref(),
        Some("urn:vim25/7.0.3.2")
    );
}

#[tokio::test]
async fn tickets_of_every_release_are_read() {
    let sha256: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let shapes = [
        (
            "ticket-6.7",
            Some("esxi67.example"),
            None,
            true,
            None,
            false,
        ),
        (
            "ticket-8.0",
            Some("192.0.2.21"),
            Some(("esxi08.example", Some(8443))),
            true,
            Some(sha256),
            false,
        ),
        (
            "ticket-9.0",
            Some("esxi09.example"),
            Some(("esxi09.example", None)),
            false,
            Some(sha256),
            true,
        ),
        ("ticket-bare", None, None, false, None, false),
    ];
    for (name, address, url_host, sha1, sha256, pem) in shapes {
        let host = Host::vcenter().await;
        host.on("AcquireTicket", ok(fixture(name)));
        let TicketParts {
            host: named,
            url_host: url,
            thumbprints,
            certificate_pem,
            from,
            ..
        } = host.client().ticket(&vm08()).await.unwrap().into_parts();
        assert_eq!(named.as_deref(), address, "{name}");
        assert_eq!(
            url.as_ref().map(|(host, port)| (host.as_str(), *port)),
            url_host,
            "{name}"
        );
        assert_eq!(thumbprints.sha1.is_some(), sha1, "{name}");
        assert_eq!(thumbprints.sha256, sha256, "{name}");
        assert_eq!(certificate_pem.is_some(), pem, "{name}");
        assert_eq!(from, ApiType::VCenter, "{name}");
    }
}

#[tokio::test]
async fn an_ipv6_address_is_understood_with_brackets_and_without() {
    let address = Some("2001:db8::21");
    for (host_text, named) in [
        ("2001:db8::21", address),
        ("[2001:db8::21]", address),
        ("fe80::21%vmk0", Some("fe80::21%vmk0")),
        ("[2001:db8::21", None),
        ("[]", None),
        ("a[b]c", None),
    ] {
        for (url_text, hinted) in [
            (
                "wss://[2001:DB8::0:21]:8443/ticket/x",
                Some(("2001:db8::21", Some(8443))),
            ),
            ("wss://[2001:db8::21]/ticket/x", address.map(|a| (a, None))),
            // Its zone is an interface of the host's own, and no URL may have one.
            ("wss://[fe80::21%25vmk0]/ticket/x", None),
            ("wss://[fe80::21%vmk0]/ticket/x", None),
        ] {
            let host = Host::vcenter().await;
            let ticket = fixture("ticket-8.0")
                .replace("192.0.2.21", host_text)
                .replace(
                    "wss://esxi08.example:8443/ticket/cst-VCT-52f3a9d0--tp-1A-2B",
                    url_text,
                );
            host.on("AcquireTicket", ok(ticket));
            let parts = host.client().ticket(&vm08()).await.unwrap().into_parts();
            assert_eq!(parts.host.as_deref(), named, "{host_text}");
            let url = parts.url_host.as_ref();
            let url = url.map(|(host, port)| (host.as_str(), *port));
            assert_eq!(url, hinted, "{url_text}");
        }
    }
}

#[tokio::test]
async fn debug_and_errors_show_no_secrets() {
    let host = Host::esxi().await;
    let client = host.client();
    let ticket = client.ticket(&vm08()).await.unwrap();
    let shown = format!(
        "{:?} {client:?} {ticket:?} {:?}",
        host.settings(),
        client.find(&vm08()).await
    );
    for secret in [PASSWORD, "c00kie", "52f3a9d0"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("vm08"), "{shown}");
    let parts = format!("{:?}", ticket.into_parts());
    assert!(!parts.contains("52f3a9d0"), "{parts}");
}

#[tokio::test]
async fn about_needs_no_login() {
    let host = Host::vcenter().await;
    let about = host.client().about().await.unwrap();
    assert_eq!(about.api_type, ApiType::VCenter);
    assert_eq!(
        about.full_name,
        "VMware vCenter Server 8.0.2 build-22617221"
    );
    assert_eq!(about.api_version, "8.0.2.0");
    assert!(about.instance_uuid.is_some());
    assert_eq!(host.count("Login"), 0);
}

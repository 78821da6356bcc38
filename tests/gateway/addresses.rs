//! Which host is dialled, and how its certificate is verified (`docs/webmks.md` 2.1, "hostname trap").

use std::net::{Ipv4Addr, SocketAddr};

use console::tls::{ConsoleTrust, Trust};
use esxi_sim::{Kind, Thumbprint, TicketHost, TicketShape, TicketUrl};

use crate::support::esxi::{Esxi, header};
use crate::support::testbed::Setup;
use crate::support::viewer::RfbVersion;
use crate::support::within;

/// A name that never resolves (RFC 6761 section 6.4).
const NOWHERE: &str = "esxi01.invalid";

fn shaped(host: TicketHost, url: TicketUrl) -> Setup {
    let mut setup = Setup::default();
    setup.host.tickets = TicketShape {
        host,
        url,
        thumbprint: Thumbprint::Right,
    };
    setup
}

fn vcenter(host: TicketHost, url: TicketUrl) -> Setup {
    let mut setup = shaped(host, url);
    setup.host.kind = Kind::VCenter;
    setup
}

async fn assert_opens(setup: Setup) -> esxi_sim::Counts {
    let testbed = setup.start().await;
    assert_eq!(testbed.viewer().await.open().await.name, "vm08");
    testbed.end().await
}

async fn assert_refused(setup: Setup) -> String {
    let testbed = setup.start().await;
    let mut viewer = testbed.viewer().await;
    let reason = viewer.refused(RfbVersion::V3_8, None).await;
    drop(viewer);
    let counts = testbed.end().await;
    assert_eq!((counts.tickets_issued, counts.tickets_spent), (1, 0));
    reason
}

#[tokio::test]
async fn ticket_without_host_dials_the_esxi_that_issued_it() {
    within(async {
        for url in [TicketUrl::Good, TicketUrl::Unresolvable, TicketUrl::Absent] {
            assert_opens(shaped(TicketHost::Absent, url)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn ticket_with_unresolvable_host_dials_the_esxi_that_issued_it() {
    within(async {
        let host = || TicketHost::Other(NOWHERE.into());
        for url in [TicketUrl::Unresolvable, TicketUrl::Absent] {
            assert_opens(shaped(host(), url)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn vcenter_ticket_dials_the_host_in_it() {
    within(async {
        let mut setup = vcenter(TicketHost::Named, TicketUrl::Good);
        setup.host.console_listen = Some(SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), 0)));
        let testbed = setup.start().await;
        assert_ne!(
            testbed.host.console_address().ip(),
            testbed.host.address().ip()
        );
        testbed.viewer().await.open().await;
        let counts = testbed.end().await;
        assert_eq!((counts.tickets_spent, counts.consoles_opened), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn vcenter_is_never_dialled_for_a_console() {
    within(async {
        let setup = vcenter(TicketHost::Other(NOWHERE.into()), TicketUrl::Unresolvable);
        let reason = assert_refused(setup).await;
        assert!(
            reason.contains(NOWHERE) && reason.contains("console_address"),
            "{reason}"
        );
        let setup = vcenter(TicketHost::Absent, TicketUrl::Absent);
        let reason = assert_refused(setup).await;
        assert!(reason.contains("has no host name"), "{reason}");
    })
    .await;
}

#[tokio::test]
async fn console_address_replaces_the_name_in_the_ticket() {
    within(async {
        for kind in [Kind::Esxi, Kind::VCenter] {
            let mut setup = shaped(TicketHost::Other(NOWHERE.into()), TicketUrl::Unresolvable);
            setup.host.kind = kind;
            setup
                .console_address
                .insert(NOWHERE.into(), "127.0.0.1".into());
            assert_opens(setup).await;
        }
    })
    .await;
}

#[tokio::test]
async fn console_address_may_have_a_port_and_sets_the_host_header() {
    within(async {
        let esxi = Esxi::start().await;
        let mut setup = shaped(TicketHost::Other(NOWHERE.into()), TicketUrl::Good);
        setup.console_trust = ConsoleTrust::Fixed(esxi.trust());
        setup
            .console_address
            .insert(NOWHERE.into(), esxi.address().to_string());
        let testbed = setup.start().await;
        let mut viewer = testbed.viewer().await;
        let hosting = async {
            let mut connection = esxi.connection().await;
            let request = connection.request().await;
            assert!(request.starts_with("GET /ticket/"), "the request line");
            assert_eq!(header(&request, "host"), esxi.address().to_string());
            assert_eq!(header(&request, "sec-websocket-protocol"), "binary");
            assert_eq!(header(&request, "sec-websocket-version"), "13");
        };
        let (verdict, ()) = tokio::join!(viewer.enter(RfbVersion::V3_8, None), hosting);
        verdict.unwrap_err();
        drop(viewer);
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn thumbprints_of_every_vsphere_version_are_accepted() {
    within(async {
        // SHA-1 alone; SHA-256 beside it; the whole certificate (`docs/webmks.md` 3.1).
        for version in ["6.7.0", "7.0.0", "7.0.3.1", "8.0.2", "9.0.0"] {
            for kind in [Kind::Esxi, Kind::VCenter] {
                let mut setup = Setup::default();
                setup.host.version = version.into();
                setup.host.kind = kind;
                assert_opens(setup).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn wrong_sha1_thumbprint_is_refused() {
    within(async {
        let mut setup = Setup::default();
        setup.host.version = "6.7.0".into();
        setup.host.tickets.thumbprint = Thumbprint::Wrong;
        let reason = assert_refused(setup).await;
        assert!(
            reason.contains(&format!("expected sha1:{}", "ee".repeat(20))),
            "{reason}"
        );
    })
    .await;
}

#[tokio::test]
async fn ticket_without_thumbprint_falls_back_to_trust() {
    within(async {
        let bare = |kind| {
            let mut setup = Setup::default();
            setup.host.kind = kind;
            setup.host.tickets.thumbprint = Thumbprint::Absent;
            setup
        };
        // The same certificate on an ESXi; another one on a host behind a vCenter.
        assert_opens(bare(Kind::Esxi)).await;
        let reason = assert_refused(bare(Kind::VCenter)).await;
        assert!(reason.contains("expected sha"), "{reason}");
    })
    .await;
}

#[tokio::test]
async fn console_trust_overrides_the_thumbprint() {
    within(async {
        let setup = Setup {
            console_trust: ConsoleTrust::Fixed(Trust::WebPki),
            ..Setup::default()
        };
        let reason = assert_refused(setup).await;
        assert!(reason.contains("not trusted"), "{reason}");

        let mut setup = Setup::default();
        setup.host.tickets.thumbprint = Thumbprint::Wrong;
        setup.console_trust = ConsoleTrust::Fixed(Trust::DangerAcceptAny);
        assert_opens(setup).await;
    })
    .await;
}

//! Which host is dialled, and which certificate is believed there (`docs/webmks.md` 2.1, "hostname trap").

use std::net::{Ipv4Addr, SocketAddr};

use console::tls::{ConsoleTrust, Trust};
use esxi_sim::{Kind, Thumbprint, TicketHost, TicketShape, TicketUrl};

use crate::support::esxi::{Esxi, header};
use crate::support::house::Plan;
use crate::support::viewer::Dialect;
use crate::support::within;

/// A name that never resolves (RFC 6761 section 6.4).
const NOWHERE: &str = "esxi01.invalid";

fn shaped(host: TicketHost, url: TicketUrl) -> Plan {
    let mut plan = Plan::default();
    plan.host.tickets = TicketShape {
        host,
        url,
        thumbprint: Thumbprint::Right,
    };
    plan
}

fn vcenter(host: TicketHost, url: TicketUrl) -> Plan {
    let mut plan = shaped(host, url);
    plan.host.kind = Kind::VCenter;
    plan
}

async fn assert_opens(plan: Plan) -> esxi_sim::Counts {
    let house = plan.start().await;
    assert_eq!(house.viewer().await.open().await.name, "vm08");
    house.end().await
}

async fn assert_refused(plan: Plan) -> String {
    let house = plan.start().await;
    let mut viewer = house.viewer().await;
    let reason = viewer.enter(Dialect::V3_8, None).await.unwrap_err();
    drop(viewer);
    let counts = house.end().await;
    assert_eq!((counts.tickets_issued, counts.tickets_spent), (1, 0));
    reason
}

#[tokio::test]
async fn an_esxi_whose_ticket_names_no_host_is_dialled_where_we_logged_in() {
    within(async {
        for url in [TicketUrl::Good, TicketUrl::Unresolvable, TicketUrl::Absent] {
            assert_opens(shaped(TicketHost::Absent, url)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_esxi_whose_name_does_not_resolve_is_dialled_where_we_logged_in() {
    within(async {
        let host = || TicketHost::Other(NOWHERE.into());
        for url in [TicketUrl::Unresolvable, TicketUrl::Absent] {
            assert_opens(shaped(host(), url)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_host_that_a_vcenter_names_is_dialled_and_not_the_vcenter() {
    within(async {
        let mut plan = vcenter(TicketHost::Named, TicketUrl::Good);
        plan.host.console_listen = Some(SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), 0)));
        let house = plan.start().await;
        assert_ne!(house.host.console_address().ip(), house.host.address().ip());
        house.viewer().await.open().await;
        let counts = house.end().await;
        assert_eq!((counts.tickets_spent, counts.consoles_opened), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn a_vcenter_itself_is_never_dialled_for_a_console() {
    within(async {
        let plan = vcenter(TicketHost::Other(NOWHERE.into()), TicketUrl::Unresolvable);
        let reason = assert_refused(plan).await;
        assert!(
            reason.contains(NOWHERE) && reason.contains("console_address"),
            "{reason}"
        );
        let plan = vcenter(TicketHost::Absent, TicketUrl::Absent);
        let reason = assert_refused(plan).await;
        assert!(reason.contains("names no host"), "{reason}");
    })
    .await;
}

#[tokio::test]
async fn console_address_is_dialled_instead_of_the_name_in_the_ticket() {
    within(async {
        for kind in [Kind::Esxi, Kind::VCenter] {
            let mut plan = shaped(TicketHost::Other(NOWHERE.into()), TicketUrl::Unresolvable);
            plan.host.kind = kind;
            plan.console_address
                .insert(NOWHERE.into(), "127.0.0.1".into());
            assert_opens(plan).await;
        }
    })
    .await;
}

#[tokio::test]
async fn console_address_may_name_another_port_and_is_what_the_host_is_called() {
    within(async {
        let esxi = Esxi::start().await;
        let mut plan = shaped(TicketHost::Other(NOWHERE.into()), TicketUrl::Good);
        plan.console_trust = ConsoleTrust::Fixed(esxi.trust());
        plan.console_address
            .insert(NOWHERE.into(), esxi.address().to_string());
        let house = plan.start().await;
        let mut viewer = house.viewer().await;
        let hosting = async {
            let mut line = esxi.line().await;
            let request = line.request().await;
            assert!(request.starts_with("GET /ticket/"), "the request line");
            assert_eq!(header(&request, "host"), esxi.address().to_string());
            assert_eq!(header(&request, "sec-websocket-protocol"), "binary");
            assert_eq!(header(&request, "sec-websocket-version"), "13");
        };
        let (verdict, ()) = tokio::join!(viewer.enter(Dialect::V3_8, None), hosting);
        verdict.unwrap_err();
        drop(viewer);
        house.end().await;
    })
    .await;
}

#[tokio::test]
async fn the_pin_of_every_version_of_vsphere_is_understood() {
    within(async {
        // SHA-1 alone; SHA-256 beside it; the whole certificate (`docs/webmks.md` 3.1).
        for version in ["6.7.0", "7.0.0", "7.0.3.1", "8.0.2", "9.0.0"] {
            for kind in [Kind::Esxi, Kind::VCenter] {
                let mut plan = Plan::default();
                plan.host.version = version.into();
                plan.host.kind = kind;
                assert_opens(plan).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_wrong_sha_1_is_refused_where_nothing_better_came() {
    within(async {
        let mut plan = Plan::default();
        plan.host.version = "6.7.0".into();
        plan.host.tickets.thumbprint = Thumbprint::Wrong;
        let reason = assert_refused(plan).await;
        assert!(
            reason.contains(&format!("expected sha1:{}", "ee".repeat(20))),
            "{reason}"
        );
    })
    .await;
}

#[tokio::test]
async fn without_a_pin_a_console_is_judged_as_the_api_is() {
    within(async {
        let bare = |kind| {
            let mut plan = Plan::default();
            plan.host.kind = kind;
            plan.host.tickets.thumbprint = Thumbprint::Absent;
            plan
        };
        // The same certificate on an ESXi; another one on a host behind a vCenter.
        assert_opens(bare(Kind::Esxi)).await;
        let reason = assert_refused(bare(Kind::VCenter)).await;
        assert!(reason.contains("not the one expected"), "{reason}");
    })
    .await;
}

#[tokio::test]
async fn console_trust_overrules_the_pin_in_both_directions() {
    within(async {
        let plan = Plan {
            console_trust: ConsoleTrust::Fixed(Trust::WebPki),
            ..Plan::default()
        };
        let reason = assert_refused(plan).await;
        assert!(reason.contains("not trusted"), "{reason}");

        let mut plan = Plan::default();
        plan.host.tickets.thumbprint = Thumbprint::Wrong;
        plan.console_trust = ConsoleTrust::Fixed(Trust::DangerAcceptAny);
        assert_opens(plan).await;
    })
    .await;
}

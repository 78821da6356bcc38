//! The list is live: every page gets every change of the VMs that its user may open, and vSphere is not polled.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

#[allow(dead_code, reason = "other tests use the rest")]
mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use console::settings::VSphere;
use console::tls::Trust;
use esxi_sim::{DEMO_PASSWORD, Host, Kind, Placement, Settings, VmSettings};
use gateway::Users;
use support::{Page, USERS};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// Pages of each user.
const PAGES: usize = 25;
const VMS: usize = 40;
/// VMs that change in each round.
const CHANGES: usize = 10;
const ROUNDS: usize = 4;
/// Only a fault takes so long.
const DEADLINE: Duration = Duration::from_secs(60);

/// May open every VM, and those whose names begin so.
const ADA: (&str, &str) = ("ada", "vm-");
const BOB: (&str, &str) = ("bob", "vm-1");

fn name(vm: usize) -> String {
    format!("vm-{vm:02}")
}

async fn host(vms: usize) -> Host {
    let settings = Settings {
        kind: Kind::VCenter,
        vms: (0..vms).map(|vm| VmSettings::desktop(name(vm))).collect(),
        ..Settings::default()
    };
    Host::start(settings).await.unwrap()
}

/// A page whose requests name their user, as behind a reverse proxy, and which lists the VM `last`.
async fn page(host: &Host, last: &str) -> Page {
    let url = format!("https://{}/sdk", host.address());
    let mut vsphere = VSphere::new(url.parse().unwrap(), "root".into(), DEMO_PASSWORD.into());
    vsphere.trust = Trust::DangerAcceptAny;
    let vspheres = BTreeMap::from([("lab".to_owned(), vsphere)]);
    let (user, rights) = (BOB.0, BOB.1);
    let hash = USERS.split_once(':').unwrap().1.trim();
    let users = format!("{}{user}:{hash}:{rights}*\n", *USERS);
    let page = Page::begin_with(vspheres, |web| {
        web.auth.users = Some(Users::parse(&users).unwrap().into());
        web.user_header = Some("x-user".into());
        web.proxy_from = vec!["127.0.0.1/32".parse().unwrap()];
    });
    let page = page.await;
    while !list(&page).await.contains(last) {
        sleep(Duration::from_millis(10)).await;
    }
    page
}

async fn list(page: &Page) -> String {
    page.send("GET", "/", &[("x-user", ADA.0)], "").await.body
}

/// A page that is open, and what it shows.
struct Follower {
    stream: BufReader<TcpStream>,
    may_open: &'static str,
    /// The last names of VMs that have changed, by their first ones.
    names: BTreeMap<String, String>,
    removed: usize,
}

impl Follower {
    async fn open(page: &Page, user: (&str, &'static str)) -> Self {
        Self::open_at(page, "/events", user).await
    }

    async fn open_at(page: &Page, path: &str, (user, may_open): (&str, &'static str)) -> Self {
        let mut stream = TcpStream::connect(page.address).await.unwrap();
        let address = page.address;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nx-user: {user}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        assert_eq!(line, "HTTP/1.1 200 OK\r\n");
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).await.unwrap();
        }
        Self {
            stream,
            may_open,
            names: BTreeMap::new(),
            removed: 0,
        }
    }

    /// Receives the name of the next event, and its data.
    async fn event(&mut self) -> (String, String) {
        let mut name = String::new();
        loop {
            let mut line = String::new();
            let read = timeout(DEADLINE, self.stream.read_line(&mut line));
            assert!(read.await.unwrap().unwrap() > 0, "it ended");
            match line.trim_end().split_once(": ") {
                Some(("event", event)) => name = event.to_owned(),
                // Browsers ignore events without data.
                Some(("data", data)) => return (name, data.to_owned()),
                _ => {}
            }
        }
    }

    /// Receives one line of an event. States come in their order, and only those of VMs that the user may open.
    async fn receive(&mut self) {
        let mut line = String::new();
        assert!(
            self.stream.read_line(&mut line).await.unwrap() > 0,
            "it ended"
        );
        if line.starts_with("event: removed") {
            self.removed += 1;
        }
        assert!(!line.starts_with("event: reread"), "it was too slow");
        let Some((_, rest)) = line.split_once("\"name\":\"") else {
            return;
        };
        let now = rest.split_once('"').unwrap().0.to_owned();
        assert!(now.starts_with(self.may_open), "{line}");
        let (first, _) = now.split_once('.').unwrap();
        let before = self.names.insert(first.to_owned(), now.clone());
        assert!(before.is_none_or(|before| before <= now), "{line}");
    }

    /// Receives until the VMs have these names, of those that the user may open.
    async fn until(&mut self, names: &BTreeMap<String, String>) {
        let may_open = self.may_open;
        let mut expected = names.clone();
        expected.retain(|first, _| first.starts_with(may_open));
        let receiving = async {
            while self.names != expected {
                self.receive().await;
            }
        };
        let received = timeout(DEADLINE, receiving).await;
        assert!(received.is_ok(), "{:?} is not {expected:?}", self.names);
    }
}

#[tokio::test]
async fn every_page_gets_every_change_of_the_vms_of_its_user_and_vsphere_is_not_polled() {
    let host = host(VMS).await;
    let page = page(&host, &name(VMS - 1)).await;
    let mut followers = Vec::new();
    for user in [ADA, BOB].repeat(PAGES) {
        followers.push(Follower::open(&page, user).await);
    }
    let others = |host: &Host| {
        let counts = host.counts();
        counts.soap_calls() - counts.calls_of("WaitForUpdatesEx")
    };
    let before = (others(&host), host.counts().calls_of("WaitForUpdatesEx"));
    let mut names = BTreeMap::new();
    for round in 0..ROUNDS {
        for vm in (round * 4..).take(CHANGES).map(|vm| name(vm % VMS)) {
            let changed = format!("{vm}.{round}");
            host.rename(&vm, &changed);
            names.insert(vm, changed);
        }
        for follower in &mut followers {
            follower.until(&names).await;
        }
    }
    // Each wait was answered with a change, but the one that waits now.
    let waits = host.counts().calls_of("WaitForUpdatesEx") - before.1;
    assert!(waits <= (ROUNDS * CHANGES) as u64 + 1, "{waits} waits");
    assert_eq!(others(&host), before.0);

    host.place(&name(2), Placement::Deleted);
    host.place(&name(12), Placement::Deleted);
    for follower in &mut followers {
        let count = if follower.may_open == BOB.1 { 1 } else { 2 };
        let receiving = async {
            while follower.removed < count {
                follower.receive().await;
            }
        };
        assert!(timeout(DEADLINE, receiving).await.is_ok());
    }
}

/// What happens between a list and its first event, or while its connection was lost.
#[tokio::test]
async fn a_list_that_is_not_the_latest_is_read_again() {
    let host = host(2).await;
    let page = page(&host, "vm-01").await;
    let made = list(&page).await;
    let (_, version) = made.split_once("data-version=\"").unwrap();
    let path = format!("/events?version={}", version.split_once('"').unwrap().0);
    let mut latest = Follower::open_at(&page, &path, ADA).await;
    host.rename("vm-00", "vm-00.1");
    assert_eq!(latest.event().await.0, "changed");
    let mut late = Follower::open_at(&page, &path, ADA).await;
    assert_eq!(late.event().await.0, "reread");
    host.rename("vm-00", "vm-00.2");
    assert!(late.event().await.1.contains("vm-00.2"));
    assert!(latest.event().await.1.contains("vm-00.2"));
}

#[tokio::test]
async fn a_vm_whose_name_a_user_may_open_no_longer_disappears_and_its_new_name_is_not_told() {
    let host = host(12).await;
    let page = page(&host, "vm-11").await;
    let mut ada = Follower::open(&page, ADA).await;
    let mut bob = Follower::open(&page, BOB).await;
    host.rename("vm-11", "secret");
    assert_eq!(ada.event().await.0, "changed");
    let (event, data) = bob.event().await;
    assert_eq!(event, "removed");
    assert!(
        data.contains("vm/lab/") && !data.contains("secret"),
        "{data}"
    );
    host.rename("vm-11", "vm-11");
    assert_eq!(ada.event().await.0, "changed");
    let (event, data) = bob.event().await;
    assert_eq!(event, "added");
    assert!(data.contains("vm/lab/"), "{data}");
}

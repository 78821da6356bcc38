//! Pictures of VMs, in front of a simulated ESXi.

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
use esxi_sim::{DEMO_PASSWORD, Host, Power, Screen, Screenshots, Settings, VmSettings};
use futures::future::join_all;
use gateway::settings::{Auth, Web};
use gateway::{Users, hashing};
use support::{PASSWORD, Page, Reply};

/// May open every VM.
const USERS: usize = 10;

/// May open `vm-0` only, and watch it.
const GUEST: &str = "guest";

/// A page whose users a reverse proxy names, and the host behind it with some VMs: `vm-0`, `vm-1` …
struct Setup {
    page: Page,
    host: Host,
}

async fn set_up(vms: usize, change: impl FnOnce(&mut Web)) -> Setup {
    let vm = |number| VmSettings {
        screen: Screen::Desktop {
            width: 320,
            height: 240,
        },
        ..VmSettings::desktop(format!("vm-{number}"))
    };
    let settings = Settings {
        vms: (0..vms).map(vm).collect(),
        clock: false,
        ..Settings::default()
    };
    let host = Host::start(settings).await.unwrap();
    let hash = hashing::hash(PASSWORD.as_bytes()).unwrap();
    let users = (0..USERS).map(|number| format!("user-{number}:{hash}\n"));
    let users = format!(
        "{}{GUEST}:{hash}:vm-0,view-only\n",
        users.collect::<String>()
    );
    let auth = Auth {
        users: Some(Users::parse(&users).unwrap().into()),
        methods: Vec::new(),
        ..Auth::none()
    };
    let mut web = Web {
        proxy_from: vec!["127.0.0.1/32".parse().unwrap()],
        user_header: Some("x-user".into()),
        rate_limit_factor: 1000,
        ..Web::new("127.0.0.1:0".parse().unwrap(), auth)
    };
    change(&mut web);
    let url = url::Url::parse(&format!("https://{}/sdk", host.address())).unwrap();
    let vsphere = VSphere {
        trust: Trust::DangerAcceptAny,
        ..VSphere::new(url, "root".into(), DEMO_PASSWORD.into())
    };
    let vspheres = BTreeMap::from([("lab".into(), vsphere)]);
    let page = Page::begin_with(vspheres, |default| *default = web).await;
    let setup = Setup { page, host };
    // The page has read the inventory.
    while !setup.get("/", "user-0").await.body.contains(">vm-0</a>") {}
    setup
}

impl Setup {
    async fn get(&self, path: &str, user: &str) -> Reply {
        self.get_with(path, user, ("accept", "text/html")).await
    }

    async fn get_with(&self, path: &str, user: &str, header: (&str, &str)) -> Reply {
        let headers = [("x-user", user), ("x-forwarded-for", "192.0.2.9"), header];
        self.page.send("GET", path, &headers, "").await
    }

    fn path(&self, vm: usize) -> String {
        format!("/picture/lab/{}", self.host.moref(&format!("vm-{vm}")))
    }

    /// Asks until there is a picture.
    async fn picture(&self, vm: usize, user: &str) -> Reply {
        loop {
            let reply = self.get(&self.path(vm), user).await;
            match reply.one("content-type") {
                "image/png" => return reply,
                kind => assert_eq!((reply.status, kind), (200, "image/svg+xml")),
            }
        }
    }

    /// How many requests to `/screen` the host has had.
    fn screens(&self) -> u64 {
        self.host.counts().screens.values().sum()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wall_of_70_vms_for_ten_users_asks_for_two_at_once_and_for_each_once() {
    let setup = set_up(70, |_| {}).await;
    setup.host.delay_screens(Duration::from_millis(20));
    let users: Vec<String> = (0..USERS).map(|number| format!("user-{number}")).collect();
    let walls = users.iter().map(async |user| {
        let first = (0..70).map(async |vm| setup.get(&setup.path(vm), user).await.status);
        assert_eq!(join_all(first).await, [200; 70]);
        for vm in 0..70 {
            setup.picture(vm, user).await;
        }
    });
    join_all(walls).await;
    let counts = setup.host.counts();
    assert_eq!((counts.screens_at_once, counts.screens.len()), (2, 70));
    assert!(counts.screens.values().all(|times| *times == 1));
    assert_eq!(
        (counts.consoles_opened, counts.calls_of("AcquireTicket")),
        (0, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_kept_by_its_users_browser_and_sent_once() {
    let setup = set_up(1, |_| {}).await;
    let reply = setup.picture(0, GUEST).await;
    assert_eq!(reply.one("cache-control"), "private, no-cache");
    assert_eq!(reply.one("x-picture"), "current");
    assert!(reply.body.contains("PNG"));
    let tag = reply.one("etag");
    assert!(tag.starts_with('"') && tag.len() > 20, "{tag}");
    let path = setup.path(0);
    let again = setup.get_with(&path, GUEST, ("if-none-match", tag));
    let again = again.await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    assert_eq!(
        (again.one("etag"), again.one("cache-control")),
        (tag, "private, no-cache")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_open_a_vm_does_not_see_it() {
    let setup = set_up(2, |_| {}).await;
    setup.picture(1, "user-0").await;
    for path in [
        setup.path(1),
        "/picture/lab/none".into(),
        "/picture/other/0".into(),
    ] {
        let reply = setup.get(&path, GUEST).await;
        assert_eq!(
            (reply.status, reply.one("cache-control")),
            (404, "no-store"),
            "{path}"
        );
    }
    assert_eq!(
        setup
            .get_with(&setup.path(1), "nobody", ("accept", "image/*"))
            .await
            .status,
        401
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_that_is_off_has_a_drawn_picture_and_its_host_is_not_asked() {
    let setup = set_up(2, |_| {}).await;
    setup.picture(0, "user-0").await;
    setup.host.set_power("vm-0", Power::Off);
    let is_svg = async || {
        let reply = setup.get(&setup.path(0), "user-0").await;
        assert_eq!(reply.status, 200);
        reply.one("content-type") == "image/svg+xml"
    };
    while !is_svg().await {}
    assert!(
        setup
            .get("/", "user-0")
            .await
            .body
            .contains("src=\"./assets/screen.svg\"")
    );
    assert_eq!(setup.screens(), 1);
    let none = set_up(1, |web| web.thumbnail_every = Duration::ZERO).await;
    assert_eq!(
        none.get(&none.path(0), "user-0").await.one("content-type"),
        "image/svg+xml"
    );
    assert!(!none.get("/", "user-0").await.body.contains("picture/"));
    assert_eq!(none.screens(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_answers_503_is_left_alone() {
    let setup = set_up(40, |_| {}).await;
    setup.host.refuse_screen(Some(503));
    setup.get(&setup.path(0), "user-0").await;
    // Each call makes five attempts, with growing pauses; the rest begins after the last.
    setup
        .host
        .counts_until(|counts| counts.screens.values().sum::<u64>() == 5)
        .await;
    for round in 0..50 {
        let asked = (0..40).map(async |vm| setup.get(&setup.path(vm), "user-0").await);
        for reply in join_all(asked).await {
            assert_eq!(reply.one("content-type"), "image/svg+xml", "{round}");
        }
    }
    // Those that were asked for in the moment before the rest: two at once, and no third after them.
    assert!(setup.screens() <= 15, "{} requests", setup.screens());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_screen_a_task_takes_the_picture_and_its_file_is_deleted() {
    let setup = set_up(3, |web| web.thumbnails_per_host = 1).await;
    setup.host.refuse_screen(Some(404));
    setup.picture(0, "user-0").await;
    assert_eq!(setup.host.files(), [""; 0]);
    let counts = setup.host.counts();
    assert_eq!(counts.calls_of("CreateScreenshot_Task"), 1);
    assert_eq!(counts.calls_of("DeleteDatastoreFile_Task"), 1);
    setup.host.set_screenshots(Screenshots {
        deletion_denied: true,
        ..Screenshots::default()
    });
    // This one is shown, and no further file is written.
    setup.picture(1, "user-0").await;
    setup.get(&setup.path(2), "user-0").await;
    let asks = |counts: &esxi_sim::Counts| counts.screens.len() == 3;
    setup.host.counts_until(asks).await;
    for _ in 0..100 {
        let reply = setup.get(&setup.path(2), "user-0").await;
        assert_eq!(reply.one("content-type"), "image/svg+xml");
    }
    assert_eq!(setup.host.files().len(), 1);
    assert_eq!(setup.host.counts().calls_of("CreateScreenshot_Task"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_of_a_user_are_refused_and_others_answered() {
    let setup = set_up(1, |web| web.rate_limit_factor = 1).await;
    let console = setup
        .get(&setup.path(0).replace("picture", "vm"), "user-0")
        .await;
    let (_, csrf) = console.body.split_once("data-csrf=\"").unwrap();
    let csrf = csrf.split_once('"').unwrap().0;
    let ask = async |method: &str, path: &str, user: &str| {
        let headers = [
            ("x-user", user),
            ("x-forwarded-for", "192.0.2.9"),
            ("x-csrf-token", csrf),
        ];
        let body = "path=none&action=on";
        setup.page.send(method, path, &headers, body).await
    };
    for (method, path, status, burst) in [
        ("GET", setup.path(0), 200, 600),
        ("POST", "/power".into(), 404, 30),
        ("POST", "/consoles".into(), 404, 60),
    ] {
        let mut answered = 0;
        let refused = loop {
            let reply = ask(method, &path, "user-0").await;
            match reply.status {
                429 => break reply,
                other => assert_eq!(other, status, "{path}"),
            }
            answered += 1;
        };
        assert!(
            answered >= burst && answered < 3 * burst,
            "{path}: {answered}"
        );
        assert!(refused.one("retry-after").parse::<u64>().unwrap() >= 1);
        assert!(refused.body.contains("Too many"), "{}", refused.body);
    }
    assert_eq!(ask("GET", &setup.path(0), "user-1").await.status, 200);
}

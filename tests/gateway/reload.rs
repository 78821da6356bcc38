//! Reloads: what both configurations have continues, what was removed ends with its sessions.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use console::secret::Secret;
use console::settings::VSphere;
use console::tls::{Thumbprint, Trust};
use esxi_sim::{DEMO_PASSWORD, Host, Settings};
use gateway::settings::{Admin, Auth, Config, ConsoleSettings, Limits};
use gateway::{Gateway, Shutdown, WebEntrance};
use rfb_proto::VncPassword;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::support::testbed::{PASSWORD, vm};
use crate::support::viewer::{RfbVersion, Viewer};
use crate::support::{http_get, reserved_port, until, within};

/// A running gateway that applies the configurations sent to it.
pub(crate) struct Reloading {
    reload: mpsc::Sender<Config>,
    shutdown: Shutdown,
    tasks: TaskTracker,
    pub(crate) page: WebEntrance,
}

impl Reloading {
    pub(crate) async fn begin(config: Config) -> Self {
        let gateway = Gateway::bind(config).await.unwrap();
        let page = gateway.web();
        let (reload, reloads) = mpsc::channel(1);
        let (shutdown, tasks) = (Shutdown::default(), TaskTracker::new());
        tasks.spawn(gateway.run_reloading(shutdown.clone(), reloads));
        tasks.close();
        Self {
            reload,
            shutdown,
            tasks,
            page,
        }
    }

    /// Returns when `config` has been applied.
    pub(crate) async fn apply(&self, config: &Config) {
        self.settle(config, config).await;
    }

    /// Returns when `config` has been refused and `before` is still applied.
    async fn refuse(&self, config: &Config, before: &Config) {
        self.settle(config, before).await;
    }

    /// Sends both, and `then` once more: the channel holds one, so the third send returns once `first` was handled.
    async fn settle(&self, first: &Config, then: &Config) {
        for config in [first, then, then] {
            self.reload.send(config.clone()).await.unwrap();
        }
    }

    pub(crate) async fn end(self) {
        self.shutdown.now.cancel();
        self.tasks.wait().await;
    }
}

/// Two hosts, of which one can be removed.
pub(crate) struct Fleet {
    hosts: [Host; 2],
    pub(crate) ports: [u16; 2],
}

impl Fleet {
    pub(crate) async fn new() -> Self {
        let host = || {
            Host::start(Settings {
                vms: vec![vm("vm08")],
                ..Settings::default()
            })
        };
        Self {
            hosts: [host().await.unwrap(), host().await.unwrap()],
            ports: [reserved_port(), reserved_port()],
        }
    }

    fn vsphere(&self, host: usize) -> VSphere {
        let url = format!("https://{}/sdk", self.hosts[host].address());
        let pin = Trust::Pinned(Thumbprint::Sha256(self.hosts[host].certificate_sha256()));
        VSphere {
            trust: pin,
            ..VSphere::new(url.parse().unwrap(), "root".into(), DEMO_PASSWORD.into())
        }
    }

    /// A console on each of these hosts, at the port with the same index.
    pub(crate) fn config(&self, hosts: &[usize], auth: &Auth) -> Config {
        let name = |host: &usize| format!("host{host}");
        let console = |host: &usize| {
            let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports[*host]));
            ConsoleSettings::new(listen, name(host), "vm08".parse().unwrap(), auth.clone())
        };
        Config {
            gateway: Limits::default(),
            admin: None,
            web: None,
            vspheres: hosts
                .iter()
                .map(|host| (name(host), self.vsphere(*host)))
                .collect::<BTreeMap<_, _>>(),
            consoles: hosts.iter().map(console).collect(),
        }
    }

    async fn viewer(&self, host: usize) -> Viewer {
        Viewer::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports[host]))).await
    }

    /// Logs in at the port with that index, and disconnects.
    async fn log_in(&self, host: usize) {
        let mut viewer = self.viewer(host).await;
        let entered = viewer.enter(RfbVersion::V3_8, Some(PASSWORD)).await;
        entered.unwrap();
    }

    /// Whether the port with that index is listened on.
    fn is_open(&self, host: usize) -> bool {
        std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.ports[host])).is_ok()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reload_adds_and_removes_ports_and_vspheres_and_keeps_sessions() {
    within(async {
        let fleet = Fleet::new().await;
        let open = Auth::none();
        let gateway = Gateway::bind(fleet.config(&[0, 1], &open)).await.unwrap();
        let (reload, reloads) = mpsc::channel(1);
        let (shutdown, tasks) = (Shutdown::default(), TaskTracker::new());
        tasks.spawn(gateway.run_reloading(shutdown.clone(), reloads));
        tasks.close();
        let (mut first, mut second) = (fleet.viewer(0).await, fleet.viewer(1).await);
        first.open().await;
        second.open().await;

        // The second host is removed: its open session continues, and vSphere is logged out after it has ended.
        reload.send(fleet.config(&[0], &open)).await.unwrap();
        until(|| !fleet.is_open(1)).await;
        second.type_text("still here").await;
        fleet.hosts[1]
            .typed_until("vm08", |typed| typed == "still here")
            .await;
        assert_eq!(fleet.hosts[1].counts().logouts, 0);
        drop(second);
        fleet.hosts[1]
            .counts_until(|counts| counts.logouts == 1)
            .await;

        // The first continues without a new login, and new viewers get the new authentication.
        let password = Auth::vnc_password(VncPassword::new(PASSWORD).unwrap());
        reload.send(fleet.config(&[0, 1], &password)).await.unwrap();
        until(|| fleet.is_open(1)).await;
        fleet.log_in(0).await;
        fleet.log_in(1).await;
        first.type_text("all the while").await;
        fleet.hosts[0]
            .typed_until("vm08", |typed| typed == "all the while")
            .await;
        assert_eq!(fleet.hosts[0].counts().logins, 1);
        assert_eq!(fleet.hosts[1].counts().logins, 2);

        shutdown.now.cancel();
        tasks.wait().await;
        for host in &fleet.hosts {
            assert_eq!(host.counts().logins, host.counts().logouts);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration_that_cannot_be_applied_completely_changes_nothing() {
    within(async {
        let fleet = Fleet::new().await;
        let open = Auth::none();
        let gateway = Gateway::bind(fleet.config(&[0], &open)).await.unwrap();
        let (reload, reloads) = mpsc::channel(1);
        let (shutdown, tasks) = (Shutdown::default(), TaskTracker::new());
        tasks.spawn(gateway.run_reloading(shutdown.clone(), reloads));
        tasks.close();
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, fleet.ports[1])).unwrap();
        // Binding port 1 fails, so the password in the same configuration is not applied either.
        let password = Auth::vnc_password(VncPassword::new(PASSWORD).unwrap());
        reload.send(fleet.config(&[0, 1], &password)).await.unwrap();
        // A second one is received once the first has been handled.
        reload.send(fleet.config(&[0, 1], &password)).await.unwrap();
        reload.send(fleet.config(&[0, 1], &password)).await.unwrap();
        fleet.viewer(0).await.open().await;
        drop(taken);
        reload.send(fleet.config(&[0, 1], &password)).await.unwrap();
        until(|| fleet.is_open(1)).await;
        fleet.log_in(0).await;
        shutdown.now.cancel();
        tasks.wait().await;
    })
    .await;
}

/// `config` with copies of its first console, one at each of these addresses.
fn listening(config: &Config, addresses: &[(Ipv4Addr, u16)]) -> Config {
    let console = |address: &(Ipv4Addr, u16)| ConsoleSettings {
        listen: SocketAddr::from(*address),
        ..config.consoles[0].clone()
    };
    Config {
        consoles: addresses.iter().map(console).collect(),
        ..config.clone()
    }
}

/// On Linux all of 127.0.0.0/8 is local.
const ANOTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn listen_address_changes_to_and_from_the_wildcard_on_the_same_port() {
    within(async {
        let fleet = Fleet::new().await;
        let config = fleet.config(&[0], &Auth::none());
        let port = fleet.ports[0];
        let gateway = Reloading::begin(config.clone()).await;
        let mut first = fleet.viewer(0).await;
        first.open().await;
        let elsewhere = SocketAddr::from((ANOTHER, port));

        for (address, is_everywhere) in [
            (Ipv4Addr::UNSPECIFIED, true),
            (Ipv4Addr::LOCALHOST, false),
            (Ipv4Addr::UNSPECIFIED, true),
        ] {
            gateway.apply(&listening(&config, &[(address, port)])).await;
            let reached = std::net::TcpStream::connect(elsewhere).is_ok();
            assert_eq!(reached, is_everywhere, "{address}");
            fleet.viewer(0).await.open().await;
        }
        Viewer::connect(elsewhere).await.open().await;

        // The wildcard address is replaced by two addresses.
        let two = [(Ipv4Addr::LOCALHOST, port), (ANOTHER, port)];
        gateway.apply(&listening(&config, &two)).await;
        fleet.viewer(0).await.open().await;
        Viewer::connect(elsewhere).await.open().await;

        first.type_text("all the while").await;
        fleet.hosts[0]
            .typed_until("vm08", |typed| typed == "all the while")
            .await;
        assert_eq!(fleet.hosts[0].counts().logins, 1);
        gateway.end().await;
    })
    .await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn failed_change_to_the_wildcard_keeps_the_old_listeners() {
    within(async {
        let fleet = Fleet::new().await;
        let open_on = |address| {
            let consoles = fleet.ports.map(|port| (address, port));
            listening(&fleet.config(&[0], &Auth::none()), &consoles)
        };
        let (narrow, wide) = (open_on(Ipv4Addr::LOCALHOST), open_on(Ipv4Addr::UNSPECIFIED));
        let gateway = Reloading::begin(narrow.clone()).await;
        let mut first = fleet.viewer(0).await;
        first.open().await;

        // Another program listens on one of the two new addresses: neither is bound, and the old listeners stay.
        for place in [0, 1] {
            let taken = TcpListener::bind((ANOTHER, fleet.ports[place])).unwrap();
            gateway.refuse(&wide, &narrow).await;
            for place in [0, 1] {
                fleet.viewer(place).await.open().await;
            }
            let other = (ANOTHER, fleet.ports[1 - place]);
            assert!(std::net::TcpStream::connect(other).is_err());
            drop(taken);
        }
        first.type_text("all the while").await;
        fleet.hosts[0]
            .typed_until("vm08", |typed| typed == "all the while")
            .await;

        gateway.apply(&wide).await;
        for port in fleet.ports {
            let elsewhere = SocketAddr::from((ANOTHER, port));
            Viewer::connect(elsewhere).await.open().await;
        }
        gateway.end().await;
    })
    .await;
}

#[tokio::test]
async fn conflict_with_an_own_port_is_reported_as_such() {
    within(async {
        let fleet = Fleet::new().await;
        let config = fleet.config(&[0], &Auth::none());
        let port = fleet.ports[0];
        let twice = listening(
            &config,
            &[(Ipv4Addr::LOCALHOST, port), (Ipv4Addr::LOCALHOST, port)],
        );
        let error = Gateway::bind(twice).await.err().unwrap().to_string();
        assert_eq!(
            error,
            format!(
                "cannot listen on 127.0.0.1:{port} for vm08: this gateway listens on 127.0.0.1:{port} already; choose another port"
            )
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reload_moves_admin_changes_its_token_and_removes_it() {
    within(async {
        let fleet = Fleet::new().await;
        let [first, second] = [reserved_port(), reserved_port()]
            .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let config = |admin: Option<Admin>| Config {
            admin,
            ..fleet.config(&[0], &Auth::none())
        };
        let is_free = |address: SocketAddr| TcpListener::bind(address).is_ok();
        let open = |listen| config(Some(Admin::open(listen)));
        let gateway = Reloading::begin(config(None)).await;
        gateway.apply(&open(first)).await;
        assert!(http_get(first, "/healthz").await.ends_with("ok\n"));
        gateway.apply(&open(second)).await;
        assert!(http_get(second, "/healthz").await.ends_with("ok\n") && is_free(first));
        // The address stays, and requests without the token are refused.
        let token = Some(Secret::new("0123456789abcdef".to_owned()));
        let listen = second;
        gateway.apply(&config(Some(Admin { listen, token }))).await;
        assert!(
            http_get(second, "/metrics")
                .await
                .starts_with("HTTP/1.1 401 ")
        );
        // Another program listens on the address: nothing changes.
        let taken = TcpListener::bind(first).unwrap();
        let token = Some(Secret::new("0123456789abcdef".to_owned()));
        let before = config(Some(Admin { listen, token }));
        gateway.refuse(&open(first), &before).await;
        assert!(
            http_get(second, "/metrics")
                .await
                .starts_with("HTTP/1.1 401 ")
        );
        drop(taken);
        // [admin] and a console swap addresses.
        let console = SocketAddr::from((Ipv4Addr::LOCALHOST, fleet.ports[0]));
        let mut swapped = open(console);
        swapped.consoles[0].listen = second;
        gateway.apply(&swapped).await;
        assert!(http_get(console, "/healthz").await.ends_with("ok\n"));
        Viewer::connect(second).await.open().await;
        gateway.apply(&config(None)).await;
        until(|| is_free(second)).await;
        fleet.viewer(0).await.open().await;
        gateway.end().await;
    })
    .await;
}

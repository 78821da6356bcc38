//! A new configuration while the gateway runs: what is in both goes on, what is gone ends when its sessions do.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use esxi_sim::{DEMO_PASSWORD, Host, Settings};
use mksgate::{Auth, Config, Console, Gateway, Limits, Shutdown, Thumbprint, Trust, VSphere};
use rfb_proto::VncPassword;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::support::house::{PASSWORD, vm};
use crate::support::viewer::{Dialect, Viewer};
use crate::support::{port_of_our_own, until, within};

/// Two hosts, so that one can go.
struct Fleet {
    hosts: [Host; 2],
    ports: [u16; 2],
}

impl Fleet {
    async fn new() -> Self {
        let host = || {
            Host::start(Settings {
                vms: vec![vm("vm08")],
                ..Settings::default()
            })
        };
        Self {
            hosts: [host().await.unwrap(), host().await.unwrap()],
            ports: [port_of_our_own(), port_of_our_own()],
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

    /// A console on each of these hosts, on the port of the same number.
    fn config(&self, hosts: &[usize], auth: &Auth) -> Config {
        let name = |host: &usize| format!("host{host}");
        let console = |host: &usize| {
            let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports[*host]));
            Console::new(listen, name(host), "vm08".parse().unwrap(), auth.clone())
        };
        Config {
            gateway: Limits::default(),
            admin: None,
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

    /// Whether anybody listens on the port of that number.
    fn is_open(&self, host: usize) -> bool {
        std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.ports[host])).is_ok()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_and_vspheres_come_and_go_and_sessions_stay() {
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

        // The second host goes; what is open on it stays until it ends, and only then it is logged out.
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

        // The first goes on without a new login, and a new viewer meets the new way in.
        let password = Auth::vnc_password(VncPassword::new(PASSWORD).unwrap());
        reload.send(fleet.config(&[0, 1], &password)).await.unwrap();
        until(|| fleet.is_open(1)).await;
        fleet
            .viewer(0)
            .await
            .enter(Dialect::V3_8, Some(PASSWORD))
            .await
            .unwrap();
        fleet
            .viewer(1)
            .await
            .enter(Dialect::V3_8, Some(PASSWORD))
            .await
            .unwrap();
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
async fn a_configuration_that_cannot_be_had_whole_changes_nothing() {
    within(async {
        let fleet = Fleet::new().await;
        let open = Auth::none();
        let gateway = Gateway::bind(fleet.config(&[0], &open)).await.unwrap();
        let (reload, reloads) = mpsc::channel(1);
        let (shutdown, tasks) = (Shutdown::default(), TaskTracker::new());
        tasks.spawn(gateway.run_reloading(shutdown.clone(), reloads));
        tasks.close();
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, fleet.ports[1])).unwrap();
        // Port 1 cannot be had: so the password, which is in the same configuration, is not asked for either.
        let password = Auth::vnc_password(VncPassword::new(PASSWORD).unwrap());
        reload.send(fleet.config(&[0, 1], &password)).await.unwrap();
        // A second one is only taken when the first is done with.
        reload.send(fleet.config(&[0, 1], &password)).await.unwrap();
        reload.send(fleet.config(&[0, 1], &password)).await.unwrap();
        fleet.viewer(0).await.open().await;
        drop(taken);
        reload.send(fleet.config(&[0, 1], &password)).await.unwrap();
        until(|| fleet.is_open(1)).await;
        fleet
            .viewer(0)
            .await
            .enter(Dialect::V3_8, Some(PASSWORD))
            .await
            .unwrap();
        shutdown.now.cancel();
        tasks.wait().await;
    })
    .await;
}

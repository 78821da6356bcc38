//! A simulated host and a gateway in front of it on free loopback ports.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use console::secret::Secret;
use console::settings::{TlsRecords, VSphere};
use console::tls::{ConsoleTrust, Thumbprint, Trust};
use esxi_sim::{DEMO_PASSWORD, Host, Screen, Settings, VmSettings};
use gateway::settings::{Admin, Auth, Config, ConsoleSettings, Limits, Web};
use gateway::{Gateway, Shutdown, WebEntrance};
use rfb_proto::VncPassword;
use tokio_util::task::TaskTracker;

use super::esxi::Esxi;
use super::until;
use super::viewer::{RfbVersion, Viewer};

/// The password of ports that have one.
pub(crate) const PASSWORD: &str = "let me i";

/// The address of the page, which nobody binds.
const PAGE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8443);

/// The settings of a testbed. The default is a standalone ESXi with one small VM and a port for it without authentication.
pub(crate) struct Setup {
    pub(crate) host: Settings,
    pub(crate) limits: Limits,
    /// One port per entry: a reference to a VM, as in the configuration.
    pub(crate) consoles: Vec<String>,
    pub(crate) auth: Auth,
    /// How users of the page log in; `None`: there is no page.
    pub(crate) page: Option<Auth>,
    /// Changes the settings of each console.
    pub(crate) customize: fn(ConsoleSettings) -> ConsoleSettings,
    /// RFB passes unchanged, for scripted peers that do not send RFB.
    pub(crate) transparent: bool,
    pub(crate) admin: Option<SocketAddr>,
    /// The API's address; `None`: the simulated host's.
    pub(crate) sdk: Option<SocketAddr>,
    /// The API's trust; `None`: the simulated host's certificate is pinned.
    pub(crate) trust: Option<Trust>,
    pub(crate) console_trust: ConsoleTrust,
    pub(crate) console_address: BTreeMap<String, String>,
    pub(crate) max_consoles: usize,
    /// From the environment variable `TLS_RECORDS`, so that all tests can run with either.
    pub(crate) tls_records: TlsRecords,
    /// An HTTP proxy for all upstream connections.
    pub(crate) proxy: Option<String>,
    /// The password of the gateway's vSphere account.
    pub(crate) password: String,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            host: Settings {
                vms: vec![vm("vm08")],
                clock: false,
                ..Settings::default()
            },
            // Limits have their own tests; others use many viewers at once.
            limits: Limits {
                max_sessions_per_vm: 64,
                max_unauthenticated: 512,
                ..Limits::default()
            },
            consoles: vec!["vm08".into()],
            auth: Auth::none(),
            page: None,
            customize: |console| console,
            transparent: false,
            admin: None,
            sdk: None,
            trust: None,
            console_trust: ConsoleTrust::Ticket,
            console_address: BTreeMap::new(),
            max_consoles: VSphere::MAX_CONSOLES,
            tls_records: match std::env::var_os("TLS_RECORDS") {
                None => TlsRecords::Rustls,
                Some(records) if records == "in-place" => TlsRecords::InPlace,
                Some(records) => panic!("TLS_RECORDS={records:?} is neither in-place nor absent"),
            },
            proxy: None,
            password: DEMO_PASSWORD.into(),
        }
    }
}

impl Setup {
    /// Requires VNC authentication with [`PASSWORD`].
    pub(crate) fn with_password(mut self) -> Self {
        self.auth = Auth::vnc_password(VncPassword::new(PASSWORD).unwrap());
        self
    }

    /// Dials consoles at the scripted host `esxi`, with tickets of the simulated one. RFB passes unchanged.
    pub(crate) fn with_console_host(mut self, esxi: &Esxi) -> Self {
        self.transparent = true;
        self.console_address = BTreeMap::from([("127.0.0.1".into(), esxi.address().to_string())]);
        self.console_trust = ConsoleTrust::Fixed(esxi.trust());
        self
    }

    /// Short login and handshake timeouts.
    pub(crate) fn with_short_timeouts(mut self) -> Self {
        self.limits.login_timeout = Duration::from_secs(3);
        self.limits.handshake_timeout = Duration::from_secs(3);
        self
    }

    pub(crate) async fn start(self) -> Testbed {
        let host = Host::start(self.host).await.unwrap();
        let url = format!("https://{}/sdk", self.sdk.unwrap_or(host.address()));
        let pin = Trust::Pinned(Thumbprint::Sha256(host.certificate_sha256()));
        let mut vsphere = VSphere::new(url.parse().unwrap(), "root".into(), self.password.into());
        vsphere.trust = self.trust.unwrap_or(pin);
        vsphere.console_trust = self.console_trust;
        vsphere.console_address = self.console_address;
        vsphere.max_consoles = self.max_consoles;
        vsphere.tls_records = self.tls_records;
        vsphere.proxy = self.proxy.map(|proxy| Secret::new(proxy.parse().unwrap()));
        let console = |vm: &String| {
            let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let vm = vm.parse().unwrap();
            let mut console = ConsoleSettings::new(listen, "lab", vm, self.auth.clone());
            if self.transparent {
                console.input_settings = None;
            }
            (self.customize)(console)
        };
        let gateway = Gateway::bind(Config {
            gateway: self.limits,
            admin: self.admin.map(Admin::open),
            web: self.page.map(|auth| Web::new(PAGE, auth)),
            vspheres: BTreeMap::from([("lab".into(), vsphere)]),
            consoles: self.consoles.iter().map(console).collect(),
        })
        .await
        .unwrap();
        let admin = gateway.admin();
        let (sessions, page) = (gateway.sessions(), gateway.web());
        let ports = gateway.ports().map(|(address, _)| address).collect();
        let (shutdown, tasks) = (Shutdown::default(), TaskTracker::new());
        tasks.spawn(gateway.run(shutdown.clone()));
        tasks.close();
        Testbed {
            host,
            ports,
            admin,
            page,
            shutdown,
            sessions: Box::new(move || sessions.get()),
            tasks,
        }
    }
}

/// A powered-on VM with a small desktop, which is fast to compare.
pub(crate) fn vm(name: &str) -> VmSettings {
    VmSettings {
        screen: Screen::Desktop {
            width: 160,
            height: 120,
        },
        ..VmSettings::desktop(name)
    }
}

/// A running testbed. Dropping it cancels it; [`Testbed::end`] waits for the end.
pub(crate) struct Testbed {
    pub(crate) host: Host,
    /// One per entry of [`Setup::consoles`].
    pub(crate) ports: Vec<SocketAddr>,
    /// The address of `[admin]`, where [`Setup::admin`] is set.
    pub(crate) admin: Option<SocketAddr>,
    /// What the page sees of the gateway.
    pub(crate) page: WebEntrance,
    pub(crate) shutdown: Shutdown,
    /// The number of sessions that have a slot.
    sessions: Box<dyn Fn() -> i64 + Send + Sync>,
    tasks: TaskTracker,
}

impl Testbed {
    pub(crate) async fn new() -> Self {
        Setup::default().start().await
    }

    /// A viewer that has connected to the first port.
    pub(crate) async fn viewer(&self) -> Viewer {
        Viewer::connect(self.ports[0]).await
    }

    /// A login at the first port, by a viewer that then disconnects. The error is the reason that it is shown.
    pub(crate) async fn log_in(&self, password: Option<&str>) -> Result<(), String> {
        let mut viewer = self.viewer().await;
        viewer.enter(RfbVersion::V3_8, password).await
    }

    /// Waits until so many sessions have a slot. A console is closed before its session's slot is freed.
    pub(crate) async fn sessions_until(&self, number: i64) {
        until(|| (self.sessions)() == number).await;
    }

    /// Waits for the end of the gateway, which must have been shut down.
    pub(crate) async fn gateway_ended(&self) {
        self.tasks.wait().await;
    }

    /// Ends gateway and host, and returns the host's counts.
    pub(crate) async fn end(self) -> esxi_sim::Counts {
        self.shutdown.now.cancel();
        self.tasks.wait().await;
        let counts = self.host.counts();
        drop(self);
        counts
    }
}

impl Drop for Testbed {
    fn drop(&mut self) {
        self.shutdown.now.cancel();
    }
}

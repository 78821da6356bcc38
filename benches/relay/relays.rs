//! Every relay that takes part: how it is started, and which are not there.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tokio::time::{Duration, sleep};

use crate::source::Source;

/// A running relay. Dropped, it ends.
pub(crate) struct Relay {
    pub(crate) name: &'static str,
    pub(crate) listen: SocketAddr,
    /// Whether viewers have to shake hands with it.
    pub(crate) rfb: bool,
    process: Child,
}

impl Relay {
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // Ignored on purpose: one that has ended already need not be ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How to start each.
pub(crate) struct Relays {
    directory: PathBuf,
    sdk: SocketAddr,
    tls: SocketAddr,
    tcp: SocketAddr,
    present: Vec<&'static str>,
    missing: Vec<&'static str>,
}

/// What all others are compared with: the gateway's TLS without WebSocket.
pub(crate) const BASE: &str = "own TLS";

/// The one that matters.
pub(crate) const OURS: &str = "mksgate";

/// Relays that this repository builds, by the word that relay-peers knows them by.
const BUILT: [(&str, &str); 6] = [
    (BASE, "own"),
    ("tcp", "tcp"),
    ("tokio-rustls", "tls"),
    ("tokio-tungstenite", "tungstenite"),
    ("fastwebsockets", "fastwebsockets"),
    ("tokio-websockets", "tokio-websockets"),
];

/// Relays that a system may have.
const INSTALLED: [&str; 4] = ["haproxy", "stunnel4", "socat", "websocat"];

impl Relays {
    pub(crate) async fn find(source: &Source) -> Self {
        let directory = std::env::temp_dir().join(format!("mksgate-bench-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let (there, missing): (Vec<_>, Vec<_>) = INSTALLED
            .into_iter()
            .partition(|program| is_installed(program));
        let present = [OURS]
            .into_iter()
            .chain(BUILT.map(|(name, _)| name))
            .chain(there)
            .collect();
        Self {
            directory,
            sdk: source.sdk,
            tls: source.tls,
            tcp: source.tcp,
            present,
            missing,
        }
    }

    pub(crate) fn names(&self) -> &[&'static str] {
        &self.present
    }

    pub(crate) fn missing(&self) -> String {
        match self.missing.is_empty() {
            true => "No program is missing.\n".into(),
            false => format!(
                "Not installed here, and so not measured: {}.\n",
                self.missing.join(", ")
            ),
        }
    }

    /// Starts one, and waits until it listens. `cores` is what taskset makes of it.
    pub(crate) async fn start(&self, name: &'static str, cores: &str) -> Relay {
        let listen = free_address();
        let mut command = Command::new("taskset");
        command.args(["-c", cores]).args(self.command(name, listen));
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.directory.join(format!("{name}.log"))).unwrap())
            .spawn()
            .unwrap();
        let mut relay = Relay {
            name,
            listen,
            rfb: name == OURS,
            process,
        };
        for _ in 0..200 {
            sleep(Duration::from_millis(50)).await;
            let ended = relay.process.try_wait().unwrap();
            assert!(ended.is_none(), "{name} ended: {}", self.log(name));
            if TcpStream::connect(listen).is_ok() {
                return relay;
            }
        }
        panic!("{name} does not listen: {}", self.log(name));
    }

    fn log(&self, name: &str) -> String {
        fs::read_to_string(self.directory.join(format!("{name}.log"))).unwrap_or_default()
    }

    fn command(&self, name: &str, listen: SocketAddr) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let (tls, tcp, listen_text) = (
            self.tls.to_string(),
            self.tcp.to_string(),
            listen.to_string(),
        );
        if let Some((_, kind)) = BUILT.into_iter().find(|(built, _)| *built == name) {
            let target = if kind == "tcp" { &tcp } else { &tls };
            return words(&[&binary("relay-peers"), kind, &listen_text, target]);
        }
        match name {
            OURS => words(&[
                &binary("mksgate"),
                "--config",
                &self.gateway(listen),
                "serve",
            ]),
            "haproxy" => words(&["haproxy", "-db", "-f", &self.haproxy(listen)]),
            "stunnel4" => words(&["stunnel4", &self.stunnel(listen)]),
            "socat" => words(&[
                "socat",
                "-b65536",
                &format!(
                    "TCP-LISTEN:{},bind=127.0.0.1,reuseaddr,fork,nodelay",
                    listen.port()
                ),
                &format!("OPENSSL:{tls},verify=0,nodelay"),
            ]),
            "websocat" => words(&[
                "websocat",
                "--binary",
                "-k",
                &format!("tcp-listen:{listen_text}"),
                &format!("wss://{tls}/"),
            ]),
            _ => panic!("{name} cannot be started"),
        }
    }

    fn gateway(&self, listen: SocketAddr) -> String {
        let (sdk, tls, password) = (self.sdk, self.tls, esxi_sim::DEMO_PASSWORD);
        self.write("lab.password", password);
        let file = format!(
            "[gateway]\nmax_sessions = 6000\nmax_sessions_per_vm = 6000\nmax_unauthenticated = 1024\n\
             [vsphere.lab]\naddress = \"https://{sdk}/sdk\"\nusername = \"root\"\n\
             password_file = \"lab.password\"\ntrust = \"danger-accept-any\"\n\
             console_trust = \"danger-accept-any\"\nmax_consoles = 6000\n\
             [vsphere.lab.console_address]\n\"127.0.0.1\" = \"{tls}\"\n\
             [[console]]\nlisten = \"{listen}\"\nvsphere = \"lab\"\nvm = \"vm08\"\nauth = \"none\"\n"
        );
        self.write("gateway.toml", &file)
    }

    fn haproxy(&self, listen: SocketAddr) -> String {
        let file = format!(
            "global\n  nbthread 1\n  maxconn 9000\n  tune.bufsize 65536\n\
             defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n\
             listen relay\n  bind {listen}\n  server host {} ssl verify none\n",
            self.tls
        );
        self.write("haproxy.cfg", &file)
    }

    fn stunnel(&self, listen: SocketAddr) -> String {
        let file = format!(
            "foreground = yes\npid =\nsocket = l:TCP_NODELAY=1\nsocket = r:TCP_NODELAY=1\n\
             [relay]\nclient = yes\naccept = {listen}\nconnect = {}\nverifyChain = no\n",
            self.tls
        );
        self.write("stunnel.conf", &file)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.directory.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Relays {
    fn drop(&mut self) {
        // Ignored on purpose: it is in the directory for such things.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).exists())
}

/// A release binary: beside this one's own directory.
fn binary(name: &str) -> String {
    let own = std::env::current_exe().unwrap();
    let release = own.parent().and_then(Path::parent).unwrap();
    release.join(name).to_str().unwrap().to_owned()
}

/// Free now, and so soon after still free.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

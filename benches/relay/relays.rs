//! Every relay that takes part: how it is started, and which are not there.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tokio::time::{Duration, sleep};

use crate::bench_host::BenchHost;
use crate::entry::{Entry, ports};
use crate::release::{Certificate, binary, free_addresses, write};

/// A running relay. Dropped, it ends.
pub(crate) struct Relay {
    pub(crate) name: &'static str,
    pub(crate) listen: SocketAddr,
    pub(crate) entry: Entry,
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
    certificate: Certificate,
    sdk: SocketAddr,
    tls: SocketAddr,
    tls12: SocketAddr,
    tcp: SocketAddr,
    before: Option<String>,
    present: Vec<&'static str>,
    /// Those whose viewers speak TLS.
    encrypted: Vec<&'static str>,
    missing: Vec<&'static str>,
}

/// What all others are compared with: the gateway's TLS without WebSocket.
pub(crate) const BASE: &str = "own TLS";

/// Nothing but TCP.
pub(crate) const TCP: &str = "tcp";

/// The one that matters, as it is by default.
pub(crate) const OURS: &str = "mksgate";

/// With records in place.
pub(crate) const IN_PLACE: &str = "mksgate in-place";

/// Without a look at RFB.
pub(crate) const TRANSPARENT: &str = "mksgate transparent";

/// WebSocket on the gateway's TLS, without RFB, and without turns.
pub(crate) const STRAIGHT: &str = "no turns";

/// Likewise, with records in place.
pub(crate) const STRAIGHT_IN_PLACE: &str = "no turns in-place";

/// For a native viewer that logs in over TLS.
pub(crate) const NATIVE: &str = "mksgate x509-none";

/// For a browser at the page, over TLS.
pub(crate) const BROWSER: &str = "mksgate browser";

/// For a browser over TLS. The host's side is plain TCP: with TLS 1.3 there, it waits for ever for data behind the host's
/// session ticket.
pub(crate) const WEBSOCKIFY: &str = "websockify";

/// Another build of mksgate, by default settings: an earlier one, for what a change costs.
pub(crate) const BEFORE: &str = "mksgate before";

/// With the other crypto provider.
pub(crate) const AWS_LC: &str = "mksgate aws-lc-rs";

/// Relays that this repository builds, by the word that relay-peers knows them by.
const BUILT: [(&str, &str); 9] = [
    (BASE, "own"),
    ("own TLS in-place", "own-in-place"),
    (STRAIGHT, "straight"),
    (STRAIGHT_IN_PLACE, "straight-in-place"),
    (TCP, "tcp"),
    ("tokio-rustls", "tls"),
    ("tokio-tungstenite", "tungstenite"),
    ("fastwebsockets", "fastwebsockets"),
    ("tokio-websockets", "tokio-websockets"),
];

/// Relays that a system may have.
const INSTALLED: [&str; 4] = ["haproxy", "stunnel4", "socat", "websocat"];

impl Relays {
    pub(crate) async fn find(
        bench_host: &BenchHost,
        chosen: &[&str],
        before: Option<&str>,
    ) -> Self {
        let directory = std::env::temp_dir().join(format!("mksgate-bench-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let (there, missing): (Vec<_>, Vec<_>) = INSTALLED.into_iter().partition(|program| {
            is_installed(program) || *program == "websocat" && websocat().exists()
        });
        let is_chosen = |name: &&str| chosen.is_empty() || chosen.contains(name);
        let (encrypted, mut absent): (Vec<_>, Vec<_>) = [NATIVE, BROWSER, WEBSOCKIFY]
            .into_iter()
            .partition(|name| *name != WEBSOCKIFY || is_installed(name));
        absent.extend(missing);
        let aws_lc = Path::new(&aws_lc_binary()).exists().then_some(AWS_LC);
        let present = [OURS, IN_PLACE, TRANSPARENT]
            .into_iter()
            .chain(aws_lc)
            .chain(before.map(|_| BEFORE))
            .chain(BUILT.map(|(name, _)| name))
            .chain(there)
            .filter(is_chosen)
            .collect();
        Self {
            certificate: Certificate::write(&directory),
            directory,
            sdk: bench_host.sdk,
            tls: bench_host.tls,
            tls12: bench_host.tls12,
            tcp: bench_host.tcp,
            before: before.map(Into::into),
            present,
            encrypted: encrypted.into_iter().filter(is_chosen).collect(),
            missing: absent,
        }
    }

    pub(crate) fn names(&self) -> &[&'static str] {
        &self.present
    }

    /// Those whose viewers speak TLS.
    pub(crate) fn encrypted(&self) -> &[&'static str] {
        &self.encrypted
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
        self.start_with(name, cores, false).await
    }

    /// Likewise, to the host that speaks TLS 1.2 where that is wanted.
    pub(crate) async fn start_with(&self, name: &'static str, cores: &str, tls12: bool) -> Relay {
        let [listen] = free_addresses();
        let host = if tls12 { self.tls12 } else { self.tls };
        let mut command = Command::new("taskset");
        command
            .args(["-c", cores])
            .args(self.command(name, listen, host));
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.directory.join(format!("{name}.log"))).unwrap())
            .spawn()
            .unwrap();
        let mut relay = Relay {
            name,
            listen,
            entry: Entry::of(name),
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

    fn command(&self, name: &str, listen: SocketAddr, host: SocketAddr) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let (tls, tcp, listen_text) = (host.to_string(), self.tcp.to_string(), listen.to_string());
        if let Some((_, kind)) = BUILT.into_iter().find(|(built, _)| *built == name) {
            let target = if kind == "tcp" { &tcp } else { &tls };
            return words(&[&binary("relay-peers"), kind, &listen_text, target]);
        }
        match name {
            OURS | IN_PLACE | TRANSPARENT | AWS_LC | BEFORE | NATIVE | BROWSER => words(&[
                &match name {
                    AWS_LC => aws_lc_binary(),
                    BEFORE => self.before.clone().unwrap(),
                    _ => binary("mksgate"),
                },
                "--config",
                &self.gateway(name, listen, host),
                "serve",
            ]),
            WEBSOCKIFY => words(&[
                "websockify",
                "--ssl-only",
                &format!("--cert={}", self.certificate.certificate),
                &format!("--key={}", self.certificate.key),
                &listen_text,
                &tcp,
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
                &websocat().display().to_string(),
                "--binary",
                "-k",
                &format!("tcp-listen:{listen_text}"),
                &format!("wss://{tls}/"),
            ]),
            _ => panic!("{name} cannot be started"),
        }
    }

    fn gateway(&self, name: &str, listen: SocketAddr, host: SocketAddr) -> String {
        let (sdk, password) = (self.sdk, esxi_sim::DEMO_PASSWORD);
        let records = if name == IN_PLACE {
            "in-place"
        } else {
            "rustls"
        };
        let transparent = name == TRANSPARENT;
        self.write("lab.password", password);
        let ports = match name {
            NATIVE | BROWSER => ports(&self.certificate, name == BROWSER, listen),
            _ => format!(
                "[[console]]\nlisten = \"{listen}\"\nvsphere = \"lab\"\nvm = \"vm08\"\nauth = \"none\"\n\
                 transparent = {transparent}\n"
            ),
        };
        let file = format!(
            "[gateway]\nmax_sessions = 6000\nmax_sessions_per_vm = 6000\nmax_unauthenticated = 1024\n\
             [vsphere.lab]\naddress = \"https://{sdk}/sdk\"\nusername = \"root\"\n\
             password_file = \"lab.password\"\ntrust = \"danger-accept-any\"\n\
             console_trust = \"danger-accept-any\"\nmax_consoles = 6000\ntls_records = \"{records}\"\n\
             [vsphere.lab.console_address]\n\"127.0.0.1\" = \"{host}\"\n{ports}"
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
        write(&self.directory, name, text)
    }
}

impl Drop for Relays {
    fn drop(&mut self) {
        // Ignored on purpose: it is in the directory for such things.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Where the bench puts the one that it builds itself, where the system has none.
pub(crate) fn websocat() -> PathBuf {
    match is_installed("websocat") {
        true => "websocat".into(),
        false => peers().join("bin/websocat"),
    }
}

/// Where `cargo install` puts it.
pub(crate) fn peers() -> PathBuf {
    Path::new(&binary("../peers")).to_path_buf()
}

/// Where a mksgate with another crypto provider is built, so that neither is built twice.
pub(crate) fn aws_lc() -> String {
    binary("../aws-lc-rs")
}

fn aws_lc_binary() -> String {
    aws_lc() + "/release/mksgate"
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).exists())
}

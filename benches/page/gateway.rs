//! A gateway with a page, in front of a simulated vCenter with many VMs.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use esxi_sim::{Host, Kind, Power, Settings, VmSettings};
use tokio::time::{Duration, Instant, sleep};

use crate::browser::Browser;
use crate::release::{Certificate, binary, free_addresses, write};

/// VMs that have a port, too.
const PORTS: usize = 50;

const USER: &str = "ada";
const PASSWORD: &str = "engine-of-1843";

/// Most of the VMs, by names, folders, ids and the vSphere. No pattern decides for all.
const RIGHTS: &str =
    "db-*,lab:web-*,/DC/vm/team-1?/*,/DC/vm/team-2[1357]/**,moref:vm-10*,build-*,app-*[02468]";

/// Until it is dropped.
pub(crate) struct Gateway {
    pub(crate) host: Host,
    pub(crate) address: SocketAddr,
    /// The session of the user.
    pub(crate) cookie: String,
    process: Child,
    directory: PathBuf,
}

impl Gateway {
    /// Starts both, logs in, and waits until the list has the VMs. Says how long that took.
    pub(crate) async fn start(vms: usize) -> (Self, Duration) {
        let host = Host::start(Settings {
            kind: Kind::VCenter,
            vms: (0..vms).map(vm).collect(),
            clock: false,
            ..Settings::default()
        });
        let host = host.await.unwrap();
        let directory = std::env::temp_dir().join(format!("mksgate-page-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let [address] = free_addresses();
        write(&directory, "lab.password", esxi_sim::DEMO_PASSWORD);
        let hash = gateway::hashing::hash(PASSWORD.as_bytes()).unwrap();
        write(&directory, "users", &format!("{USER}:{hash}:{RIGHTS}\n"));
        let keys = Certificate::write(&directory).keys();
        let mut config = format!(
            "[vsphere.lab]\naddress = \"https://{}/sdk\"\nusername = \"root\"\npassword_file = \"lab.password\"\n\
             trust = \"danger-accept-any\"\n\
             [auth.staff]\nmethods = [\"x509-plain\"]\nusers_file = \"users\"\n{keys}\
             [web]\nlisten = \"{address}\"\nauth = \"staff\"\nmax_connections_per_source = 8000\n{keys}",
            host.address()
        );
        for (number, port) in free_addresses::<PORTS>().iter().enumerate() {
            let name = name(number);
            config += &format!(
                "[[console]]\nlisten = \"{port}\"\nvsphere = \"lab\"\nvm = \"{name}\"\nauth = \"staff\"\n"
            );
        }
        let config = write(&directory, "gateway.toml", &config);
        let begun = Instant::now();
        let process = Command::new(binary("mksgate"))
            .args(["--config", &config, "serve"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(directory.join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut gateway = Self {
            host,
            address,
            cookie: String::new(),
            process,
            directory,
        };
        gateway.wait_until_it_listens().await;
        gateway.cookie = Browser::log_in(address, USER, PASSWORD).await;
        // The user may not open all of them.
        while gateway.total().await < vms / 2 {
            sleep(Duration::from_millis(20)).await;
        }
        (gateway, begun.elapsed())
    }

    async fn wait_until_it_listens(&mut self) {
        for _ in 0..200 {
            if std::net::TcpStream::connect(self.address).is_ok() {
                return;
            }
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none(), "the gateway ended: {}", self.log());
            sleep(Duration::from_millis(50)).await;
        }
        panic!("the gateway does not listen: {}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    /// How many VMs the list has.
    pub(crate) async fn total(&self) -> usize {
        let answer = Browser::connect(self).await.get("/?part=rows").await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let count = text
            .split_once(" of ")
            .or_else(|| text.split_once("muted\">"));
        let digits = count.map_or("", |(_, rest)| rest);
        let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or(0)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // One that has ended already need not be ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The name of a VM.
pub(crate) fn name(number: usize) -> String {
    let kind = ["web", "db", "app", "build", "test"][number % 5];
    format!("{kind}-{number:04}")
}

fn vm(number: usize) -> VmSettings {
    let mut vm = VmSettings::desktop(name(number));
    vm.folder = Some(format!("team-{}", number % 60));
    if number.is_multiple_of(4) {
        vm.power = Power::Off;
    }
    vm.guest_host_name = Some(format!("{}.lab.example", name(number)));
    vm.guest_address = Some(format!("10.0.{}.{}", number / 250, number % 250 + 1));
    vm
}

//! `mksgate demo`: a simulated ESXi host and a gateway in one process.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::Args;
use esxi_sim::{DEMO_PASSWORD, Host, Settings, VmSettings};
use rfb_proto::VncPassword;
use tokio_util::task::TaskTracker;
use vsphere::VmRef;

use super::random_password::random_password;
use super::shutdown_signals::watch_signals;
use super::{CommandError, print};
use console::settings::VSphere;
use console::tls::{Thumbprint, Trust};
use gateway::settings::{Auth, Config, ConsoleSettings, Limits, Web};
use gateway::{Gateway, Shutdown};

/// Name of the simulated vSphere.
const VSPHERE: &str = "demo";

#[derive(Args)]
pub(crate) struct Options {
    /// Address to listen on; other than loopback, viewers need a password, which is printed
    #[arg(long, value_name = "ADDR", value_parser = address, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// Port of the first VM; the other VMs take the ports after it
    #[arg(long, default_value_t = 5901, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Number of VMs
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    vms: u16,
}

pub(crate) async fn run(options: Options) -> Result<(), CommandError> {
    let names: Vec<String> = (1..=options.vms)
        .map(|number| format!("vm{number:02}"))
        .collect();
    let vms = names.iter().map(VmSettings::desktop).collect();
    let host = Host::start(Settings {
        vms,
        ..Settings::default()
    })
    .await
    .map_err(|error| CommandError::failed(format!("the simulated ESXi cannot start ({error})")))?;
    let password = if options.listen.is_loopback() {
        None
    } else {
        Some(random_password()?)
    };
    let gateway =
        Gateway::bind(configuration(&options, &names, &host, password.as_deref())?).await?;
    let page = web::Page::bind(gateway.web()).await?;
    let shutdown = Shutdown::default();
    let signals = TaskTracker::new();
    signals.spawn(watch_signals(shutdown.clone())?);
    print(greeting(&host, &gateway, page.url(), password.as_deref()))?;
    signals.spawn(page.run());
    // The first signal also ends the sessions: a demo need not drain.
    let drain = shutdown.drain.clone();
    let now = shutdown.now.clone();
    signals.spawn(async move {
        drain.cancelled().await;
        now.cancel();
    });
    gateway.run(shutdown).await;
    host.stop().await;
    Ok(())
}

/// Host names are refused: they may resolve to addresses of other machines.
fn address(text: &str) -> Result<IpAddr, String> {
    let parsed = text.parse();
    parsed.map_err(|_| "write an IP address, as 127.0.0.1 or ::1".into())
}

fn greeting(
    host: &Host,
    gateway: &Gateway,
    page: Option<String>,
    password: Option<&str>,
) -> String {
    let address = host.address();
    let ports: String = gateway
        .ports()
        .map(|(address, vm)| format!("  {vm}  {address}\n"))
        .collect();
    let password = match password {
        Some(password) => format!("The password is {password}."),
        None => "No password is needed.".into(),
    };
    format!(
        "A simulated ESXi is at https://{address}. Point any VNC viewer at one of its virtual machines:\n\
         {ports}{password} Ctrl-C ends the demo.\n\
         In a browser on this machine: {}\n",
        page.unwrap_or_default()
    )
}

fn configuration(
    options: &Options,
    names: &[String],
    host: &Host,
    password: Option<&str>,
) -> Result<Config, CommandError> {
    let auth = match password.map(VncPassword::new) {
        None => Auth::none(),
        Some(Ok(password)) => Auth::vnc_password(password),
        Some(Err(error)) => return Err(CommandError::failed(error.to_string())),
    };
    let console = |(name, port): (&String, u16)| {
        ConsoleSettings::new(
            SocketAddr::new(options.listen, port),
            VSPHERE,
            VmRef::Name(name.clone()),
            auth.clone(),
        )
    };
    let last = u32::from(options.port) + u32::from(options.vms) - 1;
    if last > u32::from(u16::MAX) {
        return Err(CommandError::Usage(format!(
            "--port {} is too high for {} VMs: choose a lower one",
            options.port, options.vms
        )));
    }
    let url = format!("https://{}/sdk", host.address());
    let parsed = url
        .parse()
        .map_err(|error| CommandError::failed(format!("{url}: {error}")))?;
    let vsphere = VSphere {
        trust: Trust::Pinned(Thumbprint::Sha256(host.certificate_sha256())),
        ..VSphere::new(parsed, "root".into(), DEMO_PASSWORD.into())
    };
    Ok(Config {
        // A demo's viewers usually all open the same VM.
        gateway: Limits {
            max_sessions_per_vm: 64,
            ..Limits::default()
        },
        admin: None,
        // On this machine only, since it has no login.
        web: Some(Web::new((Ipv4Addr::LOCALHOST, 0).into(), Auth::none())),
        vspheres: BTreeMap::from([(VSPHERE.into(), vsphere)]),
        consoles: names
            .iter()
            .zip(options.port..=u16::MAX)
            .map(console)
            .collect(),
    })
}

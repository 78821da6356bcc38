//! Runs a simulated ESXi or vCenter host until it is told to stop.
//!
//! When it is ready it prints one line of JSON: `{"address":"127.0.0.1:PORT","sha256":"…"}`, the fingerprint being
//! that of the certificate at that address.

use std::io::{self, Write};
use std::net::SocketAddr;

use clap::Parser;
use esxi_sim::{
    DEMO_PASSWORD, Host, Kind, Power, Screen, Settings, TicketHost, TicketUrl, VmSettings,
};
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};

/// A simulated ESXi host: SOAP on /sdk, consoles on /ticket.
#[derive(Parser)]
struct Arguments {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR:PORT")]
    listen: SocketAddr,
    /// A VM with a simulated desktop
    #[arg(long = "vm", value_name = "NAME")]
    vms: Vec<String>,
    /// A VM whose console is a real VNC server
    #[arg(long = "bridge", value_name = "NAME=ADDR:PORT", value_parser = bridge)]
    bridges: Vec<VmSettings>,
    /// A VM (named by --vm or --bridge, or a new one) that is powered off
    #[arg(long = "off", value_name = "NAME")]
    off: Vec<String>,
    /// The size of simulated desktops
    #[arg(long, default_value = "800x600", value_name = "WxH", value_parser = size)]
    size: (u16, u16),
    /// The only user
    #[arg(long, default_value = "root")]
    username: String,
    /// That user's password
    #[arg(long, default_value = DEMO_PASSWORD)]
    password: String,
    /// Be a vCenter, whose consoles are served at another port
    #[arg(long)]
    vcenter: bool,
    /// Where a vCenter's consoles are served
    #[arg(long, value_name = "ADDR:PORT")]
    console_listen: Option<SocketAddr>,
    /// The product's version
    #[arg(long, default_value = "7.0.3")]
    version: String,
    /// Leave `host` and `port` out of tickets
    #[arg(long)]
    no_host: bool,
    /// Give tickets a `url` whose host name does not resolve
    #[arg(long)]
    unresolvable_url: bool,
    /// Seed of where messages are cut
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Show no clock
    #[arg(long)]
    no_clock: bool,
    /// End when standard input does
    #[arg(long)]
    until_stdin_closes: bool,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let until_stdin_closes = arguments.until_stdin_closes;
    let host = Host::start(settings(arguments)).await?;
    let sha256: String = host
        .certificate_sha256()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        r#"{{"address":"{}","sha256":"{sha256}"}}"#,
        host.address()
    )?;
    out.flush()?;
    drop(out);
    told_to_stop(until_stdin_closes).await?;
    host.stop().await;
    // A read of standard input that is still waiting would keep the runtime from ending.
    std::process::exit(0)
}

async fn told_to_stop(until_stdin_closes: bool) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
        closed = stdin_closed(), if until_stdin_closes => closed,
    }
}

async fn stdin_closed() -> io::Result<()> {
    let mut stdin = tokio::io::stdin();
    let mut ignored = [0; 1024];
    while stdin.read(&mut ignored).await? > 0 {}
    Ok(())
}

fn settings(arguments: Arguments) -> Settings {
    let (width, height) = arguments.size;
    let desktop = |name: &String| VmSettings {
        screen: Screen::Desktop { width, height },
        ..VmSettings::desktop(name)
    };
    let mut vms: Vec<VmSettings> = arguments.vms.iter().map(desktop).collect();
    vms.extend(arguments.bridges);
    for name in &arguments.off {
        match vms.iter_mut().find(|vm| vm.name == *name) {
            Some(vm) => vm.power = Power::Off,
            None => vms.push(VmSettings {
                power: Power::Off,
                ..desktop(name)
            }),
        }
    }
    let mut settings = Settings {
        listen: arguments.listen,
        console_listen: arguments.console_listen,
        username: arguments.username,
        password: arguments.password.into(),
        vms,
        kind: if arguments.vcenter {
            Kind::VCenter
        } else {
            Kind::Esxi
        },
        version: arguments.version,
        seed: arguments.seed,
        clock: !arguments.no_clock,
        ..Settings::default()
    };
    if arguments.no_host {
        settings.tickets.host = TicketHost::Absent;
    }
    if arguments.unresolvable_url {
        settings.tickets.url = TicketUrl::Unresolvable;
    }
    settings
}

fn bridge(text: &str) -> Result<VmSettings, String> {
    let (name, server) = text.rsplit_once('=').ok_or("NAME=ADDR:PORT is needed")?;
    let server = server
        .parse()
        .map_err(|_| format!("{server:?} is no ADDR:PORT"))?;
    Ok(VmSettings::bridge(name, server))
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let (width, height) = text.split_once('x').ok_or("WxH is needed")?;
    let side = |side: &str| {
        side.parse()
            .map_err(|_| format!("{side:?} is no number of pixels"))
    };
    Ok((side(width)?, side(height)?))
}

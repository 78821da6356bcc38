//! The command line, and the settings that it makes.

use std::net::SocketAddr;
use std::num::NonZero;

use clap::{Parser, ValueEnum};
use esxi_sim::{
    CursorShape, DEMO_PASSWORD, KeyRepeat, Kind, Layout, PixelFormats, Power, Screen, ServerCaps,
    Settings, TicketHost, TicketUrl, VmSettings,
};

/// A simulated ESXi host: SOAP on /sdk, consoles on /ticket.
#[derive(Parser)]
pub(crate) struct Arguments {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR:PORT")]
    listen: SocketAddr,
    /// A VM with a simulated desktop, and its quirks besides those of --quirk
    #[arg(long = "vm", value_name = "NAME[=QUIRK,…]", value_parser = named)]
    vms: Vec<(String, Vec<Quirk>)>,
    /// A VM whose console is a real VNC server
    #[arg(long = "bridge", value_name = "NAME=ADDR:PORT", value_parser = bridge)]
    bridges: Vec<VmSettings>,
    /// A VM (named by --vm or --bridge, or a new one) that is powered off
    #[arg(long = "off", value_name = "NAME")]
    off: Vec<String>,
    /// A privilege that the user lacks on a VM
    #[arg(long = "deny", value_name = "NAME=PRIVILEGE", value_parser = pair)]
    denied: Vec<(String, String)>,
    /// The host name of a VM's guest, in which VMware Tools run then
    #[arg(long = "guest", value_name = "NAME=HOST", value_parser = pair)]
    guests: Vec<(String, String)>,
    /// The size of simulated desktops
    #[arg(long, default_value = "800x600", value_name = "WxH", value_parser = size)]
    size: (u16, u16),
    /// A quirk of all simulated desktops, in which it differs from a plain VNC server
    #[arg(long = "quirk", value_enum)]
    quirks: Vec<Quirk>,
    /// The bits of message 127/0; the default is what a real host announced
    #[arg(long, value_name = "BITS", value_parser = bits)]
    server_caps: Option<u32>,
    /// The only user
    #[arg(long, default_value = "root")]
    username: String,
    /// That user's password
    #[arg(long, default_value = DEMO_PASSWORD)]
    password: String,
    /// The VNC password of VMs with the quirk `vnc-auth`
    #[arg(long, default_value = DEMO_PASSWORD, value_name = "PASSWORD")]
    vnc_password: String,
    /// Simulate a vCenter, whose consoles have another port
    #[arg(long)]
    vcenter: bool,
    /// The address of a vCenter's consoles
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
    /// Seed of the places at which WebSocket messages are split
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Show no clock
    #[arg(long)]
    no_clock: bool,
    /// Exit at the end of standard input
    #[arg(long)]
    pub(crate) until_stdin_closes: bool,
}

/// A deviation of a desktop from a plain VNC server. Of several that exclude each other, the last counts.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Quirk {
    /// Do not announce VMware's messages
    NoCaps,
    /// Announce 0x82: key events and resolution requests, no acknowledgements
    PlainCaps,
    /// Reject every pixel format but the native one
    OnlyNative,
    /// Ignore SetPixelFormat
    IgnoreFormat,
    /// Answer every other non-incremental request with one pixel
    OnePixel,
    /// Answer a non-incremental request with 100 rows, and each request after it with 100 more
    Split,
    /// Send heartbeats and sound unasked
    Chatty,
    /// Require an acknowledgement before the next update, from clients that may send one
    Acks,
    /// Go silent after 20 updates: no Close, no FIN
    Silent,
    /// Require VNC authentication with the password of --vnc-password
    VncAuth,
    /// Allow one console, and count a disconnected one until it is dropped
    OneSlot,
    /// Repeat held keys as VMware does: after 0.5 s, 30 times per second
    Repeat,
    /// Send the cursor as masks in the client's pixel format
    CursorMasks,
    /// A guest with a German keyboard
    German,
    /// A guest with a French keyboard
    French,
    /// A guest with a British keyboard
    British,
    /// A guest with a Spanish keyboard
    Spanish,
    /// A guest with a Japanese keyboard
    Japanese,
}

impl Quirk {
    fn apply(self, vm: &mut VmSettings, vnc_password: &str) {
        let quirks = &mut vm.quirks;
        match self {
            Self::Acks => quirks.needs_acks = true,
            Self::Silent => quirks.silent_after = NonZero::new(20),
            Self::VncAuth => quirks.vnc_password = Some(vnc_password.into()),
            Self::OneSlot => (vm.max_consoles, vm.cut_consoles_linger) = (Some(1), true),
            Self::NoCaps => quirks.server_caps = None,
            Self::PlainCaps => quirks.server_caps = Some(ServerCaps::PLAIN),
            Self::OnlyNative => quirks.pixel_formats = PixelFormats::OnlyNative,
            Self::IgnoreFormat => quirks.pixel_formats = PixelFormats::Ignored,
            Self::OnePixel => quirks.one_pixel_answers = true,
            Self::Split => quirks.rows_per_answer = NonZero::new(100),
            Self::Chatty => quirks.chatty = true,
            Self::Repeat => quirks.key_repeat = Some(KeyRepeat::default()),
            Self::CursorMasks => quirks.cursor = CursorShape::Masks,
            Self::German => quirks.layout = Layout::German,
            Self::French => quirks.layout = Layout::French,
            Self::British => quirks.layout = Layout::British,
            Self::Spanish => quirks.layout = Layout::Spanish,
            Self::Japanese => quirks.layout = Layout::Japanese,
        }
    }
}

pub(crate) fn settings(arguments: Arguments) -> Settings {
    let (width, height) = arguments.size;
    let desktop = |name: &String, own: &[Quirk]| {
        let mut vm = VmSettings {
            screen: Screen::Desktop { width, height },
            ..VmSettings::desktop(name)
        };
        if let Some(bits) = arguments.server_caps {
            vm.quirks.server_caps = Some(ServerCaps(bits));
        }
        for quirk in arguments.quirks.iter().chain(own) {
            quirk.apply(&mut vm, &arguments.vnc_password);
        }
        vm
    };
    let named = arguments.vms.iter();
    let mut vms: Vec<VmSettings> = named.map(|(name, own)| desktop(name, own)).collect();
    vms.extend(arguments.bridges);
    for name in &arguments.off {
        match vms.iter_mut().find(|vm| vm.name == *name) {
            Some(vm) => vm.power = Power::Off,
            None => vms.push(VmSettings {
                power: Power::Off,
                ..desktop(name, &[])
            }),
        }
    }
    for (name, privilege) in arguments.denied {
        let of_vm = vms.iter_mut().find(|vm| vm.name == name);
        if let Some(vm) = of_vm {
            vm.denied_privileges.push(privilege);
        }
    }
    for (name, host) in arguments.guests {
        let of_vm = vms.iter_mut().find(|vm| vm.name == name);
        if let Some(vm) = of_vm {
            vm.guest_host_name = Some(host);
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

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.rsplit_once('=');
    let (name, value) = pair.ok_or("NAME=VALUE is needed")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn named(text: &str) -> Result<(String, Vec<Quirk>), String> {
    let (name, quirks) = text.split_once('=').unwrap_or((text, ""));
    let words = quirks.split(',').filter(|word| !word.is_empty());
    let quirks = words
        .map(|word| Quirk::from_str(word, false))
        .collect::<Result<_, _>>()?;
    Ok((name.to_owned(), quirks))
}

fn bits(text: &str) -> Result<u32, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map_err(|_| format!("{text:?} is no number of 32 bits, such as 0x82"))
}

fn bridge(text: &str) -> Result<VmSettings, String> {
    let (name, server) = text.rsplit_once('=').ok_or("NAME=ADDR:PORT is needed")?;
    let server = server
        .parse()
        .map_err(|_| format!("{server:?} is no ADDR:PORT"))?;
    Ok(VmSettings::bridge(name, server))
}

pub(crate) fn size(text: &str) -> Result<(u16, u16), String> {
    let (width, height) = text.split_once('x').ok_or("WxH is needed")?;
    let side = |side: &str| {
        side.parse()
            .map_err(|_| format!("{side:?} is no number of pixels"))
    };
    Ok((side(width)?, side(height)?))
}

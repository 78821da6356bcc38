//! The settings of a simulated host.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use secrecy::SecretString;

use crate::kind::Kind;
use crate::power::Power;
use crate::quirks::Quirks;
use crate::ticket_shape::TicketShape;

/// The settings of a host, fixed when it starts.
///
/// `Default` is a standalone ESXi on a free loopback port with no VM, whose user is `root` and whose password is
/// [`DEMO_PASSWORD`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address of `/sdk` and, unless `console_listen` is set, of `/ticket`. Port 0 takes a free port. With a
    /// wildcard address, tickets have no `host` and a short name in `url`, as on a standalone ESXi.
    pub listen: SocketAddr,
    /// The address of consoles if that is another port, which then has its own certificate, as behind a vCenter.
    /// `None`: on an ESXi the `/sdk` port; on a vCenter a free port of the same address.
    pub console_listen: Option<SocketAddr>,
    /// The only user.
    pub username: String,
    /// That user's password.
    pub password: SecretString,
    /// The virtual machines, in the order of their managed object ids.
    pub vms: Vec<VmSettings>,
    /// Which product answers.
    pub kind: Kind,
    /// Product version, such as `7.0.3`. The API version is this padded to four numbers.
    pub version: String,
    /// The lifetime of a ticket that is not used.
    pub ticket_lifetime: Duration,
    /// The other fields of tickets; [`Host::set_tickets`](crate::Host::set_tickets) changes them later.
    pub tickets: TicketShape,
    /// Seed of the message splitter: equal seeds split equal byte sequences equally.
    pub seed: u64,
    /// Whether desktops show a running clock. Off for tests that compare pixels.
    pub clock: bool,
}

/// The password of [`Settings::default`]; not a secret.
pub const DEMO_PASSWORD: &str = "VMware1!";

/// REST documentation: "validity 30 minutes, if not used" (`docs/webmks.md` 2.1). A guess for SOAP tickets.
const TICKET_LIFETIME: Duration = Duration::from_secs(30 * 60);

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            console_listen: None,
            username: "root".into(),
            password: DEMO_PASSWORD.into(),
            vms: Vec::new(),
            kind: Kind::Esxi,
            version: "7.0.3".into(),
            ticket_lifetime: TICKET_LIFETIME,
            tickets: TicketShape::default(),
            seed: 0,
            clock: true,
        }
    }
}

/// One virtual machine.
#[derive(Clone, Debug)]
pub struct VmSettings {
    /// Its display name; any text.
    pub name: String,
    /// Its power state when the host starts.
    pub power: Power,
    /// What its console shows.
    pub screen: Screen,
    /// Its folder below the datacenter's `vm` folder, such as `linux/web`. `None`: the `vm` folder itself. A standalone
    /// ESXi has no such folders and ignores this.
    pub folder: Option<String>,
    /// Whether the user has the privilege `VirtualMachine.Interact.ConsoleInteract` on it.
    pub console_permitted: bool,
    /// `RemoteDisplay.maxConnections` (`docs/webmks.md` 2.6). Further consoles are refused by AcquireTicket; those with
    /// an older ticket by RFB's security types, which is a guess.
    pub max_consoles: Option<u32>,
    /// Whether a console whose client disconnected without a Close frame still counts, until DropConnections or a
    /// change of power. Real hosts keep one whose network was cut (`docs/webmks.md` 2.6); that FIN does not end it is a
    /// guess.
    pub cut_consoles_linger: bool,
    /// How its desktop differs from a plain VNC server.
    pub quirks: Quirks,
    /// The host name that VMware Tools report while it is on. Tools run where this or the address is set.
    pub guest_host_name: Option<String>,
    /// The address that VMware Tools report while it is on.
    pub guest_address: Option<String>,
    /// Privileges on it that the user does not have, such as `VirtualMachine.Interact.Reset`.
    pub denied_privileges: Vec<String>,
}

impl VmSettings {
    /// A powered-on VM with a desktop of 800 × 600.
    pub fn desktop(name: impl Into<String>) -> Self {
        Self::with_screen(
            name.into(),
            Screen::Desktop {
                width: 800,
                height: 600,
            },
        )
    }

    /// A powered-on VM whose console is the VNC server at `server`.
    pub fn bridge(name: impl Into<String>, server: SocketAddr) -> Self {
        Self::with_screen(name.into(), Screen::Bridge(server))
    }

    fn with_screen(name: String, screen: Screen) -> Self {
        Self {
            name,
            power: Power::On,
            screen,
            folder: None,
            console_permitted: true,
            max_consoles: None,
            cut_consoles_linger: false,
            quirks: Quirks::default(),
            guest_host_name: None,
            guest_address: None,
            denied_privileges: Vec::new(),
        }
    }
}

/// What a VM's console shows.
#[derive(Clone, Copy, Debug)]
pub enum Screen {
    /// A small desktop drawn by the simulator. Sides are clamped to 1 ..= 8192 and the area to 5120 × 5120, whose raw
    /// update is 100 MiB.
    Desktop {
        /// Pixels across.
        width: u16,
        /// Pixels down.
        height: u16,
    },
    /// A real VNC server with RFB 3.8 and security None.
    Bridge(SocketAddr),
}

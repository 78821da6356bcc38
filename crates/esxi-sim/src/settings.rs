//! What a simulated host is told before it starts.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use secrecy::SecretString;

use crate::power::Power;
use crate::quirks::Quirks;

/// Everything about a simulated host that is fixed when it starts.
///
/// `Default` is a standalone ESXi on a free loopback port with no VM, whose user is `root` and whose password is
/// [`DEMO_PASSWORD`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where `/sdk` (and, unless `console_listen` is set, `/ticket`) is served. Port 0 takes a free one.
    /// With a wildcard address tickets have no `host`, and in `url` a short name, as a standalone ESXi does.
    pub listen: SocketAddr,
    /// Where consoles are served when that is not the `/sdk` port: a host of its own, with its own certificate, as
    /// behind a vCenter. `None`: on an ESXi the `/sdk` port; on a vCenter a free port of the same address.
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
    /// How long a ticket that nobody spends stays good.
    pub ticket_lifetime: Duration,
    /// What a ticket says besides its secret; may be changed later with [`Host::set_tickets`](crate::Host::set_tickets).
    pub tickets: TicketShape,
    /// Seed of the message cutter: equal seeds cut equal byte sequences equally.
    pub seed: u64,
    /// Whether desktops show a running clock. Off for tests that compare pixels.
    pub clock: bool,
}

/// The password of [`Settings::default`]. Not a secret: it opens a simulation.
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
    /// Its name, as a user sees it; any text.
    pub name: String,
    /// Its power state when the host starts.
    pub power: Power,
    /// What its console shows.
    pub screen: Screen,
    /// The folder it lies in below the datacenter's `vm` folder, such as `linux/web`. `None`: that folder itself.
    /// A standalone ESXi has no such folders and ignores this.
    pub folder: Option<String>,
    /// Whether the user has the privilege `VirtualMachine.Interact.ConsoleInteract` on it.
    pub console_permitted: bool,
    /// `RemoteDisplay.maxConnections` (`docs/webmks.md` 2.6): more open consoles than this are refused at the ticket, and
    /// those whose ticket is older, at RFB's security types, which is a guess.
    pub max_consoles: Option<u32>,
    /// Whether a console whose client ended without a Close frame goes on counting as open, until DropConnections or a
    /// change of power. Real hosts keep one that was cut (`docs/webmks.md` 2.6); that FIN does not end it is a guess.
    pub cut_consoles_linger: bool,
    /// How its desktop differs from a plain VNC server.
    pub quirks: Quirks,
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
        }
    }
}

/// What lies behind a VM's console.
#[derive(Clone, Copy, Debug)]
pub enum Screen {
    /// A small desktop drawn by the simulator. Sides are brought into 1 ..= 8192 and the area to at most 5120 × 5120,
    /// whose raw update is 100 MiB.
    Desktop {
        /// Pixels across.
        width: u16,
        /// Pixels down.
        height: u16,
    },
    /// A real VNC server that speaks RFB 3.8 and offers security None.
    Bridge(SocketAddr),
}

/// Which product answers on `/sdk`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A standalone ESXi: `ha-*` ids, VMs with plain integers, apiType `HostAgent`.
    Esxi,
    /// A vCenter with one datacenter, one cluster and one host: `group-d1`, `vm-NN`, apiType `VirtualCenter`.
    VCenter,
}

/// What a ticket says besides its secret (`docs/webmks.md` 3.1). Fields that the requested API version does not know
/// are left out whatever this says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TicketShape {
    /// The field `host` (and with it `port`).
    pub host: TicketHost,
    /// The field `url`.
    pub url: TicketUrl,
    /// `sslThumbprint`, `certThumbprintList` and `sslCertificate`.
    pub thumbprint: Thumbprint,
}

/// The field `host` of a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TicketHost {
    /// The address that serves the consoles.
    #[default]
    Named,
    /// Absent, and `port` too, as a standalone 7.0.3 was seen to answer (`docs/webmks.md` 2.1, one report).
    Absent,
    /// This text.
    Other(String),
}

/// The field `url` of a ticket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TicketUrl {
    /// The URL of the console.
    #[default]
    Good,
    /// A URL whose host name never resolves (RFC 6761 section 6.4, `.invalid`).
    Unresolvable,
    /// Absent.
    Absent,
}

/// The fields of a ticket by which the console's certificate can be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Thumbprint {
    /// Those of the certificate that the console presents.
    #[default]
    Right,
    /// Thumbprints of no certificate at all; no `sslCertificate`.
    Wrong,
    /// None ("can be enabled or disabled on the host", `docs/webmks.md` 3.1).
    Absent,
}

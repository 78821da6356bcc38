//! A simulated ESXi or vCenter host that behaves as `docs/webmks.md` describes.
//!
//! It serves vim25 SOAP at `/sdk` and consoles at `/ticket/<ticket>` over TLS with a self-signed certificate: enough
//! for a client to log in, find a VM, acquire a `webmks` ticket and open a WebSocket to a small desktop or to a real
//! VNC server. Behaviour that was never observed on real hosts is marked as a guess.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use esxi_sim::{Host, Settings, VmSettings};
//!
//! let host = Host::start(Settings {
//!     vms: vec![VmSettings::desktop("vm08")],
//!     ..Settings::default()
//! })
//! .await?;
//! assert_eq!(host.counts().soap_calls(), 0);
//! assert_eq!(host.typed("vm08"), "");
//! host.stop().await;
//! # Ok::<(), std::io::Error>(())
//! # }).unwrap();
//! ```

mod api_tasks;
mod certificate;
mod client_stream;
mod console;
mod console_connections;
mod counts;
mod datastore;
mod desktop;
mod desktop_clock;
mod display;
mod host;
mod host_state;
mod http;
mod inventory;
mod key_repeat;
mod kind;
mod misbehaviour;
mod open_connection;
mod placement;
mod png_file;
mod power;
mod quirks;
mod random;
mod screenshots;
mod sessions;
mod settings;
mod soap;
mod ticket_shape;
mod tickets;
mod vim25;

pub use self::counts::{ConsoleEnd, Counts, ENDS_KEPT, EndReason};
pub use self::desktop::keys::{KEYS_KEPT, KeyEvent};
pub use self::desktop::mouse::{Pointer, PointerMode, Wheel};
pub use self::host::Host;
pub use self::kind::Kind;
pub use self::misbehaviour::Misbehaviour;
pub use self::placement::Placement;
pub use self::power::Power;
pub use self::quirks::{CursorShape, KeyRepeat, Layout, PixelFormats, Quirks, ServerCaps};
pub use self::screenshots::{ScreenshotFault, Screenshots};
pub use self::settings::{DEMO_PASSWORD, Screen, Settings, VmSettings};
pub use self::ticket_shape::{Thumbprint, TicketHost, TicketShape, TicketUrl};

//! A simulated ESXi or vCenter host, which behaves as `docs/webmks.md` says a real one does.
//!
//! It serves vim25 SOAP on `/sdk` and consoles on `/ticket/<ticket>`, over TLS with a self-signed certificate: enough
//! for a client to log in, find a VM, acquire a `webmks` ticket and see, over a WebSocket, a small desktop or a real
//! VNC server. What real hosts were never seen to do is marked as a guess where it is done.
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
mod clock;
mod collectors;
mod connections;
mod console;
mod counts;
mod datastore;
mod desktop;
mod front;
mod hands;
mod host;
mod inventory;
mod listener;
mod misbehaviour;
mod moods;
mod png_file;
mod random;
mod screen_png;
mod screenshots;
mod sessions;
mod settings;
mod site;
mod soap;
mod tickets;
mod typematic;
mod vm;

pub use self::counts::{ConsoleEnd, Counts, ENDS_KEPT, End};
pub use self::desktop::{KEYS_KEPT, KeyEvent, Pointer, PointerMode, Wheel};
pub use self::host::Host;
pub use self::misbehaviour::Misbehaviour;
pub use self::moods::{CursorShape, Formats, KeyRepeat, Layout, Moods, ServerCaps};
pub use self::screenshots::{ScreenshotFault, Screenshots};
pub use self::settings::{
    DEMO_PASSWORD, Kind, Power, Screen, Settings, Thumbprint, TicketHost, TicketShape, TicketUrl,
    VmSettings,
};

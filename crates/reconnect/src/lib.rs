//! What happens between the loss of a console and the next connection to it, while the viewer stays connected.
//!
//! ```text
//! complete    the viewer's stream ends at a message, and one line says what is waited for (`waiting_viewer`)
//! wait        for the VM to be on, by the events of its vSphere (`reopening`, `vm_change`)
//! open        a fresh ticket, the host that it names, and RFB up to ServerInit (`new_console`), a few at once (`ramp`)
//! again       after a failure that may pass: later each time (`backoff`); other failures end it (`gave_up`)
//! ```

mod backoff;
mod gave_up;
mod hostless_viewer;
mod new_console;
mod placeholder;
mod ramp;
mod reopening;
mod status;
mod vm_change;
mod waiting_viewer;

pub use backoff::Backoff;
pub use gave_up::{GaveUp, may_pass};
pub use hostless_viewer::{Drawn, HostlessViewer, ViewerEnd};
pub use new_console::NewConsole;
pub use ramp::Ramp;
pub use reopening::Reopening;
pub use status::Status;
pub use vm_change::{VmChange, WatchedVm};
pub use waiting_viewer::wait;

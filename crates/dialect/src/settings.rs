//! How a console's keys and clipboard are treated, and what kind of host it has.

use rfb_proto::keys::Layout;

/// How the keys and the clipboard of a console's viewers are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputSettings {
    /// Whether keys are sent as scan codes to a host that takes them; otherwise they are relayed unchanged.
    pub scancodes: bool,
    /// The layout of the guest's keyboard.
    pub layout: Layout,
    /// Whether a viewer's clipboard is typed into the guest; otherwise it is dropped.
    pub paste: bool,
    /// What Ctrl-Alt-Insert of the viewer becomes in the guest.
    pub ctrl_alt_insert: CtrlAltInsert,
}

/// What Ctrl-Alt-Insert of the viewer becomes in the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CtrlAltInsert {
    /// Ctrl-Alt-Delete, which the viewer's operating system may intercept. VMware's consoles do the same.
    #[default]
    Delete,
    /// Ctrl-Alt-Insert.
    AsIs,
}

impl Default for InputSettings {
    fn default() -> Self {
        Self {
            scancodes: true,
            layout: Layout::Us,
            paste: false,
            ctrl_alt_insert: CtrlAltInsert::Delete,
        }
    }
}

/// What is known about the host before it is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostKind {
    /// An ESXi host, as vSphere knows it.
    Vmware,
    /// Any RFB server, as at a URL. It may turn out to be VMware's.
    Unknown,
}

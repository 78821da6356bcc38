//! How a console's keys and clipboard are treated, and what kind of host it has.

use rfb_proto::keys::Layout;

/// How a console's keys and clipboard are to be treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Habits {
    /// Whether keys become scan codes where the host takes those; else they go as the viewer sends them.
    pub scancodes: bool,
    /// The layout of the guest's keyboard.
    pub layout: Layout,
    /// Whether a viewer's clipboard is typed; else it goes nowhere.
    pub paste: bool,
    /// What Ctrl-Alt-Insert on the viewer's keyboard is in the guest.
    pub ctrl_alt_insert: CtrlAltInsert,
}

/// What the guest gets where the viewer presses Ctrl-Alt-Insert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CtrlAltInsert {
    /// Ctrl-Alt-Delete, which the viewer's own machine may keep for itself. VMware's consoles do so too.
    #[default]
    Delete,
    /// The same keys.
    AsIs,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            scancodes: true,
            layout: Layout::Us,
            paste: false,
            ctrl_alt_insert: CtrlAltInsert::Delete,
        }
    }
}

/// What is known of a console's host beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostKind {
    /// It is one of a vSphere's.
    Vmware,
    /// It may be any, until it shows that it is VMware's.
    Unknown,
}

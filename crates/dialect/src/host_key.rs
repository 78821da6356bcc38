//! A key in the form that is sent to the host.

use bytes::BytesMut;
use rfb_proto::client_messages::{Key, Message};
use rfb_proto::vmware::{Command, VScancode};

/// By keysym in a KeyEvent, or by scan code in VMware's key message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostKey {
    Keysym(u32),
    Scancode(VScancode),
}

impl HostKey {
    pub(super) const fn scancode(self) -> Option<VScancode> {
        match self {
            Self::Scancode(scancode) => Some(scancode),
            Self::Keysym(_) => None,
        }
    }

    pub(super) fn send(self, down: bool, host: &mut BytesMut) {
        match self {
            Self::Keysym(keysym) => Message::Key(Key { down, keysym }).write(host),
            Self::Scancode(scan) => Command::Key { scan, down }.write(host),
        }
    }
}

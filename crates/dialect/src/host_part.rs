//! What one host has sent and is still to be sent: a new host has a new one.

use std::sync::Arc;

use bytes::BytesMut;
use rfb_proto::input::{Message, UpdateRequest};
use rfb_proto::vmware::ServerCaps;
use rfb_proto::{Area, Converter, PixelFormat};

use super::acks::Acks;
use super::settings::HostKind;

/// The most bytes that wait to be sent to a host that does not read.
const MAX_PENDING: usize = 16 * 1024;

/// The host's side of a session.
pub(super) struct HostPart {
    kind: HostKind,
    /// The format of its ServerInit: all of its pixels are in it.
    pub(super) format: PixelFormat,
    /// Converts its pixels to the viewer's format; `None` where the two are the same.
    pub(super) converter: Option<Arc<Converter>>,
    /// The size of the framebuffer, in pixels.
    pub(super) size: (u16, u16),
    /// The console is a vSphere's, or the host has sent ServerCaps or one of VMware's rectangles.
    pub(super) is_vmware: bool,
    /// The list of encodings that it is sent has all that the gateway wants for itself.
    pub(super) wants_all: bool,
    /// Its ServerCaps.
    pub(super) caps: ServerCaps,
    pub(super) acks: Acks,
    /// Whether the guest's pointer is absolute, where the host has said.
    pub(super) absolute: Option<bool>,
    /// It has sent ExtendedDesktopSize, and so takes SetDesktopSize.
    pub(super) sets_size: bool,
    /// It is known whether the host takes scan codes, or makes no difference.
    pub(super) keys_known: bool,
    /// What the gateway has to send to it on its own behalf.
    pub(super) pending: BytesMut,
}

impl HostPart {
    pub(super) fn new(kind: HostKind, keys_known: bool) -> Self {
        Self {
            kind,
            format: PixelFormat::VMWARE,
            converter: None,
            size: (0, 0),
            is_vmware: kind == HostKind::Vmware,
            wants_all: false,
            caps: ServerCaps::default(),
            acks: Acks::default(),
            absolute: None,
            sets_size: false,
            keys_known,
            pending: BytesMut::new(),
        }
    }

    /// What is known of the host that takes its place, from its ServerInit, when pixels become those of `viewer`; `None`
    /// where they cannot.
    pub(super) fn successor(
        &self,
        size: (u16, u16),
        format: PixelFormat,
        viewer: PixelFormat,
        keys_known: bool,
    ) -> Option<Self> {
        let converter = match format == viewer {
            true => None,
            false => Some(Arc::new(Converter::new(format, viewer)?)),
        };
        Some(Self {
            format,
            converter,
            size,
            ..Self::new(self.kind, keys_known)
        })
    }

    /// It is known how the host takes keys: it has sent ServerCaps, or the answer to a later message without having
    /// sent them, or it has had time enough.
    pub(super) const fn set_keys_known(&mut self) {
        self.keys_known = true;
    }

    /// Requests `area`.
    pub(super) fn request(&mut self, incremental: bool, area: Area) {
        // A host that does not read gets no further requests.
        if self.pending.len() < MAX_PENDING {
            let request = UpdateRequest { incremental, area };
            Message::UpdateRequest(request).write(&mut self.pending);
        }
    }

    /// The whole framebuffer.
    pub(super) const fn everything(&self) -> Area {
        Area {
            x: 0,
            y: 0,
            width: self.size.0,
            height: self.size.1,
        }
    }
}

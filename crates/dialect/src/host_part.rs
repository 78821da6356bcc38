//! The host's part of the session state. A new host gets a new one.

use std::sync::Arc;

use bytes::BytesMut;
use rfb_proto::client_messages::{Message, UpdateRequest};
use rfb_proto::vmware::ServerCaps;
use rfb_proto::{Area, Converter, PixelFormat};

use super::acks::Acks;
use super::settings::HostKind;

/// The most bytes that are kept for a host that does not read.
const MAX_PENDING: usize = 16 * 1024;

/// What the host has sent and is still to be sent.
pub(super) struct HostPart {
    kind: HostKind,
    /// The format of its ServerInit: all of its pixels are in it.
    pub(super) format: PixelFormat,
    /// Converts its pixels to the viewer's format; `None` if both are the same.
    pub(super) converter: Option<Arc<Converter>>,
    /// The size of the framebuffer, in pixels.
    pub(super) size: (u16, u16),
    /// The host belongs to a vSphere, or has sent ServerCaps or a rectangle in one of VMware's encodings.
    pub(super) is_vmware: bool,
    /// It is sent all encodings that the gateway wants for itself.
    pub(super) wants_all: bool,
    /// Its ServerCaps.
    pub(super) caps: ServerCaps,
    pub(super) acks: Acks,
    /// Whether the guest's pointer is absolute, if the host has sent that.
    pub(super) absolute: Option<bool>,
    /// It takes SetDesktopSize, as it has sent ExtendedDesktopSize.
    pub(super) sets_size: bool,
    /// It is known whether the host takes scan codes, or it does not matter.
    pub(super) keys_known: bool,
    /// Messages that the gateway sends on its own behalf.
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

    /// The part of a new host with the size and format of its ServerInit; `None` if its pixels cannot be converted to
    /// the format of the viewer.
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

    /// It is known whether the host takes scan codes: it has sent ServerCaps, or an update without ServerCaps before
    /// it, or nothing within the time allowed.
    pub(super) const fn set_keys_known(&mut self) {
        self.keys_known = true;
    }

    /// Requests an update of `area` on the gateway's own behalf.
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

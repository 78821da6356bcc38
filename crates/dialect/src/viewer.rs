//! Messages from the viewer to the host.

use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use rfb_proto::client_messages::{DesktopSize, Kind, Message, Piece, QemuKey, UpdateRequest};
use rfb_proto::vmware::{Command, ServerCaps};
use rfb_proto::{Converter, CutText, PixelFormat, Violation};

use super::shared::Shared;

/// The keysym and the XT scan code of Escape, which cancels the typing of a clipboard.
const ESCAPE: (u32, u32) = (0xff1b, 0x01);

impl Shared {
    /// Appends what the host is to be sent for a message, if anything. Other messages are dropped: ESXi has not
    /// announced that it takes them (`docs/webmks.md` 5.3).
    pub(super) fn handle_viewer_message(
        &mut self,
        piece: Piece<'_>,
        host: &mut BytesMut,
    ) -> Result<(), Violation> {
        match piece.message {
            Message::ClientInit { .. } => host.put_slice(piece.bytes),
            Message::SetPixelFormat(format) => self.set_pixel_format(format, host)?,
            Message::SetEncodings(list) => {
                self.viewer.encodings.set_viewer_list(list.iter());
                self.list_encodings(host);
            }
            Message::UpdateRequest(request) => {
                self.viewer.update_requested = true;
                self.viewer.awaits_picture |= !request.incremental;
                match request.incremental {
                    true => self.viewer.incremental_area = Some(request.area),
                    false => self.ask(request.area),
                }
                host.put_slice(piece.bytes);
            }
            Message::VmwareCommand(Command::UpdateAck { id, took }) => {
                self.acknowledge(id, took, host);
            }
            _ if self.viewer.view_only => {}
            message => self.handle_control(message, piece.bytes, host),
        }
        Ok(())
    }

    /// Messages that control the VM.
    fn handle_control(&mut self, message: Message<'_>, bytes: &[u8], host: &mut BytesMut) {
        match message {
            Message::Key(key) if self.cancel_typing(key.down, key.keysym == ESCAPE.0) => {}
            Message::Key(key) => self.viewer.keyboard.key(key, host),
            Message::QemuKey(key) => self.qemu_key(key, host),
            Message::Pointer(pointer) => self.viewer.mouse.event(pointer, host),
            Message::VmwareCommand(command) => self.vmware_command(command, host),
            Message::SetDesktopSize(size) => self.set_desktop_size(&size, bytes, host),
            Message::CutText(CutText {
                length,
                extended: None,
            }) => {
                self.viewer.paste.begin();
                if length == 0 {
                    self.cut_text(&[], true);
                }
            }
            Message::Body {
                of: Kind::CutText,
                last,
            } => self.cut_text(bytes, last),
            _ => {}
        }
    }

    /// Only the host's own format is relayed to it. For any other, the gateway converts the pixels.
    fn set_pixel_format(
        &mut self,
        format: PixelFormat,
        host: &mut BytesMut,
    ) -> Result<(), Violation> {
        self.viewer.format = format;
        self.viewer.set_format = true;
        let converted = self.host.converter.is_some();
        self.host.converter = if format == self.host.format {
            Message::SetPixelFormat(format).write(host);
            None
        } else {
            let converter = Converter::new(self.host.format, format);
            Some(Arc::new(
                converter.ok_or(Violation::Malformed("SetPixelFormat"))?,
            ))
        };
        if converted != self.host.converter.is_some() {
            self.list_encodings(host);
        }
        Ok(())
    }

    /// VMware's own client acknowledges an update, which is also its request for the next (`docs/webmks.md` 7.2).
    fn acknowledge(&mut self, id: u8, took: u16, host: &mut BytesMut) {
        self.viewer.update_requested = true;
        if self.host.acks.is_wanted() {
            Command::UpdateAck { id, took }.write(host);
            return;
        }
        // A new host, whose capabilities are not known yet.
        let (incremental, area) = (true, self.host.everything());
        Message::UpdateRequest(UpdateRequest { incremental, area }).write(host);
    }

    /// Another message of VMware's own client: what the host has not announced is dropped, since the client sends some
    /// messages whatever it was told.
    fn vmware_command(&mut self, command: Command, host: &mut BytesMut) {
        match command {
            Command::Resolution { .. } if self.host.caps.has(ServerCaps::RESOLUTION) => {
                command.write(host);
            }
            Command::Key { scan, down }
                if self.takes_vmware()
                    && !self.cancel_typing(down, u32::from(scan.0) == ESCAPE.1) =>
            {
                self.viewer.keyboard.vmware_key(scan, down, host);
            }
            Command::Pointer {
                buttons,
                wheel,
                x,
                y,
                ..
            } if self.takes_vmware() => {
                command.write(host);
                self.viewer.mouse.set_vmware_buttons(buttons, wheel, (x, y));
            }
            _ => {}
        }
    }

    fn qemu_key(&mut self, key: QemuKey, host: &mut BytesMut) {
        let escape = key.keysym == ESCAPE.0 || key.keycode == ESCAPE.1;
        if !self.cancel_typing(key.down, escape) {
            self.viewer.keyboard.qemu_key(key, host);
        }
    }

    fn cancel_typing(&mut self, down: bool, escape: bool) -> bool {
        let cancels = down && escape && self.viewer.paste.is_typing();
        if cancels {
            self.viewer.paste.cancel();
        }
        cancels
    }

    fn cut_text(&mut self, bytes: &[u8], last: bool) {
        if !self.viewer.input_settings.paste {
            return;
        }
        self.viewer.paste.more(bytes);
        if last {
            let (keyboard, paste) = (&self.viewer.keyboard, &mut self.viewer.paste);
            paste.end(|character| keyboard.check(character));
        }
    }

    fn set_desktop_size(&mut self, size: &DesktopSize<'_>, bytes: &[u8], host: &mut BytesMut) {
        if self.host.sets_size {
            host.put_slice(bytes);
        } else if self.viewer.offers.sizes && self.host.caps.has(ServerCaps::RESOLUTION) {
            self.viewer.resizing = true;
            let (width, height) = (size.width, size.height);
            Command::Resolution { width, height }.write(host);
        }
    }
}

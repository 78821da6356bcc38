//! A client of a desktop: its pixel format and encodings, its pending requests, and what it was sent.

use std::num::NonZero;

use bytes::BytesMut;

use super::client_message::ClientMessage;
use super::encodings::encoder::{Encoder, Encoding};
use super::framebuffer_update::FramebufferUpdate;
use super::pixel_format::PixelFormat;
use super::pseudo_encodings::{self, ClientEncodings};
use super::vmware_messages;
use crate::counts::EndReason;
use crate::desktop::Desktop;
use crate::desktop::area::Area;
use crate::desktop::framebuffer::Part;
use crate::desktop::keys::Key;
use crate::desktop::mouse::PointerMode;
use crate::desktop::tiles::ShownTiles;
use crate::quirks::{PixelFormats, ServerCaps};

/// The state of one client.
pub(super) struct ClientState<'a> {
    desktop: &'a Desktop,
    format: PixelFormat,
    encodings: ClientEncodings,
    encoder: Encoder,
    /// The capabilities that were sent to it.
    announced: Option<ServerCaps>,
    /// An incremental request that waits for a change of the desktop.
    pending: Option<Area>,
    /// A non-incremental request that waits for the acknowledgement of the last update.
    postponed: Option<Area>,
    /// The id of the update that must be acknowledged before the next is sent.
    unacknowledged: Option<u8>,
    /// The rest of a full update that is sent in several answers.
    unsent: Option<Area>,
    shown: ShownTiles,
    sent: Sent,
    full_requests: u64,
    updates_sent: u64,
    /// The id of the latest update, 1 to 255.
    update_id: u8,
}

/// The latest state that each pseudo-encoding has sent.
struct Sent {
    size: (u16, u16),
    cursor: bool,
    key_repeat: bool,
    pointer: Option<PointerMode>,
    leds: Option<u32>,
}

impl<'a> ClientState<'a> {
    /// The state after ServerInit, which announced `size`.
    pub(super) fn new(desktop: &'a Desktop, size: (u16, u16)) -> Self {
        Self {
            desktop,
            format: PixelFormat::NATIVE,
            encodings: ClientEncodings::default(),
            encoder: Encoder::default(),
            announced: None,
            pending: None,
            postponed: None,
            unacknowledged: None,
            unsent: None,
            shown: ShownTiles::default(),
            sent: Sent {
                size,
                cursor: false,
                key_repeat: false,
                pointer: None,
                leds: None,
            },
            full_requests: 0,
            updates_sent: 0,
            update_id: 0,
        }
    }

    pub(super) fn announced(&self) -> Option<ServerCaps> {
        self.announced
    }

    /// Whether a change of the desktop may complete a request.
    pub(super) fn has_pending_request(&self) -> bool {
        self.pending.is_some()
    }

    /// Checks that the console does not have to go silent.
    ///
    /// # Errors
    /// As many updates as [`Quirks::silent_after`](crate::Quirks::silent_after) were sent.
    pub(super) fn check_silence(&self) -> Result<(), EndReason> {
        match self.desktop.quirks.silent_after {
            Some(after) if self.updates_sent >= after.get() => Err(EndReason::FellSilent),
            _ => Ok(()),
        }
    }

    /// Handles a message; returns what to send.
    ///
    /// # Errors
    /// Describes a pixel format that this desktop rejects.
    pub(super) fn handle(&mut self, message: ClientMessage) -> Result<Option<BytesMut>, String> {
        match message {
            ClientMessage::SetPixelFormat(format) => self.set_format(format)?,
            ClientMessage::SetEncodings(listed) => return Ok(self.set_encodings(&listed)),
            ClientMessage::CutText | ClientMessage::Ignored => {}
            ClientMessage::Key { down, keysym } => self.key(Key::Keysym(keysym), down),
            ClientMessage::ScanCode { code, down } => self.key(Key::ScanCode(code), down),
            ClientMessage::Pointer(event) => self.desktop.pointer_event(event),
            ClientMessage::Resolution { width, height } => self.desktop.resize((width, height)),
            ClientMessage::UpdateRequest {
                incremental,
                region,
            } => return Ok(self.request(incremental, region)),
            ClientMessage::UpdateAck(id) => return Ok(self.acknowledge(id)),
        }
        Ok(self.answer_pending())
    }

    /// Answers the pending request if there is something new.
    pub(super) fn answer_pending(&mut self) -> Option<BytesMut> {
        let region = self.pending.filter(|_| self.unacknowledged.is_none())?;
        if let Some(unsent) = self.unsent.take() {
            self.pending = None;
            return self.full_update(unsent);
        }
        let update = self.update(region, true)?;
        self.pending = None;
        Some(update)
    }

    fn set_format(&mut self, format: PixelFormat) -> Result<(), String> {
        match self.desktop.quirks.pixel_formats {
            PixelFormats::Honoured => self.format = format,
            PixelFormats::Ignored => {}
            PixelFormats::OnlyNative if format == PixelFormat::NATIVE => {}
            PixelFormats::OnlyNative => {
                return Err("invalid pixel format: not the desktop's own".into());
            }
        }
        Ok(())
    }

    fn set_encodings(&mut self, listed: &[i32]) -> Option<BytesMut> {
        self.encodings = ClientEncodings::read(listed);
        let caps = self
            .desktop
            .quirks
            .server_caps
            .filter(|_| self.encodings.server_caps);
        // Sent only once: a guess.
        if self.announced.is_some() {
            return None;
        }
        self.announced = caps;
        caps.map(vmware_messages::server_caps)
    }

    /// A client that was asked to repeat keys itself gets no repetition from the host, which is a guess.
    fn key(&mut self, key: Key, down: bool) {
        self.desktop.key(key, down, !self.sent.key_repeat);
    }

    fn request(&mut self, incremental: bool, region: Area) -> Option<BytesMut> {
        let region = region.clip(self.sent.size)?;
        if incremental {
            self.pending = Some(region);
            return self.answer_pending();
        }
        if self.unacknowledged.is_some() {
            self.postponed = Some(region);
            return None;
        }
        self.request_full(region)
    }

    /// An acknowledgement is also a request for the next incremental update (`docs/webmks.md` 7.2). That it asks for the
    /// whole screen is a guess.
    fn acknowledge(&mut self, id: u8) -> Option<BytesMut> {
        if self.unacknowledged.is_some_and(|awaited| awaited != id) {
            return None;
        }
        self.unacknowledged = None;
        self.pending = Some(Area::whole(self.sent.size));
        match self.postponed.take() {
            Some(region) => self.request_full(region),
            None => self.answer_pending(),
        }
    }

    fn request_full(&mut self, region: Area) -> Option<BytesMut> {
        self.full_requests += 1;
        self.unsent = None;
        if self.desktop.quirks.one_pixel_answers && self.full_requests % 2 == 1 {
            return self.one_pixel(region);
        }
        self.full_update(region)
    }

    /// A full update of `region`, or as many rows as one answer holds.
    fn full_update(&mut self, region: Area) -> Option<BytesMut> {
        let rows = self
            .desktop
            .quirks
            .rows_per_answer
            .map_or(u16::MAX, NonZero::get);
        let (part, unsent) = region.split(rows);
        self.unsent = unsent;
        self.update(part, false)
    }

    /// Only the top left pixel, always Raw (`docs/webmks.md` 2.3 Q3). `region` counts as sent, so that only another
    /// non-incremental request helps: a guess.
    fn one_pixel(&mut self, region: Area) -> Option<BytesMut> {
        self.desktop
            .show(&mut self.shown, region, false, false, |_| {});
        let mut update = FramebufferUpdate::default();
        let show =
            |part: Part<'_>| update.push_part(&mut self.encoder, Encoding::Raw, self.format, part);
        let corner = Area::whole((1, 1));
        self.desktop
            .show(&mut ShownTiles::default(), corner, false, false, show);
        self.finish(update)
    }

    /// An update with due pseudo-rectangles and the changes of `region`; `None` if nothing is due.
    fn update(&mut self, region: Area, incremental: bool) -> Option<BytesMut> {
        let mut update = FramebufferUpdate::default();
        if self.put_size(&mut update) {
            // The client has to request the new size's pixels itself.
            return self.finish(update);
        }
        self.put_pseudo_rectangles(&mut update);
        let (encoding, format, copies) =
            (self.encodings.pixels, self.format, self.encodings.copies);
        let encoder = &mut self.encoder;
        self.desktop
            .show(&mut self.shown, region, incremental, copies, |part| {
                update.push_part(encoder, encoding, format, part);
            });
        self.finish(update)
    }

    fn put_size(&mut self, update: &mut FramebufferUpdate) -> bool {
        let size = self.desktop.size();
        let is_new = self.encodings.size && size != self.sent.size;
        if is_new {
            self.sent.size = size;
            self.unsent = None;
            update.push(|out| pseudo_encodings::size(size, out));
        }
        is_new
    }

    fn put_pseudo_rectangles(&mut self, update: &mut FramebufferUpdate) {
        let quirks = &self.desktop.quirks;
        if self.encodings.cursor && !self.sent.cursor {
            self.sent.cursor = true;
            update.push(|out| pseudo_encodings::cursor(quirks.cursor, self.format, out));
        }
        if self.encodings.key_repeat && !self.sent.key_repeat {
            self.sent.key_repeat = true;
            let rhythm = quirks.key_repeat.unwrap_or_default();
            update.push(|out| pseudo_encodings::key_repeat(rhythm, out));
        }
        let mode = self.desktop.pointer_mode();
        if self.encodings.cursor_state && self.sent.pointer.replace(mode) != Some(mode) {
            update.push(|out| pseudo_encodings::cursor_state(mode, out));
        }
        let leds = self.desktop.leds();
        if self.encodings.leds && self.sent.leds.replace(leds) != Some(leds) {
            update.push(|out| pseudo_encodings::leds(leds, out));
        }
    }

    /// Completes the update; with [`Quirks::chatty`](crate::Quirks::chatty), surrounds it with a heartbeat and sound.
    fn finish(&mut self, update: FramebufferUpdate) -> Option<BytesMut> {
        if update.is_empty() {
            return None;
        }
        self.updates_sent += 1;
        // 0 is not used as an id: VMware's client would send it back as a non-incremental request (`docs/webmks.md`
        // 7.2).
        self.update_id = self.update_id.checked_add(1).unwrap_or(1);
        let waits = self.desktop.quirks.needs_acks
            && self
                .announced
                .is_some_and(|caps| caps.has(ServerCaps::UPDATE_ACK));
        self.unacknowledged = Some(self.update_id).filter(|_| waits);
        let message = update.into_message(self.update_id);
        if !self.desktop.quirks.chatty {
            return Some(message);
        }
        let mut all = vmware_messages::heartbeat(HEARTBEAT);
        all.unsplit(message);
        all.unsplit(vmware_messages::audio(&SAMPLES));
        Some(all)
    }
}

/// The announced interval of heartbeats, in seconds. The real value is not known (`docs/webmks.md` 6).
const HEARTBEAT: u16 = 10;
/// Samples that look like message types: a reader that trusts the length of 127/3 fails at once.
const SAMPLES: [u8; 64] = [127; 64];

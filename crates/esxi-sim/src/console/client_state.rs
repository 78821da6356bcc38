//! One client of a desktop: what it has asked for, what it has been shown, and the answers that are due to it.

use std::num::NonZero;

use bytes::BytesMut;

use super::client_message::ClientMessage;
use super::encodings::{Encoder, Encoding};
use super::framebuffer_update::Update;
use super::pixel_format::PixelFormat;
use super::pseudo_encodings::{self, Wanted};
use super::vmware_messages;
use crate::counts::End;
use crate::desktop::Desktop;
use crate::desktop::area::Area;
use crate::desktop::framebuffer::Part;
use crate::desktop::keys::Key;
use crate::desktop::mouse::PointerMode;
use crate::desktop::tiles::Seen;
use crate::quirks::{Formats, ServerCaps};

/// One client.
pub(super) struct Viewer<'a> {
    desktop: &'a Desktop,
    format: PixelFormat,
    wanted: Wanted,
    encoder: Encoder,
    /// The capabilities it was told of.
    announced: Option<ServerCaps>,
    /// A request that could not be answered yet, since nothing had changed.
    waiting: Option<Area>,
    /// A request for a whole picture that waits until the last update is acknowledged.
    postponed: Option<Area>,
    /// The update that has to be acknowledged before another is sent.
    unacknowledged: Option<u8>,
    /// What it still lacks of a whole picture that comes in parts.
    rest: Option<Area>,
    seen: Seen,
    told: Told,
    whole_pictures: u64,
    updates_sent: u64,
    /// The number of the latest update, 1 to 255.
    updates: u8,
}

/// What marks have told it.
struct Told {
    size: (u16, u16),
    cursor: bool,
    key_repeat: bool,
    pointer: Option<PointerMode>,
    leds: Option<u32>,
}

impl<'a> Viewer<'a> {
    /// One that has just read ServerInit, in which `size` was said.
    pub(super) fn new(desktop: &'a Desktop, size: (u16, u16)) -> Self {
        Self {
            desktop,
            format: PixelFormat::NATIVE,
            wanted: Wanted::default(),
            encoder: Encoder::default(),
            announced: None,
            waiting: None,
            postponed: None,
            unacknowledged: None,
            rest: None,
            seen: Seen::default(),
            told: Told {
                size,
                cursor: false,
                key_repeat: false,
                pointer: None,
                leds: None,
            },
            whole_pictures: 0,
            updates_sent: 0,
            updates: 0,
        }
    }

    pub(super) fn announced(&self) -> Option<ServerCaps> {
        self.announced
    }

    /// Whether a change of the desktop may answer a request.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Whether there is more to say.
    ///
    /// # Errors
    /// The desktop is in the mood to fall silent after as many updates as were sent.
    pub(super) fn stay(&self) -> Result<(), End> {
        match self.desktop.moods.silent_after {
            Some(after) if self.updates_sent >= after.get() => Err(End::FellSilent),
            _ => Ok(()),
        }
    }

    /// Does what a message asks for; answers what is due then.
    ///
    /// # Errors
    /// What is wrong, in words: a pixel format that this desktop takes as invalid.
    pub(super) fn hear(&mut self, message: ClientMessage) -> Result<Option<BytesMut>, String> {
        match message {
            ClientMessage::SetPixelFormat(format) => self.set_format(format)?,
            ClientMessage::SetEncodings(listed) => return Ok(self.set_encodings(&listed)),
            ClientMessage::CutText | ClientMessage::Noted => {}
            ClientMessage::Key { down, keysym } => self.key(Key::Keysym(keysym), down),
            ClientMessage::ScanCode { code, down } => self.key(Key::ScanCode(code), down),
            ClientMessage::Pointer(motion) => self.desktop.point(motion),
            ClientMessage::Resolution { width, height } => self.desktop.resize((width, height)),
            ClientMessage::UpdateRequest {
                incremental,
                region,
            } => return Ok(self.request(incremental, region)),
            ClientMessage::Acknowledged(id) => return Ok(self.acknowledge(id)),
        }
        Ok(self.answer_waiting())
    }

    /// The answer to a request that waits, if there is something new.
    pub(super) fn answer_waiting(&mut self) -> Option<BytesMut> {
        let region = self.waiting.filter(|_| self.unacknowledged.is_none())?;
        if let Some(rest) = self.rest.take() {
            self.waiting = None;
            return self.whole(rest);
        }
        let update = self.update(region, true)?;
        self.waiting = None;
        Some(update)
    }

    fn set_format(&mut self, format: PixelFormat) -> Result<(), String> {
        match self.desktop.moods.formats {
            Formats::Honoured => self.format = format,
            Formats::Ignored => {}
            Formats::OnlyNative if format == PixelFormat::NATIVE => {}
            Formats::OnlyNative => return Err("invalid pixel format: not the desktop's own".into()),
        }
        Ok(())
    }

    fn set_encodings(&mut self, listed: &[i32]) -> Option<BytesMut> {
        self.wanted = Wanted::read(listed);
        let caps = self
            .desktop
            .moods
            .server_caps
            .filter(|_| self.wanted.server_caps);
        // Told once, however often it is listed: a guess.
        if self.announced.is_some() {
            return None;
        }
        self.announced = caps;
        caps.map(vmware_messages::server_caps)
    }

    /// A client that was told to repeat held keys itself gets no repetition from the host, which is a guess.
    fn key(&mut self, key: Key, down: bool) {
        self.desktop.key(key, down, !self.told.key_repeat);
    }

    fn request(&mut self, incremental: bool, region: Area) -> Option<BytesMut> {
        let region = region.clip(self.told.size)?;
        if incremental {
            self.waiting = Some(region);
            return self.answer_waiting();
        }
        if self.unacknowledged.is_some() {
            self.postponed = Some(region);
            return None;
        }
        self.request_whole(region)
    }

    /// An acknowledgement is also a request for the next incremental update (`docs/webmks.md` 7.2). That it asks for the
    /// whole screen is a guess.
    fn acknowledge(&mut self, id: u8) -> Option<BytesMut> {
        if self.unacknowledged.is_some_and(|awaited| awaited != id) {
            return None;
        }
        self.unacknowledged = None;
        self.waiting = Some(Area::whole(self.told.size));
        match self.postponed.take() {
            Some(region) => self.request_whole(region),
            None => self.answer_waiting(),
        }
    }

    fn request_whole(&mut self, region: Area) -> Option<BytesMut> {
        self.whole_pictures += 1;
        self.rest = None;
        if self.desktop.moods.one_pixel_answers && self.whole_pictures % 2 == 1 {
            return self.one_pixel(region);
        }
        self.whole(region)
    }

    /// A whole region, or as much of it as one answer holds.
    fn whole(&mut self, region: Area) -> Option<BytesMut> {
        let rows = self
            .desktop
            .moods
            .rows_per_answer
            .map_or(u16::MAX, NonZero::get);
        let (part, rest) = region.split(rows);
        self.rest = rest;
        self.update(part, false)
    }

    /// The pixel in the corner alone, always in Raw (`docs/webmks.md` 2.3 Q3). `region` counts as shown, so that only
    /// another request for all of it helps: a guess.
    fn one_pixel(&mut self, region: Area) -> Option<BytesMut> {
        self.desktop
            .show(&mut self.seen, region, false, false, |_| {});
        let mut update = Update::default();
        let show =
            |part: Part<'_>| update.part(&mut self.encoder, Encoding::Raw, self.format, part);
        let corner = Area::whole((1, 1));
        self.desktop
            .show(&mut Seen::default(), corner, false, false, show);
        self.finish(update)
    }

    /// An update with all that is due: marks, and what has changed in `region`; `None` if nothing is.
    fn update(&mut self, region: Area, incremental: bool) -> Option<BytesMut> {
        let mut update = Update::default();
        if self.put_size(&mut update) {
            // The client has to ask anew for a screen of another size.
            return self.finish(update);
        }
        self.put_marks(&mut update);
        let (encoding, format, copies) = (self.wanted.pixels, self.format, self.wanted.copies);
        let encoder = &mut self.encoder;
        self.desktop
            .show(&mut self.seen, region, incremental, copies, |part| {
                update.part(encoder, encoding, format, part);
            });
        self.finish(update)
    }

    fn put_size(&mut self, update: &mut Update) -> bool {
        let size = self.desktop.size();
        let is_new = self.wanted.size && size != self.told.size;
        if is_new {
            self.told.size = size;
            self.rest = None;
            update.mark(|out| pseudo_encodings::size(size, out));
        }
        is_new
    }

    fn put_marks(&mut self, update: &mut Update) {
        let moods = &self.desktop.moods;
        if self.wanted.cursor && !self.told.cursor {
            self.told.cursor = true;
            update.mark(|out| pseudo_encodings::cursor(moods.cursor, self.format, out));
        }
        if self.wanted.key_repeat && !self.told.key_repeat {
            self.told.key_repeat = true;
            let rhythm = moods.key_repeat.unwrap_or_default();
            update.mark(|out| pseudo_encodings::key_repeat(rhythm, out));
        }
        let mode = self.desktop.pointer_mode();
        if self.wanted.cursor_state && self.told.pointer.replace(mode) != Some(mode) {
            update.mark(|out| pseudo_encodings::cursor_state(mode, out));
        }
        let leds = self.desktop.leds();
        if self.wanted.leds && self.told.leds.replace(leds) != Some(leds) {
            update.mark(|out| pseudo_encodings::leds(leds, out));
        }
    }

    /// The message, and in a chatty mood what nobody has asked for around it.
    fn finish(&mut self, update: Update) -> Option<BytesMut> {
        if update.is_empty() {
            return None;
        }
        self.updates_sent += 1;
        // 0 is no number of an update: VMware's client would take it for a request for everything (`docs/webmks.md` 7.2).
        self.updates = self.updates.checked_add(1).unwrap_or(1);
        let waits = self.desktop.moods.needs_acks
            && self
                .announced
                .is_some_and(|caps| caps.has(ServerCaps::UPDATE_ACK));
        self.unacknowledged = Some(self.updates).filter(|_| waits);
        let message = update.into_message(self.updates);
        if !self.desktop.moods.chatty {
            return Some(message);
        }
        let mut all = vmware_messages::heartbeat(HEARTBEAT);
        all.unsplit(message);
        all.unsplit(vmware_messages::audio(&SAMPLES));
        Some(all)
    }
}

/// Seconds that a chatty host promises between heartbeats. No real number is known (`docs/webmks.md` 6).
const HEARTBEAT: u16 = 10;
/// Sound that begins like messages do, so that a reader who trusts the length of 127/3 goes astray at once.
const SAMPLES: [u8; 64] = [127; 64];

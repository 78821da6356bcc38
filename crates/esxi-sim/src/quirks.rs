//! How a desktop's side of RFB behaves where real hosts differ from a plain VNC server.

use std::num::NonZero;
use std::time::Duration;

use secrecy::SecretString;

/// The quirks of one desktop. A [`Screen::Bridge`](crate::Screen::Bridge) has none of its own: its server's are seen.
///
/// `Default` is what most reports say of ESXi: pixel formats are checked and honoured, the capabilities of a real host
/// are announced, no key repeats by itself, and the guest has a US keyboard.
#[derive(Clone, Debug)]
pub struct Quirks {
    /// What message 127/0 tells a client that lists 0x574d567a; `None`: nothing, and every message 127 ends the
    /// console, save for the key-ups that VMware's client begins with (`docs/webmks.md` 7.2).
    pub server_caps: Option<ServerCaps>,
    /// After an update, a client that was told [`ServerCaps::UPDATE_ACK`] is sent no further one until it has
    /// acknowledged that one (127/4), whatever it requests meanwhile (`docs/webmks.md` 7.1). That an acknowledgement
    /// of another update does not count is a guess.
    pub needs_acks: bool,
    /// What is done with a client's SetPixelFormat.
    pub pixel_formats: PixelFormats,
    /// Every other request for a whole picture is answered with one pixel, the first such request to begin with
    /// (`docs/webmks.md` 2.3 Q3).
    pub one_pixel_answers: bool,
    /// A request for a whole picture is answered with so many rows at most, and each request after it with as many
    /// more, until all is shown (`docs/webmks.md` 2.3 Q4; the number of rows and who has to ask are guesses).
    pub rows_per_answer: Option<NonZero<u16>>,
    /// A held key repeats by itself (`docs/webmks.md` 2.3 Q5).
    pub key_repeat: Option<KeyRepeat>,
    /// The keyboard layout of the guest.
    pub layout: Layout,
    /// Heartbeats (127/4) and sound (127/3, whose body its length does not count) are sent to every client, though
    /// none asked for them: to prove that what is in between swallows them.
    pub chatty: bool,
    /// The shape in which 0x574d5664 carries the cursor.
    pub cursor: CursorShape,
    /// After so many updates a console says nothing more, as after [`Host::fall_silent`](crate::Host::fall_silent).
    pub silent_after: Option<NonZero<u64>>,
    /// `RemoteDisplay.vnc.password`: VNC authentication (RFC 6143 section 7.2.2) is the only security type, with this
    /// password, of which 8 bytes count. That a host asks for it over webmks is documented (`docs/webmks.md` 7.1); that
    /// this setting is the reason is a guess.
    pub vnc_password: Option<SecretString>,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            server_caps: Some(ServerCaps::default()),
            needs_acks: false,
            pixel_formats: PixelFormats::Honoured,
            one_pixel_answers: false,
            rows_per_answer: None,
            key_repeat: None,
            layout: Layout::Us,
            chatty: false,
            cursor: CursorShape::Alpha,
            silent_after: None,
            vnc_password: None,
        }
    }
}

/// The bits of message 127/0 (`docs/webmks.md` 1.5). A message that belongs to a bit is taken only if that is set.
///
/// `Default` is what a real host announced (`docs/webmks.md` 7.1, one report).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerCaps(pub u32);

impl ServerCaps {
    /// Key events and resolution requests, and no acknowledgements.
    pub const PLAIN: Self = Self(Self::KEY_EVENT | Self::RESOLUTION);
    /// Key events by scan code (127/0) are taken.
    pub const KEY_EVENT: u32 = 0x2;
    /// Client capabilities (127/3) are taken.
    pub const CLIENT_CAPS: u32 = 0x8;
    /// Acknowledgements of updates (127/4) are taken; each asks for the next update.
    pub const UPDATE_ACK: u32 = 0x20;
    /// Resolution requests (127/5) are taken.
    pub const RESOLUTION: u32 = 0x80;
    /// Both together: key events by Unicode character or JavaScript key code (127/6) are taken.
    pub const KEY_EVENT_2: u32 = 0x300;
    /// Acknowledgements of sound (127/7) are taken.
    pub const AUDIO_ACK: u32 = 0x400;
    /// Topologies of several monitors (127/10) are taken.
    pub const MULTI_MONITOR: u32 = 0x1000;
    /// The size of the client's cache of updates (127/11) is taken.
    pub const UPDATE_CACHE: u32 = 0x2000;
    /// The client's reason for its end (127/12) is taken.
    pub const SESSION_CLOSE: u32 = 0x2_0000;
    /// Whether the client wants sound and pictures (127/15) is taken.
    pub const STREAM_STATE: u32 = 0x40_0000;

    /// Whether all of these bits are set.
    pub(crate) const fn has(self, bits: u32) -> bool {
        self.0 & bits == bits
    }
}

impl Default for ServerCaps {
    fn default() -> Self {
        Self(0x0210_20bf)
    }
}

/// What is done with a SetPixelFormat. One that is invalid ends the console whatever this says
/// (`docs/webmks.md` 2.3 Q1): above all a true-colour flag other than exactly 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelFormats {
    /// Pixels are sent as asked for.
    Honoured,
    /// Any format but the desktop's own is invalid.
    OnlyNative,
    /// It has no effect: pixels keep the desktop's own format (`docs/webmks.md` 2.3 Q2).
    Ignored,
}

/// When a held key repeats. A key-down that a client repeats itself begins the delay anew, which is a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRepeat {
    /// From the key-down to its first repetition.
    pub delay: Duration,
    /// From one repetition to the next; at least a millisecond.
    pub period: Duration,
}

/// VMware's own numbers (`docs/webmks.md` 1.4): half a second, then 30 a second.
impl Default for KeyRepeat {
    fn default() -> Self {
        Self {
            delay: Duration::from_micros(500_000),
            period: Duration::from_micros(33_333),
        }
    }
}

/// A keyboard layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `us`
    Us,
    /// `de`, with dead keys
    German,
    /// `fr`, with dead keys: AZERTY
    French,
    /// `gb`
    British,
    /// `es`, with dead keys
    Spanish,
    /// `jp`, of 106 keys
    Japanese,
}

/// How a cursor is drawn (`docs/webmks.md` 1.4, DefineCursor).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorShape {
    /// Type 1: colours with transparency.
    Alpha,
    /// Type 0: an AND mask and an XOR mask, in the client's pixel format. It is transparent where every bit of an AND
    /// mask's pixel is set, those that carry no colour included (`docs/webmks.md` 7.2).
    Masks,
}

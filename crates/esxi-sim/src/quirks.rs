//! How real hosts differ from a plain VNC server, to be chosen per desktop.

use std::num::NonZero;
use std::time::Duration;

use secrecy::SecretString;

/// The quirks of one desktop. A [`Screen::Bridge`](crate::Screen::Bridge) has only those of its server.
///
/// `Default` is what most reports say of ESXi: pixel formats are checked and used, the capabilities of a real host are
/// announced, no key repeats, and the guest has a US keyboard.
#[derive(Clone, Debug)]
pub struct Quirks {
    /// The capabilities in message 127/0, sent to a client that lists 0x574d567a. `None`: not sent, and every message
    /// 127 ends the console, except the key releases that VMware's client begins with (`docs/webmks.md` 7.2).
    pub server_caps: Option<ServerCaps>,
    /// After an update, a client that was sent [`ServerCaps::UPDATE_ACK`] gets no further update until it acknowledges
    /// that one (127/4), whatever it requests (`docs/webmks.md` 7.1). That an acknowledgement of another update does
    /// not count is a guess.
    pub needs_acks: bool,
    /// The effect of a client's SetPixelFormat.
    pub pixel_formats: PixelFormats,
    /// Every other non-incremental request, starting with the first, is answered with one pixel (`docs/webmks.md` 2.3
    /// Q3).
    pub one_pixel_answers: bool,
    /// A non-incremental request is answered with at most this many rows, and each request after it with as many more,
    /// until all are sent (`docs/webmks.md` 2.3 Q4; the number of rows and who has to ask are guesses).
    pub rows_per_answer: Option<NonZero<u16>>,
    /// The host repeats held keys (`docs/webmks.md` 2.3 Q5).
    pub key_repeat: Option<KeyRepeat>,
    /// The keyboard layout of the guest.
    pub layout: Layout,
    /// Every client gets heartbeats (127/4) and sound (127/3, whose length does not include its samples) without a request: tests
    /// check that the gateway removes them.
    pub chatty: bool,
    /// The type of cursor in the pseudo-encoding 0x574d5664.
    pub cursor: CursorShape,
    /// After this many updates a console goes silent, as after [`Host::fall_silent`](crate::Host::fall_silent).
    pub silent_after: Option<NonZero<u64>>,
    /// `RemoteDisplay.vnc.password`: VNC authentication (RFC 6143 section 7.2.2) is the only security type; 8 bytes of
    /// the password count. That hosts ask for it over webmks is documented (`docs/webmks.md` 7.1); that this setting is
    /// the reason is a guess.
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

/// The bits of message 127/0 (`docs/webmks.md` 1.5). A message is accepted only if its bit is set.
///
/// `Default` is the value that a real host announced (`docs/webmks.md` 7.1, one report).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerCaps(pub u32);

impl ServerCaps {
    /// Key events and resolution requests, without acknowledgements.
    pub const PLAIN: Self = Self(Self::KEY_EVENT | Self::RESOLUTION);
    /// Key events by scan code (127/0).
    pub const KEY_EVENT: u32 = 0x2;
    /// Client capabilities (127/3).
    pub const CLIENT_CAPS: u32 = 0x8;
    /// Acknowledgements of updates (127/4); each requests the next update.
    pub const UPDATE_ACK: u32 = 0x20;
    /// Resolution requests (127/5).
    pub const RESOLUTION: u32 = 0x80;
    /// Both bits: key events by Unicode character or JavaScript key code (127/6).
    pub const KEY_EVENT_2: u32 = 0x300;
    /// Acknowledgements of sound (127/7).
    pub const AUDIO_ACK: u32 = 0x400;
    /// Topologies of several monitors (127/10).
    pub const MULTI_MONITOR: u32 = 0x1000;
    /// The size of the client's update cache (127/11).
    pub const UPDATE_CACHE: u32 = 0x2000;
    /// The client's reason for closing (127/12).
    pub const SESSION_CLOSE: u32 = 0x2_0000;
    /// Whether the client wants sound and pictures (127/15).
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

/// The effect of SetPixelFormat. An invalid format always ends the console (`docs/webmks.md` 2.3 Q1), above all a
/// true-colour flag other than 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelFormats {
    /// Pixels are sent in the client's format.
    Honoured,
    /// Every format other than the desktop's own is invalid.
    OnlyNative,
    /// None: pixels keep the desktop's own format (`docs/webmks.md` 2.3 Q2).
    Ignored,
}

/// The timing of key repeat. A repeated key-down from the client restarts the delay, which is a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRepeat {
    /// From key-down to the first repetition.
    pub delay: Duration,
    /// Between repetitions; at least a millisecond.
    pub period: Duration,
}

/// VMware's defaults (`docs/webmks.md` 1.4): 0.5 s, then 30 per second.
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

/// The type of a cursor (`docs/webmks.md` 1.4, DefineCursor).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorShape {
    /// Type 1: RGBA.
    Alpha,
    /// Type 0: an AND mask and an XOR mask in the client's pixel format. A pixel is transparent where every bit of its
    /// AND mask is set, including bits that carry no colour (`docs/webmks.md` 7.2).
    Masks,
}

//! The zlib streams in the viewer's decoders, and how the stream of a new host goes on in them.
//!
//! A decoder of zlib or ZRLE has one inflater for the whole connection (RFC 6143 section 7.7.6), which cannot be reset.
//! A stream that ended with a sync flush (RFC 1951 section 3.2.4, an empty stored block) is at a byte boundary, so that
//! the blocks of another stream may follow: they refer only to bytes of their own stream. The two bytes of that stream's
//! header (RFC 1950 section 2.2) are dropped. Tight has four streams, and bits to reset them.

use rfb_proto::Encoding;
use rfb_proto::server_messages::ScanError;

/// The length of a rectangle's header.
const HEAD: usize = 12;

/// The length field of a rectangle in zlib or ZRLE, and what it counts.
const LENGTH: std::ops::Range<usize> = HEAD..DATA;
const DATA: usize = HEAD + 4;

/// The length of a zlib stream's header.
const ZLIB_HEADER: usize = 2;

/// The bytes of a rectangle, with its header, that [`Streams::adapt`] needs.
pub(super) const ADAPTED: usize = DATA + ZLIB_HEADER;

/// The end of a sync flush.
const SYNC_FLUSH: [u8; 4] = [0, 0, 0xff, 0xff];

/// What the viewer's decoders keep from one rectangle to the next.
#[derive(Debug, Default)]
pub(super) struct Streams {
    zlib: Inflater,
    /// Also of ZYWRLE.
    zrle: Inflater,
    /// The streams of Tight that have been used since their last reset: bit n for stream n.
    tight: u8,
    /// Those of them that the next rectangle has to reset, as they contain data of a lost host.
    tight_resets: u8,
    /// Other encodings whose rectangles depend on earlier ones, of which the viewer has received any.
    others: Vec<Encoding>,
    /// Those of them that it has received from a lost host.
    ended: Vec<Encoding>,
}

/// An inflater that cannot be reset.
#[derive(Debug, Default)]
struct Inflater {
    /// CINFO of the stream that it was opened with: the window's size.
    window: Option<u8>,
    /// The last rectangle ended with a sync flush.
    is_flushed: bool,
    next: Next,
}

/// What the next rectangle contains.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The stream goes on, or begins in an unused inflater.
    #[default]
    Data,
    /// The stream of a new host begins, in an inflater with data of a lost one.
    Header,
    /// Nothing that could follow.
    Nothing,
}

impl Streams {
    /// The viewer has been sent a rectangle with this content, given by its `first` six bytes and its `last` four.
    #[inline]
    pub(super) fn note(&mut self, encoding: Encoding, first: &[u8], last: &[u8]) {
        match encoding {
            Encoding::ZLIB => self.zlib.note(first, last),
            Encoding::ZRLE | Encoding::ZYWRLE => self.zrle.note(first, last),
            Encoding::TIGHT | Encoding::TIGHT_PNG => self.note_tight(first),
            Encoding::ZLIB_HEX | Encoding::JPEG | Encoding::H264 => self.note_other(encoding),
            Encoding::CURSOR_WITH_ALPHA if !is_raw(first) => self.note_other(encoding),
            _ => {}
        }
    }

    /// A new host follows, whose streams begin anew.
    pub(super) fn next_host(&mut self) {
        let (zlib, zrle) = (self.zlib.window.is_some(), self.zrle.window.is_some());
        // libvncclient and UltraVNC have one inflater for both encodings, other viewers have two. If one encoding has
        // not been used, it is not known whether its inflater is unused.
        self.zlib.next_host(zrle);
        self.zrle.next_host(zlib);
        self.tight_resets = self.tight;
        self.ended.clone_from(&self.others);
    }

    /// Whether rectangles of the current host in this encoding can follow what the viewer has received.
    pub(super) fn can_follow(&self, encoding: Encoding) -> bool {
        match encoding {
            Encoding::ZLIB => self.zlib.next != Next::Nothing,
            Encoding::ZRLE | Encoding::ZYWRLE => self.zrle.next != Next::Nothing,
            _ => !self.ended.contains(&encoding),
        }
    }

    /// Whether the next rectangle in this encoding has to be [adapted](Self::adapt).
    #[inline]
    pub(super) fn adapts(&self, encoding: Encoding) -> bool {
        match encoding {
            Encoding::ZLIB => self.zlib.next != Next::Data,
            Encoding::ZRLE | Encoding::ZYWRLE => self.zrle.next != Next::Data,
            Encoding::TIGHT | Encoding::TIGHT_PNG => self.tight_resets != 0,
            _ => self.ended.contains(&encoding),
        }
    }

    /// Changes the first bytes of a rectangle, with its header, so that it follows what the viewer has received.
    ///
    /// # Errors
    /// [`ScanError::Continuation`]: it cannot follow.
    pub(super) fn adapt(&self, encoding: Encoding, bytes: &mut Vec<u8>) -> Result<(), ScanError> {
        let adapted = match encoding {
            Encoding::ZLIB => self.zlib.adapt(bytes),
            Encoding::ZRLE | Encoding::ZYWRLE => self.zrle.adapt(bytes),
            // All decoders read these bits before the kind of compression.
            Encoding::TIGHT | Encoding::TIGHT_PNG => bytes
                .get_mut(HEAD)
                .map(|control| *control |= self.tight_resets),
            _ => self.can_follow(encoding).then_some(()),
        };
        adapted.ok_or(ScanError::Continuation(encoding))
    }

    fn note_tight(&mut self, first: &[u8]) {
        let control = first.first().copied().unwrap_or_default();
        let resets = control & 0x0f;
        self.tight &= !resets;
        self.tight_resets &= !resets;
        let kind = control >> 4;
        if kind < 8 {
            self.tight |= 1 << (kind & 3);
        }
    }

    fn note_other(&mut self, encoding: Encoding) {
        if !self.others.contains(&encoding) {
            self.others.push(encoding);
        }
    }
}

impl Inflater {
    fn note(&mut self, first: &[u8], last: &[u8]) {
        // The first byte of the data, if there is any after the length.
        let Some(first) = first.get(LENGTH.len()) else {
            return;
        };
        self.window.get_or_insert(first >> 4);
        self.is_flushed = last == SYNC_FLUSH;
        self.next = Next::Data;
    }

    fn next_host(&mut self, other_is_used: bool) {
        self.next = match self.window {
            Some(_) if self.is_flushed => Next::Header,
            None if !other_is_used => Next::Data,
            _ => Next::Nothing,
        };
    }

    /// Drops the stream's header from a rectangle, if the stream can follow the one before.
    fn adapt(&self, bytes: &mut Vec<u8>) -> Option<()> {
        let length = u32::from_be_bytes(*bytes.get(LENGTH)?.first_chunk()?);
        match self.next {
            Next::Data => return Some(()),
            Next::Header if length == 0 => return Some(()),
            Next::Header => {}
            Next::Nothing => return None,
        }
        let rest = length.checked_sub(2)?;
        let header = *bytes.get(DATA..)?.first_chunk()?;
        if !self.takes(header) {
            return None;
        }
        bytes.get_mut(LENGTH)?.copy_from_slice(&rest.to_be_bytes());
        bytes.drain(DATA..ADAPTED);
        Some(())
    }

    /// Whether a stream with this header can follow: deflate (CM 8) with a window that is not larger, a valid check, and
    /// no preset dictionary (RFC 1950 section 2.2).
    fn takes(&self, header: [u8; ZLIB_HEADER]) -> bool {
        let [cmf, flags] = header;
        cmf & 0x0f == 8
            && self.window.is_some_and(|window| cmf >> 4 <= window)
            && u16::from_be_bytes(header).is_multiple_of(31)
            && flags & 0x20 == 0
    }
}

/// Whether a Cursor With Alpha has its pixels in Raw.
fn is_raw(first: &[u8]) -> bool {
    first.get(..4) == Some(&Encoding::RAW.0.to_be_bytes())
}

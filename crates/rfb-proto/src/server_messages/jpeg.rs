//! JPEG: a file whose length is not sent, so that its segments have to be parsed (rfbproto, "JPEG Encoding"; ITU T.81
//! annex B).

use super::ScanError;
use super::step::{Read, Step};
use crate::Encoding;

const RESTART_FIRST: u8 = 0xd0;
const RESTART_LAST: u8 = 0xd7;
const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;
const TEMPORARY: u8 = 0x01;

const LOST: ScanError = ScanError::Rectangle(Encoding::JPEG);

/// The state within a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Jpeg {
    /// Before the first marker.
    Start,
    /// Before a marker and its segment.
    Marker,
    /// Within entropy-coded data.
    Scan,
}

impl Jpeg {
    pub(super) fn read(self, input: &[u8]) -> Read<Self> {
        match (self, input) {
            (Self::Scan, _) => Ok(scan(input)),
            (Self::Start, [0xff, START_OF_IMAGE, ..]) => Ok(Some((2, next(0, Self::Marker)))),
            (Self::Start, [0xff, _, ..]) => Err(LOST),
            // A marker may follow any number of fill bytes.
            (Self::Marker, [0xff, 0xff, ..]) => Ok(Some((1, next(0, Self::Marker)))),
            (Self::Marker, [0xff, marker, rest @ ..]) => segment(*marker, rest),
            (_, [] | [0xff]) => Ok(None),
            _ => Err(LOST),
        }
    }
}

fn segment(marker: u8, rest: &[u8]) -> Read<Jpeg> {
    let after = match marker {
        END_OF_IMAGE => return Ok(Some((2, Step::END))),
        TEMPORARY | RESTART_FIRST..=RESTART_LAST => return Ok(Some((2, next(0, Jpeg::Marker)))),
        0 | START_OF_IMAGE => return Err(LOST),
        START_OF_SCAN => Jpeg::Scan,
        _ => Jpeg::Marker,
    };
    let Some(&length) = rest.first_chunk() else {
        return Ok(None);
    };
    // The length includes its own two bytes.
    let skip = u16::from_be_bytes(length).checked_sub(2).ok_or(LOST)?;
    Ok(Some((4, next(skip.into(), after))))
}

/// In entropy-coded data, 0xff is followed by zero or by a restart marker; any other byte after it is the next marker.
fn scan(input: &[u8]) -> Option<(usize, Step<Jpeg>)> {
    let mut at = 0;
    while let Some(rest) = input.get(at..).filter(|rest| !rest.is_empty()) {
        let run = rest.iter().position(|&byte| byte == 0xff);
        at += run.unwrap_or(rest.len());
        match run.and_then(|run| rest.get(run + 1)) {
            Some(0 | RESTART_FIRST..=RESTART_LAST) => at += 2,
            Some(_) => return Some((at, next(0, Jpeg::Marker))),
            None => break,
        }
    }
    (at > 0).then_some((at, next(0, Jpeg::Scan)))
}

const fn next(skip: u64, jpeg: Jpeg) -> Step<Jpeg> {
    let next = Some(jpeg);
    Step { skip, next }
}

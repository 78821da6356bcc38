//! Recorded sessions of real servers: the server is lost at many bytes, and the same one begins anew.

use super::decoder::{Decoder, Shown};
use super::recorded::recordings;
use super::splice::listed;
use super::*;

/// The most cuts in each recording, spread evenly: more where rectangles are held.
const CUTS: usize = 1500;
const PLAIN_CUTS: usize = 60;

/// ServerInit in the format that was requested, and what followed.
struct Recording {
    name: String,
    format: PixelFormat,
    init: Vec<u8>,
    updates: Vec<u8>,
}

impl Recording {
    fn all() -> Vec<Self> {
        let all = recordings("rfb").into_iter().map(|(name, recorded)| {
            let (format, bytes) = recorded.split_first_chunk::<16>().unwrap();
            let mut init = bytes.to_vec();
            init[4..20].copy_from_slice(format);
            let updates = init.split_off(24 + usize::from(bytes[23]));
            let format = PixelFormat::parse(format);
            Self {
                name,
                format,
                init,
                updates,
            }
        });
        all.collect()
    }

    fn begin(&self, piece: usize) -> (Session, Decoder) {
        let mut dialogue = Dialogue::new(InputSettings::default(), false, HostKind::Unknown);
        dialogue.hold_rectangles();
        let mut session = Session { dialogue, piece };
        let mut decoder = Decoder::new();
        session.viewer(&[1]);
        decoder.read(&session.host(&self.init));
        let list = [
            Encoding::ZRLE,
            Encoding::ZYWRLE,
            Encoding::TIGHT,
            Encoding::TIGHT_PNG,
            Encoding::LAST_RECT,
        ];
        // In one of the recordings there is zlib, which is not used together with ZRLE.
        let zlib = self.name.contains("zlib");
        session.sets_encodings(if zlib { &[Encoding::ZLIB] } else { &list });
        (session, decoder)
    }

    fn shown(&self) -> Shown {
        let (mut session, mut decoder) = self.begin(usize::MAX);
        decoder.read(&session.host(&self.updates));
        assert!(decoder.is_between_messages(), "{}", self.name);
        decoder.shown
    }
}

#[test]
fn recorded_servers_are_relayed_unchanged_where_rectangles_are_held() {
    for recording in Recording::all() {
        for piece in [1, 7, 64, 1000, usize::MAX] {
            let (mut session, _) = recording.begin(piece);
            let got = session.host(&recording.updates);
            assert!(got == recording.updates, "{} in {piece}", recording.name);
        }
    }
}

#[test]
fn every_recorded_server_goes_on_after_a_cut() {
    let (mut used, mut cuts) = (0, 0);
    for recording in Recording::all() {
        let Recording {
            name,
            format,
            updates,
            ..
        } = &recording;
        let shown = recording.shown();
        let plain = ["raw", "rre", "hextile"];
        let is_plain = plain.iter().any(|encoding| name.contains(encoding));
        let most = if is_plain { PLAIN_CUTS } else { CUTS };
        for cut in (0..updates.len()).step_by(updates.len().div_ceil(most)) {
            let (mut session, mut decoder) = recording.begin(usize::MAX);
            decoder.read(&session.host(&updates[..cut]));
            let mut got = Got::default();
            session.dialogue.host_lost(&mut got).unwrap();
            got.bytes.append(&mut got.own);
            decoder.read(&got.bytes);
            assert!(decoder.is_between_messages(), "{name} cut at {cut}");
            let sent = session.dialogue.host_back(shown.size, *format).unwrap();
            let list = listed(&sent);
            for encoding in decoder.got.iter().filter(|encoding| encoding.0 > 5) {
                assert!(list.contains(encoding), "{name} cut at {cut}: {encoding:?}");
                used += 1;
            }
            decoder.read(&session.host(updates));
            assert!(decoder.is_between_messages(), "{name} cut at {cut}");
            assert_eq!(decoder.shown, shown, "{name} cut at {cut}");
            cuts += 1;
        }
    }
    assert!(used > 5000 && cuts > 4000, "{used} {cuts}");
}

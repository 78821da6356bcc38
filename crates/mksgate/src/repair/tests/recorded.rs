//! What real servers sent passes unchanged, however it is cut, to a viewer for whom nothing has to be repaired.

use super::*;

#[test]
fn every_recording_comes_out_as_it_went_in_at_every_cut() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../rfb-proto/tests/recorded");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rfb") {
            continue;
        }
        let recorded = std::fs::read(&path).unwrap();
        let (format, stream) = recorded.split_first_chunk().unwrap();
        if PixelFormat::parse(format) != PixelFormat::VMWARE {
            continue;
        }
        for piece in [1, 2, 3, 7, 13, 64, 300, 5000, usize::MAX] {
            let repair = Repair::new(Habits::default(), false);
            let mut session = Session { repair, piece };
            session.viewer(&[1]);
            // All that these servers were asked for.
            session.lists(&[Encoding::VMWARE_CURSOR, Encoding::VMWARE_LED_STATE]);
            let heard = session.host(stream);
            assert!(heard == stream, "{} in pieces of {piece}", path.display());
        }
        seen += 1;
    }
    assert_eq!(seen, 10);
}

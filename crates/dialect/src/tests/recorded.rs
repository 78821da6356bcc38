//! Recorded sessions of real servers and viewers (`crates/rfb-proto/tests/recorded`) at every cut: the output does not
//! depend on the cut, and a viewer that needs no translation receives every byte unchanged.

use std::path::PathBuf;

use super::*;

/// The recordings with this file extension, by name.
pub(super) fn recordings(extension: &str) -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../rfb-proto/tests/recorded");
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let chosen = paths.filter(|path| path.extension().is_some_and(|found| found == extension));
    let named = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read(&path).unwrap())
    };
    chosen.map(named).collect()
}

/// A session in which keys are not delayed.
fn begun(encodings: &[Encoding]) -> Dialogue {
    let mut dialogue = Dialogue::new(InputSettings::default(), false, HostKind::Vmware);
    dialogue.stop_holding_keys();
    let mut sent = BytesMut::new();
    Message::ClientInit { shared: true }.write(&mut sent);
    client_messages::set_encodings(encodings.iter().copied(), &mut sent);
    let mut host = BytesMut::new();
    dialogue.receive_from_viewer(&sent, &mut host).unwrap();
    dialogue
}

/// What a viewer receives that has listed all encodings of the recording.
fn got<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut dialogue = begun(&[Encoding::LAST_RECT, Encoding::EXTENDED_DESKTOP_SIZE]);
    let mut got = Got::default();
    for piece in pieces {
        got.run = piece.to_vec();
        dialogue.receive_from_host(piece, &mut got).unwrap();
    }
    got.bytes.append(&mut got.own);
    got.bytes
}

#[test]
fn recorded_servers_are_relayed_unchanged_at_every_cut() {
    let mut seen = 0;
    for (name, recorded) in recordings("rfb") {
        let (format, bytes) = recorded.split_first_chunk::<16>().unwrap();
        // The recorded pixels are in the requested format: as the native format of the server, nothing is converted.
        let mut bytes = bytes.to_vec();
        bytes[4..20].copy_from_slice(format);
        for size in [1, 2, 3, 7, 64, 1000, usize::MAX] {
            assert!(
                got(bytes.chunks(size)) == bytes,
                "{name} in pieces of {size}"
            );
        }
        for at in 0..bytes.len() {
            assert!(
                got([&bytes[..at], &bytes[at..]]) == bytes,
                "{name} cut at {at}"
            );
        }
        seen += 1;
    }
    assert_eq!(seen, 22);
}

/// What a host is sent that takes VMware's messages or not.
fn translated<'a>(caps: bool, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut dialogue = Dialogue::new(german(), false, HostKind::Vmware);
    dialogue.stop_holding_keys();
    let mut init = vec![0, 144, 0, 96];
    PixelFormat::VMWARE.write(&mut init);
    init.extend([0; 4]);
    if caps {
        init.extend(super::caps(0x82));
    }
    let mut got = Got {
        run: init.clone(),
        ..Got::default()
    };
    dialogue.receive_from_host(&init, &mut got).unwrap();
    let (mut host, mut waiting) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        waiting.extend_from_slice(piece);
        let length = dialogue.receive_from_viewer(&waiting, &mut host).unwrap();
        waiting.drain(..length);
    }
    assert!(waiting.is_empty(), "a whole number of messages");
    host.to_vec()
}

#[test]
fn recorded_viewers_are_translated_equally_at_every_cut() {
    let mut seen = 0;
    for (name, sent) in recordings("viewer") {
        for caps in [true, false] {
            let whole = translated(caps, [&sent[..]]);
            assert_eq!(whole[0], sent[0], "{name}: ClientInit");
            for size in [1, 2, 3, 7, 64] {
                let cut = translated(caps, sent.chunks(size));
                assert!(cut == whole, "{name} in pieces of {size}");
            }
            for at in 0..sent.len() {
                let cut = translated(caps, [&sent[..at], &sent[at..]]);
                assert!(cut == whole, "{name} cut at {at}");
            }
        }
        seen += 1;
    }
    assert_eq!(seen, 6);
}

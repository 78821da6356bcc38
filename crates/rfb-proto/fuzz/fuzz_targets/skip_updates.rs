#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (mut bytes, mut scanner, mut skipped) =
        (bytes, rfb_proto::server_messages::ServerScanner::new(), 0);
    while let Ok(Some(piece)) = scanner.scan(bytes) {
        bytes = &bytes[piece.bytes.len()..];
        skipped = if skipped > 0 {
            skipped - piece.bytes.len()
        } else {
            scanner.clone().skip_pictures(bytes, |_| true)
        };
    }
    assert_eq!(skipped, 0, "scan reads the same bytes as skip_pictures");
});

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (mut bytes, mut scanner) = (bytes, rfb_proto::server_messages::ServerScanner::new());
    while let Ok(Some(piece)) = scanner.scan(bytes) {
        assert!(!piece.bytes.is_empty());
        bytes = &bytes[piece.bytes.len()..];
    }
});

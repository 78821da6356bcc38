#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (mut bytes, mut update, mut past) =
        (bytes, rfb_proto::server_messages::ServerScanner::new(), 0);
    while let Ok(Some(piece)) = update.scan(bytes) {
        bytes = &bytes[piece.bytes.len()..];
        past = if past > 0 {
            past - piece.bytes.len()
        } else {
            update.clone().skip_pictures(bytes, |_| {})
        };
    }
    assert_eq!(past, 0, "a scan goes over just as much");
});

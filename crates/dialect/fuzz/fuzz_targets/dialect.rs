#![no_main]

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8], &[u8], &[u8])| {
    let (piece, viewer, host, next) = input;
    let measured = dialect::measure(viewer, &[host, next, next], piece.into());
    assert!(measured.is_bounded(), "{measured:?}");
});

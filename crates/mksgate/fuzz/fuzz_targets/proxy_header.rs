#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = mksgate::parse_proxy_header(input);
});

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = gateway::parse_proxy_header(input);
});

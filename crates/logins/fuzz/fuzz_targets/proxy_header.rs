#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = logins::proxy_header::parse(input);
});

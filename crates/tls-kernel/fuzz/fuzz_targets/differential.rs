#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

// The same records to rustls and to our record layer have the same result.
libfuzzer_sys::fuzz_target!(|script: &[u8]| support::differ::run(script));

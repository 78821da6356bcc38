#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

// The same records to rustls and to us: whatever they are, the two cannot be told apart.
libfuzzer_sys::fuzz_target!(|script: &[u8]| support::differ::run(script));

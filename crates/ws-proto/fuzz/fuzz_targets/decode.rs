#![no_main]
use ws_proto::{Decoder, Role};

libfuzzer_sys::fuzz_target!(|input: (bool, &[u8])| {
    let mut decoder = Decoder::new(if input.0 { Role::Client } else { Role::Server });
    let mut bytes = input.1.into();
    while let Ok(Some(_)) = decoder.decode(&mut bytes) {}
});

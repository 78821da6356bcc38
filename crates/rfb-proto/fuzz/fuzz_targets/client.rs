#![no_main]
use rfb_proto::{Client, VncPassword};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut client = Client::new(VncPassword::new("secret").ok());
    let _ = client.advance(&mut input.into(), &mut Default::default());
});

#![no_main]
use rfb_proto::{Client, Password, VncPassword};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut client =
        Client::new(VncPassword::new("secret").ok()).with_user("anne", Password::new("secret"));
    let (mut input, mut output) = (input.into(), Default::default());
    // The second time as if TLS were established.
    let _ = client.advance(&mut input, &mut output);
    let _ = client.advance(&mut input, &mut output);
});

#![no_main]
use rfb_proto::{SecurityType, Server};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut output = Default::default();
    let mut server = Server::new(
        &[SecurityType::VncPassword, SecurityType::None],
        [0; 16],
        &mut output,
    );
    let _ = server.advance(&mut input.into(), &mut output);
});

#![no_main]
use rfb_proto::SecurityType::{None, VncPassword, X509None, X509Plain, X509Vnc};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let (mut input, mut output) = (input.into(), Default::default());
    let offer = [X509Plain, X509Vnc, X509None, VncPassword, None];
    let mut server = rfb_proto::Server::new(&offer, [0; 16], &mut output);
    // The second time as if TLS were established.
    let _ = server.advance(&mut input, &mut output);
    let _ = server.advance(&mut input, &mut output);
    let _ = server.refuse("no", &mut output);
});

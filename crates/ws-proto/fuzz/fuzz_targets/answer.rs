#![no_main]
use ws_proto::Upgrade;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let upgrade = Upgrade::new("host", "/", Some("binary"), [0; 16], &[]).unwrap();
    let _ = upgrade.read_answer(&mut input.into());
});

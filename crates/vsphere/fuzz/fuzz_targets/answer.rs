#![no_main]

libfuzzer_sys::fuzz_target!(|answer: &[u8]| vsphere::read_answer(answer));

#![no_main]
use rfb_proto::{Area, Converter, Encoding, PixelFormat, RectangleConverter};

libfuzzer_sys::fuzz_target!(|input: (i32, [u16; 4], [u8; 16], &[u8])| {
    let (encoding, [x, y, width, height], format, bytes) = input;
    let Some(converter) = Converter::new(PixelFormat::VMWARE, PixelFormat::parse(&format)) else {
        return;
    };
    let mut rectangle_converter = RectangleConverter::default();
    rectangle_converter.begin(
        Encoding(encoding),
        Area {
            x,
            y,
            width,
            height,
        },
    );
    rectangle_converter.run(&converter, bytes, &mut Vec::new());
});

//! Sequences of updates: their ends, changes of format and size, unknown messages; and any bytes at any cut.

use super::*;

#[test]
fn unknown_input_is_reported_and_not_consumed() {
    let bytes = an_update(&[
        rectangle([0, 0, 1, 1], Encoding::COPY_RECT, &[0; 4]),
        rectangle([0, 0, 1, 1], Encoding::VMWARE_TOPOLOGY, &[0; 4]),
    ]);
    let (received, left, mut at) = follow(update(LOW), &[&bytes]);
    let lost = ScanError::Encoding(Encoding::VMWARE_TOPOLOGY);
    assert_eq!((received.len(), left), (3, Err(lost)));
    assert!(at.is_between_rectangles() && !at.is_between_messages());
    assert_eq!(at.scan(&bytes[20..]), Err(lost), "again");
    assert_eq!(lost.to_string(), "encoding 1464686208 is not known");

    for kind in [4, 126, 251, 254] {
        let violation = Violation::UnknownMessage { kind, sub: None };
        assert_eq!(
            update(LOW).scan(&[kind]),
            Err(ScanError::Message(violation))
        );
    }
    let lost = update(LOW).scan(&[255, 0]).unwrap_err();
    assert_eq!(lost.to_string(), "message type 255/0 is not known");
    let malformed = |what| Err(ScanError::Message(Violation::Malformed(what)));
    assert_eq!(update(LOW).scan(&[127, 4, 0, 3]), malformed("VMware"));
    assert_eq!(update(LOW).scan(&[255, 1, 0, 3]), malformed("QEMU audio"));

    // The image of a cursor with alpha has an encoding, and not a pseudo-encoding.
    let nested = Encoding::DESKTOP_SIZE.0.to_be_bytes();
    let bytes = an_update(&[rectangle([0; 4], Encoding::CURSOR_WITH_ALPHA, &nested)]);
    let (_, left, _) = follow(update(LOW), &[&bytes]);
    assert_eq!(left, Err(ScanError::Encoding(Encoding::DESKTOP_SIZE)));

    let odd = PixelFormat {
        bits_per_pixel: 24,
        ..PixelFormat::VMWARE
    };
    let bytes = an_update(&[rectangle([0; 4], Encoding::RAW, &[])]);
    assert_eq!(follow(update(odd), &[&bytes]).1, Err(ScanError::Pixels(24)));
}

#[test]
fn an_update_ends_with_its_last_rectangle_or_with_last_rect() {
    let one = rectangle([0, 0, 1, 1], Encoding::RAW, &[0; 4]);
    let mark = rectangle([0; 4], Encoding::LAST_RECT, &[]);
    let open = [vec![0, 0, 0xff, 0xff], one.clone(), mark, vec![2]].concat();
    let (received, left, at) = follow(update(PixelFormat::VMWARE), &[&open]);
    assert_eq!((received.last().unwrap().as_str(), left), ("Bell", Ok(0)));
    assert!(at.is_between_messages());

    let counted = an_update(&[one.clone(), one]);
    let mut at = update(PixelFormat::VMWARE);
    let mut boundaries = Vec::new();
    let mut rest = &counted[..];
    while let Some(piece) = at.scan(rest).unwrap() {
        rest = &rest[piece.bytes.len()..];
        boundaries.push((at.is_between_rectangles(), at.is_between_messages()));
    }
    let (inside, between, end) = ((false, false), (true, false), (true, true));
    assert_eq!(boundaries, [between, inside, between, inside, end]);
}

#[test]
fn a_new_format_is_in_force_from_the_next_update() {
    let mut at = update(PixelFormat::VMWARE);
    let begun = an_update(&[rectangle([0, 0, 3, 1], Encoding::RAW, &[0; 12])]);
    assert!(at.scan(&begun).unwrap().is_some());
    at.set_pixel_format(RGB565);
    let (received, left, at) = follow(at, &[&begun[4..]]);
    assert_eq!((received[1].as_str(), left), ("Rectangle 12", Ok(0)));
    assert_eq!(at.pixel_format(), PixelFormat::VMWARE);
    let next = an_update(&[rectangle([0, 0, 3, 1], Encoding::RAW, &[0; 6])]);
    let (received, left, at) = follow(at, &[&next]);
    assert_eq!((received[2].as_str(), left), ("Rectangle 6", Ok(0)));
    assert_eq!(at.pixel_format(), RGB565);
}

#[test]
fn vmwares_display_mode_change_is_in_force_at_once() {
    let mut format = Vec::new();
    RGB565.write(&mut format);
    let bytes = an_update(&[
        rectangle([0; 4], Encoding::VMWARE_DISPLAY_MODE, &format),
        rectangle([0, 0, 3, 1], Encoding::RAW, &[0; 6]),
    ]);
    for cut in 0..bytes.len() {
        let pieces = [&bytes[..cut], &bytes[cut..]];
        let (received, left, at) = follow(update(PixelFormat::VMWARE), &pieces);
        assert_eq!(
            (received[2].as_str(), received[4].as_str()),
            ("Rectangle 16", "Rectangle 6")
        );
        assert_eq!((left, at.pixel_format()), (Ok(0), RGB565));
    }
}

#[test]
fn the_size_changes_except_where_a_request_was_refused() {
    let sized = |x, y, encoding, payload: &[u8]| {
        let bytes = an_update(&[rectangle([x, y, 640, 480], encoding, payload)]);
        follow(update(LOW), &[&bytes]).2.size()
    };
    let screens = [0; 4];
    assert_eq!(sized(9, 9, Encoding::DESKTOP_SIZE, &[]), (640, 480));
    for (x, y, size) in [
        (0, 0, (640, 480)),
        (1, 0, (640, 480)),
        (1, 3, (1024, 768)),
        (2, 0, (640, 480)),
    ] {
        let found = sized(x, y, Encoding::EXTENDED_DESKTOP_SIZE, &screens);
        assert_eq!(found, size, "x {x}, y {y}");
    }
}

/// Valid beginnings for all states, and then any bytes.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let encoding = prop::sample::select(vec![
        0,
        1,
        2,
        4,
        5,
        6,
        7,
        8,
        15,
        15,
        16,
        21,
        21,
        50,
        -223,
        -224,
        -239,
        -240,
        -260,
        -260,
        -307,
        -308,
        -314,
        -314,
        0x574d_5614,
        0x574d_5664,
        0x574d_5669,
        0x574d_567f,
    ]);
    let small = || 0..20_u16;
    let bytes = || prop::collection::vec(prop_oneof![0..4_u8, any::<u8>(), Just(0xff)], 0..80);
    let a_rectangle = (small(), small(), encoding, bytes())
        .prop_map(|(w, h, encoding, bytes)| rectangle([0, 0, w, h], Encoding(encoding), &bytes));
    let message = prop_oneof![
        prop::collection::vec(a_rectangle, 0..4).prop_map(|list| an_update(&list)),
        (
            prop::sample::select(vec![1, 2, 3, 127, 150, 248, 250, 253, 255]),
            bytes()
        )
            .prop_map(|(kind, rest)| [vec![kind], rest].concat()),
    ];
    prop::collection::vec(message, 0..4).prop_map(|messages| messages.concat())
}

proptest! {
    #[test]
    fn any_server_is_parsed_equally_at_every_cut(
        bytes in hostile(),
        cuts in prop::array::uniform2(any::<prop::sample::Index>()),
        format in prop::sample::select(vec![PixelFormat::VMWARE, RGB565, LOW]),
    ) {
        let receive = |pieces: &[&[u8]]| {
            let (received, left, at) = follow(update(format), pieces);
            (received, left, at.size(), at.pixel_format(), at.is_between_messages())
        };
        let whole = receive(&[&bytes]);
        let mut cuts = cuts.map(|cut| cut.index(bytes.len() + 1));
        cuts.sort_unstable();
        let [a, b] = cuts;
        prop_assert_eq!(&receive(&[&bytes[..a], &bytes[a..b], &bytes[b..]]), &whole);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&receive(&single), &whole);
    }
}

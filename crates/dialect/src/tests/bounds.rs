//! Output and memory are bounded by the input and by the size of the screen.

use proptest::prelude::*;

use super::*;
use crate::bounds::measure;

/// An update that announces 60,000 rectangles and ends after one.
fn ends_early() -> Vec<u8> {
    let pixel = Area {
        width: 1,
        height: 1,
        ..Area::default()
    };
    let one = rectangle(pixel, Encoding::COPY_RECT, &[0, 0, 0, 0]);
    [&head(60_000)[..], &one, &last_rect()].concat()
}

#[test]
fn announced_rectangles_that_never_arrive_add_no_bytes() {
    for list in [&[][..], &[Encoding::LAST_RECT]] {
        for requests in [true, false] {
            let mut session = Session::vmware(InputSettings::default());
            session.sets_encodings(list);
            if requests {
                session.requests_everything(false);
            }
            let sent = ends_early();
            let mut got = session.host(&sent);
            got.extend(session.host(&head(0)));
            assert!(got.len() <= sent.len() + 64, "{} bytes", got.len());
        }
    }
}

#[test]
fn updates_that_end_early_take_no_memory() {
    let mut session = Session::vmware(InputSettings::default());
    let sent = ends_early().repeat(100);
    let got = session.host(&sent);
    assert!(got.len() <= sent.len() + 100 * 64, "{} bytes", got.len());
}

/// ClientInit, and the encodings and requests of a viewer.
fn viewer() -> impl Strategy<Value = Vec<u8>> {
    let list = prop::collection::vec(
        prop::sample::select(vec![
            0,
            1,
            2,
            5,
            7,
            16,
            -223,
            -224,
            -239,
            -257,
            -258,
            -307,
            -308,
            -316,
            0x574d_5664,
        ]),
        0..12,
    );
    let formats = [
        PixelFormat::VMWARE,
        PixelFormat {
            red_shift: 0,
            blue_shift: 16,
            ..PixelFormat::VMWARE
        },
        PixelFormat {
            bits_per_pixel: 8,
            depth: 8,
            true_colour: false,
            ..PixelFormat::VMWARE
        },
    ];
    let format = prop::option::of(prop::sample::select(formats.to_vec()));
    let requests = prop::collection::vec(any::<bool>(), 0..4);
    (list, format, requests).prop_map(|(list, format, requests)| {
        let mut sent = vec![1];
        let mut bytes = BytesMut::new();
        client_messages::set_encodings(list.into_iter().map(Encoding), &mut bytes);
        if let Some(format) = format {
            Message::SetPixelFormat(format).write(&mut bytes);
        }
        for incremental in requests {
            let area = EVERYTHING;
            Message::UpdateRequest(UpdateRequest { incremental, area }).write(&mut bytes);
        }
        sent.extend_from_slice(&bytes);
        sent
    })
}

/// Bytes of a host, any of which may be wrong.
pub(super) fn host() -> impl Strategy<Value = Vec<u8>> {
    let small = || prop_oneof![4 => 0..70_u16, 1 => any::<u16>()];
    let area = (small(), small(), small(), small()).prop_map(|(x, y, width, height)| Area {
        x,
        y,
        width,
        height,
    });
    let encodings = vec![
        0,
        0,
        1,
        2,
        5,
        7,
        16,
        -223,
        -223,
        -224,
        -224,
        -239,
        -258,
        -307,
        -308,
        0x574d_5665,
        0x574d_5668,
        77,
    ];
    let payload = prop_oneof![
        4 => Just(vec![0; 4]),
        4 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (0..20_000_usize).prop_map(|length| vec![7; length]),
    ];
    let a_rectangle = (
        area.clone(),
        prop::sample::select(encodings),
        payload,
        any::<bool>(),
    )
        .prop_map(|(area, number, payload, whole)| match (number, whole) {
            (0, true) if area.pixels() < 10_000 => raw(area),
            _ => rectangle(area, Encoding(number), &payload),
        });
    let announced = prop_oneof![6 => 0..6_u16, 1 => Just(60_000), 1 => Just(u16::MAX)];
    let message = prop_oneof![
        6 => announced.prop_map(head),
        6 => a_rectangle,
        1 => Just(caps(0x82)),
        1 => Just(caps(0x2)),
        1 => Just(vec![2]),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ];
    let narrow = PixelFormat {
        bits_per_pixel: 8,
        depth: 8,
        red_max: 7,
        green_max: 7,
        blue_max: 3,
        red_shift: 0,
        green_shift: 3,
        blue_shift: 6,
        ..PixelFormat::VMWARE
    };
    let format = prop::sample::select(vec![PixelFormat::VMWARE, narrow]);
    (format, prop::collection::vec(message, 0..40)).prop_map(|(format, messages)| {
        let mut init = BytesMut::from(&[0, 64, 0, 48][..]);
        format.write(&mut init);
        init.extend_from_slice(&[0; 4]);
        [init.to_vec(), messages.concat()].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_limits_hold_for_any_host(
        viewer in viewer(),
        host in prop_oneof![4 => host(), 1 => prop::collection::vec(any::<u8>(), 0..400)],
        piece in prop_oneof![Just(usize::MAX), 1..60_usize],
    ) {
        for hosts in [&[&host[..]][..], &[&host, host.get(24..).unwrap_or_default(), &host]] {
            let measured = measure(&viewer, hosts, piece);
            prop_assert!(measured.is_bounded(), "{measured:?}");
        }
    }
}

#[test]
fn an_update_that_is_held_back_takes_no_more_than_the_screen() {
    let screen = 64 * 48 * 4;
    let mut session = Session::vmware(InputSettings::default());
    // Each draws the whole screen.
    let stream = [head(200), raw(EVERYTHING).repeat(200)].concat();
    let got = session.host(&stream);
    assert!(got == stream, "as it is");
    let most = screen + screen / 8 + 64 * 1024 + 32 * 1024;
    let mut viewer = BytesMut::from(&[1][..]);
    client_messages::set_encodings([Encoding::RAW], &mut viewer);
    let mut init = vec![0, 64, 0, 48];
    PixelFormat::VMWARE.write(&mut init);
    init.extend([0; 4]);
    let host = [&init[..], &caps(0x82), &stream].concat();
    let measured = measure(&viewer, &[&host], 16 * 1024);
    assert!(measured.is_bounded(), "{measured:?}");
    assert!(measured.memory.0 > screen, "it was held: {measured:?}");
    assert!(measured.memory.0 < most, "{measured:?}");
}

//! Arbitrary sessions: each rectangle of the host reaches the viewer once and in order, in updates with the announced
//! number of rectangles, at every cut.

use proptest::prelude::*;
use rfb_proto::server_messages::{Message as ServerMessage, ServerScanner};

use super::*;

const LISTED: [Encoding; 9] = [
    Encoding::LAST_RECT,
    Encoding::QEMU_EXTENDED_KEY,
    Encoding::EXTENDED_MOUSE_BUTTONS,
    Encoding::EXTENDED_DESKTOP_SIZE,
    Encoding::QEMU_POINTER_MOTION,
    Encoding::VMWARE_CURSOR,
    Encoding::DESKTOP_NAME,
    Encoding::HEXTILE,
    Encoding::VMWARE_LED_STATE,
];

#[derive(Debug, Clone)]
enum Act {
    Requests {
        incremental: bool,
    },
    /// Those of [`LISTED`] whose bit is set.
    Lists(u16),
    WantsRedForBlue(bool),
    Update {
        rectangles: Vec<Rectangle>,
        counted: bool,
    },
    /// Other than an update.
    Sends(&'static [u8]),
    NothingMoreComes,
}

#[derive(Debug, Clone)]
enum Rectangle {
    Raw(Area),
    Copy(Area),
    CursorState(u8),
    Lights,
}

impl Rectangle {
    fn write(&self) -> Vec<u8> {
        let nowhere = Area::default();
        match *self {
            Self::Raw(area) => raw(area),
            Self::Copy(area) => rectangle(area, Encoding::COPY_RECT, &[0, 1, 0, 2]),
            Self::CursorState(bits) => {
                rectangle(nowhere, Encoding::VMWARE_CURSOR_STATE, &[0, bits])
            }
            Self::Lights => rectangle(nowhere, Encoding::VMWARE_LED_STATE, &[0, 0, 0, 4]),
        }
    }

    /// What the viewer is expected to receive of it.
    const fn seen(&self) -> Option<(Area, Encoding)> {
        match *self {
            Self::Raw(area) => Some((area, Encoding::RAW)),
            Self::Copy(area) => Some((area, Encoding::COPY_RECT)),
            Self::CursorState(_) | Self::Lights => None,
        }
    }
}

fn area() -> impl Strategy<Value = Area> {
    let part = (0..60_u16, 0..44_u16).prop_flat_map(|(x, y)| {
        (1..=SIZE.0 - x, 1..=SIZE.1 - y).prop_map(move |(width, height)| Area {
            x,
            y,
            width,
            height,
        })
    });
    prop_oneof![6 => part, 1 => Just(EVERYTHING)]
}

fn a_rectangle() -> impl Strategy<Value = Rectangle> {
    prop_oneof![
        4 => area().prop_map(Rectangle::Raw),
        2 => area().prop_map(Rectangle::Copy),
        1 => (0..4_u8).prop_map(Rectangle::CursorState),
        1 => Just(Rectangle::Lights),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    const CAPS: [&[u8]; 3] = [
        &[127, 0, 0, 8, 0, 0, 0, 2],
        &[127, 0, 0, 8, 0, 0, 0, 0x82],
        &[127, 0, 0, 8, 2, 0x10, 0x20, 0xbf],
    ];
    let others = [
        CAPS[0],
        CAPS[1],
        CAPS[2],
        &[2],
        &[127, 4, 0, 6, 0, 9],
        &[3, 0, 0, 0, 0, 0, 0, 2, b'h', b'i'],
    ];
    let update = (prop::collection::vec(a_rectangle(), 0..5), any::<bool>());
    prop_oneof![
        3 => any::<bool>().prop_map(|incremental| Act::Requests { incremental }),
        2 => any::<u16>().prop_map(Act::Lists),
        1 => any::<bool>().prop_map(Act::WantsRedForBlue),
        8 => update.prop_map(|(rectangles, counted)| Act::Update { rectangles, counted }),
        3 => prop::sample::select(others.to_vec()).prop_map(Act::Sends),
        1 => Just(Act::NothingMoreComes),
    ]
}

/// A viewer that parses what it receives.
struct Reader {
    update: ServerScanner,
    rest: Vec<u8>,
    seen: Vec<(Area, Encoding)>,
    padded: bool,
    last_rect: bool,
}

impl Reader {
    fn new() -> Self {
        let mut update = ServerScanner::new();
        let mut init = vec![0, 64, 0, 48];
        PixelFormat::VMWARE.write(&mut init);
        init.extend([0, 0, 0, 0]);
        assert!(update.scan(&init).unwrap().is_some());
        Self {
            update,
            rest: Vec::new(),
            seen: Vec::new(),
            padded: false,
            last_rect: false,
        }
    }

    fn read(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(piece) = self.update.scan(&self.rest[at..]).unwrap() {
            at += piece.bytes.len();
            let ServerMessage::Rectangle { area, encoding } = piece.message else {
                continue;
            };
            self.last_rect |= encoding == Encoding::LAST_RECT;
            if encoding.is_image() {
                self.padded |= area.pixels() == 0;
                self.seen.push((area, encoding));
            }
        }
        self.rest.drain(..at);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_rectangle_reaches_the_viewer_once_and_in_order(
        view_only in any::<bool>(),
        piece in prop_oneof![Just(usize::MAX), 1..40_usize],
        acts in prop::collection::vec(act(), 1..40),
    ) {
        let mut session = Session::of(Dialogue::new(german(), view_only, HostKind::Vmware), piece);
        let (mut reader, mut sent) = (Reader::new(), Vec::new());
        let mut knew_last_rect = false;
        for act in acts {
            let received = match act {
                Act::Requests { incremental } => {
                    session.requests_everything(incremental);
                    Vec::new()
                }
                Act::Lists(bits) => {
                    knew_last_rect |= bits & 1 == 1;
                    let list = LISTED.into_iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
                    session.sets_encodings(&list.map(|(_, encoding)| encoding).collect::<Vec<_>>());
                    Vec::new()
                }
                Act::WantsRedForBlue(wants) => {
                    let swapped = PixelFormat { red_shift: 0, blue_shift: 16, ..PixelFormat::VMWARE };
                    session.viewer_sends(Message::SetPixelFormat(if wants { swapped } else { PixelFormat::VMWARE }));
                    Vec::new()
                }
                Act::Update { rectangles, counted } => {
                    let counted = counted || !session.dialogue.shared.viewer.encodings.has(Encoding::LAST_RECT);
                    let count = u16::try_from(rectangles.len()).unwrap();
                    let mut bytes = head(if counted { count } else { u16::MAX });
                    rectangles.iter().for_each(|rectangle| bytes.extend(rectangle.write()));
                    if !counted {
                        bytes.extend(last_rect());
                    }
                    sent.extend(rectangles.iter().filter_map(Rectangle::seen));
                    session.host(&bytes)
                }
                Act::Sends(bytes) => session.host(bytes),
                Act::NothingMoreComes => {
                    let mut got = Got::default();
                    session.dialogue.stop_waiting(&mut got);
                    got.own
                }
            };
            session.pending();
            reader.read(&received);
            prop_assert!(reader.rest.is_empty(), "a piece of a message: {:?}", reader.rest);
            let waits = session.dialogue.waits_for_more().is_some();
            prop_assert!(reader.seen == sent || waits && sent.starts_with(&reader.seen));
            prop_assert!(reader.update.is_between_messages() || waits);
            prop_assert!(!reader.padded, "a rectangle without a pixel");
            prop_assert!(!reader.last_rect || knew_last_rect, "LastRect");
        }
    }
}

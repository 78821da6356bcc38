//! Both directions of a session, without sockets: what one side sends, and what the other receives.

use std::ops::Range;

use bytes::BytesMut;
use rfb_proto::client_messages::{self, Message, UpdateRequest};
use rfb_proto::keys::Layout;
use rfb_proto::vmware::{Command, VScancode};
use rfb_proto::{Area, Encoding, PixelFormat};

use super::{CtrlAltInsert, Dialogue, HostKind, InputSettings, ToViewer};

/// What the viewer has received.
#[derive(Default)]
struct Got {
    run: Vec<u8>,
    bytes: Vec<u8>,
    own: Vec<u8>,
    /// The number of those bytes that the gateway made itself.
    own_length: usize,
}

impl ToViewer for Got {
    fn pass(&mut self, range: Range<usize>) {
        self.own_length += self.own.len();
        self.bytes.append(&mut self.own);
        self.bytes.extend_from_slice(&self.run[range]);
    }

    fn own(&mut self) -> &mut Vec<u8> {
        &mut self.own
    }
}

/// A session whose host has a screen of 64 × 48 pixels.
struct Session {
    dialogue: Dialogue,
    /// The length of the pieces in which the host's bytes arrive.
    piece: usize,
}

/// No bytes.
const NOTHING: &[u8] = &[];

const SIZE: (u16, u16) = (64, 48);
const EVERYTHING: Area = Area {
    x: 0,
    y: 0,
    width: SIZE.0,
    height: SIZE.1,
};

impl Session {
    fn new(input_settings: InputSettings) -> Self {
        Self::of(
            Dialogue::new(input_settings, false, HostKind::Vmware),
            usize::MAX,
        )
    }

    fn of(dialogue: Dialogue, piece: usize) -> Self {
        let mut session = Self { dialogue, piece };
        assert_eq!(session.viewer(&[1]), [1], "ClientInit");
        let mut init = BytesMut::new();
        init.extend_from_slice(&[0, 64, 0, 48]);
        PixelFormat::VMWARE.write(&mut init);
        init.extend_from_slice(&[0, 0, 0, 2, b'v', b'm']);
        assert_eq!(session.host(&init), init, "ServerInit");
        // Drops what the gateway requests on its own behalf.
        let _ = session.dialogue.take_pending();
        session.dialogue.stop_holding_keys();
        session
    }

    /// A session whose host takes VMware's messages.
    fn vmware(input_settings: InputSettings) -> Self {
        let mut session = Self::new(input_settings);
        assert_eq!(
            session.host(&caps(0x82)),
            NOTHING,
            "127/0 is not for the viewer"
        );
        session
    }

    /// The viewer sends `bytes`: what the host receives.
    fn viewer(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut host = BytesMut::new();
        let read = self.dialogue.receive_from_viewer(bytes, &mut host).unwrap();
        assert_eq!(read, bytes.len(), "whole messages");
        host.to_vec()
    }

    fn viewer_sends(&mut self, message: Message<'_>) -> Vec<u8> {
        let mut bytes = BytesMut::new();
        message.write(&mut bytes);
        self.viewer(&bytes)
    }

    fn sets_encodings(&mut self, list: &[Encoding]) -> Vec<Encoding> {
        let mut bytes = BytesMut::new();
        client_messages::set_encodings(list.iter().copied(), &mut bytes);
        encodings(&self.viewer(&bytes))
    }

    fn requests_everything(&mut self, incremental: bool) {
        let request = UpdateRequest {
            incremental,
            area: EVERYTHING,
        };
        let mut expected = BytesMut::new();
        Message::UpdateRequest(request).write(&mut expected);
        assert_eq!(self.viewer_sends(Message::UpdateRequest(request)), expected);
    }

    /// The host sends `bytes`: what the viewer receives.
    fn host(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut got = Got::default();
        for piece in bytes.chunks(self.piece) {
            got.run = piece.to_vec();
            self.dialogue.receive_from_host(piece, &mut got).unwrap();
        }
        got.bytes.append(&mut got.own);
        got.bytes
    }

    /// What the gateway sends to the host on its own behalf.
    fn pending(&mut self) -> Vec<u8> {
        self.dialogue.take_pending().to_vec()
    }
}

fn encodings(bytes: &[u8]) -> Vec<Encoding> {
    assert_eq!(bytes[0], 2, "SetEncodings");
    let numbers = bytes[4..].as_chunks::<4>().0.iter();
    numbers
        .map(|&number| Encoding(i32::from_be_bytes(number)))
        .collect()
}

fn caps(bits: u32) -> Vec<u8> {
    [&[127, 0, 0, 8][..], &bits.to_be_bytes()].concat()
}

fn head(rectangles: u16) -> Vec<u8> {
    [&[0, 7][..], &rectangles.to_be_bytes()].concat()
}

fn rectangle(area: Area, encoding: Encoding, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    super::viewer_update::write_head(area, encoding, &mut bytes);
    bytes.extend_from_slice(payload);
    bytes
}

/// Raw, each pixel of another colour.
fn raw(area: Area) -> Vec<u8> {
    let pixels = 0..u32::try_from(area.pixels()).unwrap();
    let pixels: Vec<u8> = pixels
        .flat_map(|n| ((n * 0x01_0305) & 0xff_ffff).to_le_bytes())
        .collect();
    rectangle(area, Encoding::RAW, &pixels)
}

fn rows(y: u16, height: u16) -> Area {
    Area {
        y,
        height,
        ..EVERYTHING
    }
}

fn last_rect() -> Vec<u8> {
    rectangle(Area::default(), Encoding::LAST_RECT, &[])
}

fn key(down: bool, keysym: u32) -> Message<'static> {
    Message::Key(client_messages::Key { down, keysym })
}

fn scans(strokes: &[(u16, bool)]) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    for &(scan, down) in strokes {
        let scan = VScancode(scan);
        Command::Key { scan, down }.write(&mut bytes);
    }
    bytes.to_vec()
}

fn german() -> InputSettings {
    InputSettings {
        layout: Layout::De,
        paste: true,
        ..InputSettings::default()
    }
}

mod acks;
mod banner;
mod banner_in_session;
mod bounds;
mod clipboard;
mod ctrl_alt_insert;
mod decoder;
mod decoder_input;
mod encoder;
mod formats;
mod held_keys;
mod host_back;
mod host_lost;
mod input_devices;
mod kept_rectangles;
mod pictures;
mod reader;
mod recorded;
mod sessions;
mod splice;
mod splice_any;
mod splice_recorded;
mod streams;
mod vmware_client;
mod what_passes;

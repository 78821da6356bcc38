//! A host that is lost at any byte, and another one that continues: the viewer's decoder goes on without an error, and
//! ends with the right picture.

use std::collections::HashMap;

use super::decoder::{Decoder, Shown};
use super::encoder::{ALL, Encoder, SMALL};
use super::host_lost::{RGB565, server_init};
use super::*;

const SMALL_SIZE: (u16, u16) = (SMALL.width, SMALL.height);

/// A kind of viewer and host.
#[derive(Debug, Clone)]
struct Setup {
    kind: HostKind,
    /// The viewer requests the whole picture, so that updates are merged.
    requests: bool,
    converted: bool,
    list: Vec<Encoding>,
    piece: usize,
}

impl Setup {
    fn new(list: Vec<Encoding>) -> Self {
        Self {
            kind: HostKind::Unknown,
            requests: false,
            converted: false,
            list,
            piece: usize::MAX,
        }
    }
}

/// A session and its viewer, and what the current host may send.
struct Spliced {
    session: Session,
    decoder: Decoder,
    list: Vec<Encoding>,
    setup: Setup,
    context: String,
}

impl Spliced {
    fn begin(setup: &Setup, context: &str) -> Self {
        let mut dialogue = Dialogue::new(InputSettings::default(), false, setup.kind);
        dialogue.hold_rectangles();
        let piece = setup.piece;
        let mut session = Session { dialogue, piece };
        let mut decoder = Decoder::new();
        session.viewer(&[1]);
        let init = server_init(SMALL, PixelFormat::VMWARE);
        decoder.read(&session.host(&init));
        if setup.converted {
            session.viewer_sends(Message::SetPixelFormat(RGB565));
            decoder.update.set_pixel_format(RGB565);
        }
        let list = session.sets_encodings(&setup.list);
        let (setup, context) = (setup.clone(), context.to_owned());
        let mut spliced = Self {
            session,
            decoder,
            list,
            setup,
            context,
        };
        spliced.request();
        spliced
    }

    fn request(&mut self) {
        if self.setup.requests {
            let (incremental, area) = (false, SMALL);
            let request = Message::UpdateRequest(UpdateRequest { incremental, area });
            self.session.viewer_sends(request);
        }
    }

    fn host(&mut self, bytes: &[u8]) {
        let got = self.session.host(bytes);
        self.decoder.read(&got);
    }

    /// The host is lost, a banner is shown, and another one is there.
    fn change_host(&mut self) {
        let mut got = Got::default();
        let context = &self.context;
        let lost = self.session.dialogue.host_lost(&mut got);
        lost.unwrap_or_else(|error| panic!("{context}: {error}"));
        got.bytes.append(&mut got.own);
        self.decoder.read(&got.bytes);
        assert!(self.decoder.is_between_messages(), "{context}");
        let banner = self.session.dialogue.banner("lost").unwrap();
        self.decoder.read(&banner);
        assert!(self.decoder.is_between_messages(), "{context}");
        let back = self
            .session
            .dialogue
            .host_back(SMALL_SIZE, PixelFormat::VMWARE);
        let sent = back.unwrap();
        assert_eq!(sent[0], 2, "SetEncodings");
        let count = usize::from(u16::from_be_bytes([sent[2], sent[3]]));
        self.list = encodings(&sent[..4 + 4 * count]);
    }

    /// What the viewer shows at the end.
    fn end(mut self) -> Shown {
        let mut got = Got::default();
        self.session.dialogue.stop_waiting(&mut got);
        self.session.dialogue.stop_waiting(&mut got);
        self.decoder.read(&got.own);
        assert!(self.decoder.is_between_messages(), "{}", self.context);
        self.decoder.shown
    }
}

/// The encodings that a new host is sent first.
pub(super) fn listed(sent: &[u8]) -> Vec<Encoding> {
    let count = usize::from(u16::from_be_bytes([sent[2], sent[3]]));
    encodings(&sent[..4 + 4 * count])
}

/// What a host sends in these encodings, and what the viewer then shows.
type Whole = (Vec<u8>, Shown);

/// The streams of hosts, by the encodings that they were sent: each is compressed once.
struct Hosts {
    setup: Setup,
    whole: HashMap<Vec<Encoding>, Whole>,
}

impl Hosts {
    fn new(setup: &Setup) -> Self {
        let (setup, whole) = (setup.clone(), HashMap::new());
        Self { setup, whole }
    }

    /// The stream of the first host, compressed differently.
    fn first(&self) -> Vec<u8> {
        let list = Spliced::begin(&self.setup, "first").list;
        Encoder::new(&list, 1).session()
    }

    fn next(&mut self, list: &[Encoding]) -> &Whole {
        let setup = &self.setup;
        self.whole.entry(list.to_vec()).or_insert_with(|| {
            let stream = Encoder::new(list, 9).session();
            let mut whole = Spliced::begin(setup, "not cut");
            whole.host(&stream);
            (stream, whole.end())
        })
    }
}

/// Cuts at every `step`th byte.
fn cut_everywhere(setup: &Setup, step: usize) {
    let mut hosts = Hosts::new(setup);
    let first = hosts.first();
    for cut in (0..=first.len()).step_by(step) {
        let context = format!("cut at {cut} of {}: {setup:?}", first.len());
        let mut spliced = Spliced::begin(setup, &context);
        spliced.host(&first[..cut]);
        spliced.change_host();
        let (next, shown) = hosts.next(&spliced.list);
        spliced.host(next);
        assert_eq!(spliced.end(), *shown, "{context}");
    }
}

fn with_last_rect() -> Vec<Encoding> {
    [&ALL[..], &[Encoding::LAST_RECT]].concat()
}

#[test]
fn a_new_host_goes_on_after_every_cut() {
    for list in [ALL.to_vec(), ALL[1..].to_vec(), with_last_rect()] {
        cut_everywhere(&Setup::new(list), 1);
    }
}

#[test]
fn a_new_host_goes_on_after_every_cut_of_merged_updates() {
    for list in [ALL.to_vec(), with_last_rect()] {
        let mut setup = Setup::new(list);
        (setup.kind, setup.requests) = (HostKind::Vmware, true);
        cut_everywhere(&setup, 1);
    }
}

#[test]
fn a_new_host_goes_on_after_every_cut_of_converted_pixels() {
    for list in [ALL.to_vec(), ALL[1..].to_vec(), with_last_rect()] {
        let mut setup = Setup::new(list);
        setup.converted = true;
        cut_everywhere(&setup, 1);
        (setup.kind, setup.requests) = (HostKind::Vmware, true);
        cut_everywhere(&setup, 3);
    }
}

#[test]
fn a_new_host_goes_on_after_every_cut_of_single_bytes() {
    let mut setup = Setup::new(ALL.to_vec());
    setup.piece = 1;
    cut_everywhere(&setup, 5);
    setup.piece = 7;
    cut_everywhere(&setup, 5);
}

/// The hosts are cut one after the other, each in another place.
#[test]
fn a_host_that_is_lost_again_is_followed_by_a_third_and_a_fourth() {
    for list in [ALL.to_vec(), with_last_rect()] {
        let setup = Setup::new(list);
        let mut hosts = Hosts::new(&setup);
        let first = hosts.first();
        for one in (0..=first.len()).step_by(61) {
            for other in (0..=first.len()).step_by(17) {
                let context = format!("cut at {one} and {other}: {setup:?}");
                let mut spliced = Spliced::begin(&setup, &context);
                spliced.host(&first[..one]);
                for cut in [other, 0, one / 2] {
                    spliced.change_host();
                    let (next, _) = hosts.next(&spliced.list);
                    spliced.host(&next[..cut.min(next.len())]);
                }
                spliced.change_host();
                let (next, shown) = hosts.next(&spliced.list);
                spliced.host(next);
                assert_eq!(spliced.end(), *shown, "{context}");
            }
        }
    }
}

/// A rectangle that was not whole leaves no trace.
#[test]
fn pointer_lights_and_name_stay_as_they_were() {
    let setup = Setup::new(ALL.to_vec());
    let first = Hosts::new(&setup).first();
    let mut before = Shown::default();
    let mut seen = 0;
    for cut in 0..=first.len() {
        let mut spliced = Spliced::begin(&setup, "cut");
        spliced.host(&first[..cut]);
        let Shown {
            cursor,
            lights,
            name,
            ..
        } = spliced.decoder.shown.clone();
        spliced.change_host();
        let shown = &spliced.decoder.shown;
        assert_eq!(
            (&cursor, &lights, &name),
            (&shown.cursor, &shown.lights, &shown.name)
        );
        seen += usize::from(before.cursor != cursor || before.lights != lights);
        (before.cursor, before.lights) = (cursor, lights);
    }
    assert_eq!(seen, 5, "three pointers, and the lights twice");
}

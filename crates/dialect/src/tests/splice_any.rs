//! Whatever hosts send, and wherever they are lost, the viewer has received whole messages.

use proptest::prelude::*;
use rfb_proto::server_messages::ServerScanner;

use super::bounds::host;
use super::*;

/// The length of ServerInit in what [`host`] makes.
const INIT: usize = 24;

const LISTS: [&[Encoding]; 4] = [
    &[],
    &[Encoding::ZRLE, Encoding::TIGHT, Encoding::CURSOR],
    &[
        Encoding::COPY_RECT,
        Encoding::TIGHT,
        Encoding::EXTENDED_DESKTOP_SIZE,
    ],
    &[Encoding::LAST_RECT, Encoding::ZRLE, Encoding::DESKTOP_SIZE],
];

/// A viewer that only splits what it receives into messages.
struct Splitter {
    update: ServerScanner,
    rest: Vec<u8>,
}

impl Splitter {
    fn read(&mut self, got: &mut Got) {
        got.bytes.append(&mut got.own);
        self.rest.append(&mut got.bytes);
        let mut at = 0;
        while let Ok(Some(piece)) = self.update.scan(&self.rest[at..]) {
            at += piece.bytes.len();
        }
        self.rest.drain(..at);
    }

    fn is_between_messages(&self) -> bool {
        self.rest.is_empty() && self.update.is_between_messages()
    }
}

/// Returns how many hosts were lost before one sent what ended the session.
fn run(list: &[Encoding], requests: bool, hosts: &[Vec<u8>], piece: usize) -> usize {
    let mut dialogue = Dialogue::new(InputSettings::default(), false, HostKind::Vmware);
    dialogue.hold_rectangles();
    dialogue.stop_holding_keys();
    let mut sent = BytesMut::from(&[1][..]);
    client_messages::set_encodings(list.iter().copied(), &mut sent);
    if requests {
        let (incremental, area) = (false, EVERYTHING);
        Message::UpdateRequest(UpdateRequest { incremental, area }).write(&mut sent);
    }
    let mut viewer = Splitter {
        update: ServerScanner::new(),
        rest: Vec::new(),
    };
    let mut got = Got::default();
    for (number, host) in hosts.iter().enumerate() {
        let bytes = if number == 0 { host } else { &host[INIT..] };
        for piece in bytes.chunks(piece) {
            got.run = piece.to_vec();
            let received = dialogue.receive_from_host(piece, &mut got);
            viewer.read(&mut got);
            if received.is_err() {
                return number;
            }
            if !sent.is_empty() && piece.len() >= INIT {
                dialogue
                    .receive_from_viewer(&sent.split(), &mut BytesMut::new())
                    .unwrap();
            }
        }
        if dialogue.host_lost(&mut got).is_err() {
            return number;
        }
        viewer.read(&mut got);
        assert!(viewer.is_between_messages(), "host {number}");
        if let Some(banner) = dialogue.banner("lost") {
            got.own.extend_from_slice(&banner);
            viewer.read(&mut got);
            assert!(
                viewer.is_between_messages(),
                "the banner after host {number}"
            );
        }
        let format = PixelFormat::parse(host[4..20].try_into().unwrap());
        let size = viewer.update.size();
        if dialogue.host_back(size, format).is_err() {
            return number;
        }
    }
    hosts.len()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_viewer_has_whole_messages_after_any_host(
        list in prop::sample::select(LISTS.to_vec()),
        requests in any::<bool>(),
        hosts in prop::collection::vec((host(), any::<prop::sample::Index>()), 3),
        piece in prop_oneof![Just(usize::MAX), 1..60_usize],
    ) {
        let cut = |(mut host, cut): (Vec<u8>, prop::sample::Index)| {
            host.truncate(INIT + cut.index(host.len() - INIT + 1));
            host
        };
        let hosts: Vec<Vec<u8>> = hosts.into_iter().map(cut).collect();
        run(list, requests, &hosts, piece);
    }
}

#[test]
fn hosts_of_this_test_are_lost_several_times() {
    let mut init = vec![0, 64, 0, 48];
    PixelFormat::VMWARE.write(&mut init);
    init.extend([0; 4]);
    let host = [init, head(3), raw(rows(0, 9))].concat();
    let hosts = vec![host; 3];
    assert_eq!(run(LISTS[1], true, &hosts, usize::MAX), 3);
}

//! Every byte arrives once and in order, for any fragmentation and any slow peer.

use console::settings::TlsRecords;
use rustls::{SupportedProtocolVersion, version};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpSocket;

use crate::support::esxi::{Esxi, upgraded};
use crate::support::frame::{self, BINARY, CONTINUATION, PING, PONG};
use crate::support::pattern::{Pattern, Random};
use crate::support::testbed::{PASSWORD, Setup, Testbed};
use crate::support::viewer::{RfbVersion, Viewer};
use crate::support::within;

/// How much is sent each way.
const LONG: u64 = 8 << 20;

pub(super) async fn testbed() -> (Esxi, Testbed) {
    let esxi = Esxi::start().await;
    let testbed = Setup::default().with_console_host(&esxi).start().await;
    (esxi, testbed)
}

/// A random size: mostly small, sometimes at the limits of the length encodings, seldom large.
fn size(random: &mut Random) -> usize {
    match random.below(16) {
        0 => 0,
        1 => 124 + random.below(4),
        2 => 65_534 + random.below(4),
        3 => random.below(400_000),
        4..8 => random.below(20_000),
        _ => random.below(200),
    }
}

/// Sends messages of random sizes, some in fragments, with pings between and inside them; answers the last ping.
async fn send_messages(esxi: &mut (impl AsyncWrite + Unpin), seed: u64) -> Vec<u8> {
    let (mut random, mut pattern) = (Random::new(seed), Pattern::new(seed));
    let mut pings = 0_u32;
    while pattern.at() < LONG {
        let mut wire = Vec::new();
        let fragments = 1 + random.below(3);
        for fragment in 0..fragments {
            let opcode = if fragment == 0 { BINARY } else { CONTINUATION };
            let payload = pattern.take_long(size(&mut random));
            wire.extend(frame::part(opcode, fragment + 1 == fragments, &payload));
            if random.below(4) == 0 {
                pings += 1;
                wire.extend(frame::whole(PING, &pings.to_be_bytes()));
            }
        }
        esxi.write_all(&wire).await.unwrap();
    }
    pings += 1;
    let last = pings.to_be_bytes().to_vec();
    let close = frame::whole(BINARY, &pattern.at().to_be_bytes());
    let wire = [frame::whole(PING, &last), close].concat();
    esxi.write_all(&wire).await.unwrap();
    esxi.flush().await.unwrap();
    last
}

#[tokio::test]
async fn random_message_sizes_both_ways_with_pings() {
    for versions in [[&version::TLS12], [&version::TLS13]] {
        for tls_records in [TlsRecords::Rustls, TlsRecords::InPlace] {
            both_ways(&versions, tls_records).await;
        }
    }
}

async fn both_ways(versions: &[&'static SupportedProtocolVersion], tls_records: TlsRecords) {
    within(async {
        let esxi = Esxi::speaking(versions).await;
        let setup = Setup {
            tls_records,
            ..Setup::default()
        };
        let testbed = setup.with_console_host(&esxi).start().await;
        let (viewer, connection) = esxi.session(&testbed).await;
        let (mut reader, mut say) = connection.split();
        let (mut from_gateway, mut to_gateway) = viewer.stream.into_split();
        let viewing = async {
            let mut pattern = Pattern::new(7);
            let mut buffer = vec![0; 100_000];
            while pattern.at() < LONG {
                let count = from_gateway.read(&mut buffer).await.unwrap();
                assert_ne!(count, 0, "an early end");
                // The last eight bytes are not part of the pattern.
                let left = usize::try_from(LONG - pattern.at()).unwrap();
                pattern.check(&buffer[..count.min(left)]);
            }
        };
        let typing = async {
            let (mut random, mut pattern) = (Random::new(9), Pattern::new(9));
            while pattern.at() < LONG {
                let piece = size(&mut random).min(Pattern::PIECE);
                to_gateway.write_all(pattern.take(piece)).await.unwrap();
            }
            pattern.at()
        };
        let hosting = async {
            let (mut pattern, mut pongs) = (Pattern::new(9), Vec::new());
            while pattern.at() < LONG || pongs.is_empty() {
                let frame = reader.frame().await.expect("more is to come");
                match frame.opcode {
                    BINARY => pattern.check(&frame.payload),
                    PONG => pongs.push(frame.payload),
                    _ => panic!("{frame:?}"),
                }
            }
            pongs
        };
        let ((), typed, pongs, last) =
            tokio::join!(viewing, typing, hosting, send_messages(&mut say, 7));
        assert!(typed >= LONG);
        assert!(
            pongs.is_sorted() && !pongs.is_empty(),
            "pongs in the order of their pings"
        );
        // RFC 6455 section 5.5.3: the latest ping must be answered, earlier ones need not be.
        let mut latest = pongs.last().unwrap().clone();
        while latest != last {
            let frame = reader.frame().await.expect("the last pong");
            if frame.opcode == PONG {
                latest = frame.payload;
            }
        }
        drop((from_gateway, to_gateway, reader, say));
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn payload_is_delivered_before_its_message_is_complete() {
    within(async {
        let (esxi, testbed) = testbed().await;
        let (mut viewer, mut connection) = esxi.session(&testbed).await;
        let message = frame::whole(BINARY, &Pattern::new(11).take_long(30 << 20));
        // The first part is read before the rest of the message is sent.
        let (first, rest) = message.split_at(100_010);
        connection.send(first).await;
        let mut pattern = Pattern::new(11);
        pattern.check(&viewer.bytes(100_000).await);
        let hosting = async {
            connection.send(rest).await;
            connection.send(&frame::close(1000, "")).await;
        };
        let ((), got) = tokio::join!(hosting, viewer.rest());
        assert_eq!(got.len(), (30 << 20) - 100_000);
        pattern.check(&got);
        drop((viewer, connection));
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn frames_sent_byte_by_byte_are_decoded() {
    within(async {
        let (esxi, testbed) = testbed().await;
        let (mut viewer, mut connection) = esxi.session(&testbed).await;
        let payload = Pattern::new(13).take_long(400);
        let first = [
            frame::part(BINARY, false, &payload[..3]),
            frame::whole(PING, b"within"),
        ];
        let others = [
            frame::part(CONTINUATION, false, b""),
            frame::part(CONTINUATION, true, &payload[3..130]),
            frame::whole(BINARY, &payload[130..]),
            frame::close(1000, "done"),
        ];
        connection.send_byte_by_byte(&first.concat()).await;
        // A ping that is read together with a Close need not be answered, so the Close is sent later.
        assert_eq!(connection.frame().await.unwrap().opcode, PONG);
        connection.send_byte_by_byte(&others.concat()).await;
        assert_eq!(viewer.rest().await, payload);
        assert_eq!(connection.frame().await.unwrap().opcode, frame::CLOSE);
        drop((viewer, connection));
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn host_may_send_its_handshake_at_once_or_byte_by_byte() {
    within(async {
        let (esxi, testbed) = testbed().await;
        for all_at_once in [true, false] {
            let mut viewer = testbed.viewer().await;
            let hosting = async {
                let mut connection = esxi.connection().await;
                let request = connection.request().await;
                // Any bytes do in place of ServerInit, since RFB is not parsed here.
                let wire = [
                    upgraded(&request),
                    frame::whole(BINARY, b"RFB 003.008\n"),
                    frame::whole(BINARY, &[1, 1]),
                    frame::part(BINARY, false, &[0, 0]),
                    frame::part(CONTINUATION, true, b"\0\0already here"),
                ]
                .concat();
                match all_at_once {
                    true => connection.send(&wire).await,
                    false => connection.send_byte_by_byte(&wire).await,
                }
                assert_eq!(connection.bytes(13).await, b"RFB 003.008\n\x01");
                connection
            };
            let (verdict, connection) = tokio::join!(viewer.enter(RfbVersion::V3_8, None), hosting);
            verdict.unwrap();
            assert_eq!(viewer.bytes(12).await, b"already here");
            drop((viewer, connection));
        }
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn viewer_may_send_its_handshake_at_once_or_byte_by_byte() {
    within(async {
        let (esxi, testbed) = testbed().await;
        let events = Pattern::new(15).take_long(3000);
        for all_at_once in [true, false] {
            let mut viewer = testbed.viewer().await;
            let wire = [b"RFB 003.008\n\x01\x01", &events[..]].concat();
            let hosting = async {
                let mut connection = esxi.connection().await;
                connection.open().await;
                assert_eq!(connection.bytes(1).await, [1], "ClientInit");
                assert!(connection.bytes(events.len()).await == events);
                connection
            };
            let talking = async {
                for piece in wire.chunks(if all_at_once { wire.len() } else { 1 }) {
                    viewer.send(piece).await;
                }
                assert_eq!(
                    viewer.bytes(12 + 2 + 4).await,
                    b"RFB 003.008\n\x01\x01\0\0\0\0"
                );
            };
            let (connection, ()) = tokio::join!(hosting, talking);
            drop((viewer, connection));
        }
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn input_sent_with_the_password_is_relayed() {
    within(async {
        let esxi = Esxi::start().await;
        let testbed = Setup::default()
            .with_console_host(&esxi)
            .with_password()
            .start()
            .await;
        for version in RfbVersion::ALL {
            let mut viewer = testbed.viewer().await;
            let hosting = async {
                let mut connection = esxi.connection().await;
                connection.open().await;
                assert_eq!(connection.bytes(6).await, b"\x01early");
                connection
            };
            let entering = async {
                viewer.exchange_versions(version.bytes()).await;
                if version == RfbVersion::V3_3 {
                    assert_eq!(viewer.bytes(4).await, [0, 0, 0, 2]);
                } else {
                    assert_eq!(viewer.bytes(2).await, [1, 2]);
                    viewer.send(&[2]).await;
                }
                viewer.answer_challenge(PASSWORD).await;
                viewer.send(b"\x01early").await;
                assert_eq!(viewer.bytes(4).await, [0; 4]);
            };
            let (connection, ()) = tokio::join!(hosting, entering);
            drop((viewer, connection));
        }
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn slow_viewer_receives_every_byte() {
    within(async {
        let (esxi, testbed) = testbed().await;
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(testbed.ports[0]).await.unwrap();
        let mut viewer = Viewer { stream };
        let bytes = Pattern::new(17).take_long(6 << 20);
        let hosting = async {
            let mut connection = esxi.connection().await;
            connection.open().await;
            connection.send_binary(&bytes).await;
            connection.send(&frame::close(1000, "")).await;
            assert_eq!(connection.bytes(1).await, [1], "ClientInit");
            assert_eq!(connection.frame().await.unwrap().opcode, frame::CLOSE);
        };
        let viewing = async {
            viewer.enter(RfbVersion::V3_8, None).await.unwrap();
            viewer.send(&[1]).await;
            let (mut got, mut piece) = (Vec::new(), [0; 3000]);
            loop {
                match viewer.stream.read(&mut piece).await.unwrap() {
                    0 => return got,
                    count => got.extend_from_slice(&piece[..count]),
                }
                tokio::task::yield_now().await;
            }
        };
        let (got, ()) = tokio::join!(viewing, hosting);
        assert!(got == bytes, "{} bytes of {}", got.len(), bytes.len());
        drop(viewer);
        testbed.end().await;
    })
    .await;
}

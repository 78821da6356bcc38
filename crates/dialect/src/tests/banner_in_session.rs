//! The banner in a session: when it may be sent, and what follows it.

use rfb_proto::server_messages::ServerScanner;
use rfb_proto::{Converter, PixelFormat};

use super::banner::MAPPED;
use super::host_lost::{RGB565, server_init};
use super::*;
use crate::banner::banner;

/// A session that has begun, and the first half of an update of one row.
fn half_an_update() -> (Session, Vec<u8>, Vec<u8>) {
    let session = Session::vmware(InputSettings::default());
    let update = [head(1), raw(rows(0, 1))].concat();
    let (first, second) = update.split_at(100);
    (session, first.to_vec(), second.to_vec())
}

#[test]
fn a_banner_goes_between_two_updates_and_not_into_one() {
    let (mut session, first, second) = half_an_update();
    assert!(session.dialogue.banner("now").is_some());
    let _ = session.host(&first);
    assert!(!session.dialogue.may_insert_update());
    assert_eq!(session.dialogue.banner("now"), None);
    let _ = session.host(&second);
    assert!(session.dialogue.may_insert_update());
    assert!(session.dialogue.banner("now").is_some());
    // The viewer has not been sent the incomplete header.
    let _ = session.host(&first[..3]);
    assert!(session.dialogue.banner("now").is_some());
    // Unknown RFB: it is not known where the host's updates end.
    let _ = session.host(&[99]);
    assert_eq!(session.dialogue.banner("now"), None);
}

#[test]
fn no_banner_comes_before_the_server_init_is_whole() {
    let mut dialogue = Dialogue::new(InputSettings::default(), false, HostKind::Vmware);
    assert!(!dialogue.may_insert_update());
    let init = server_init(EVERYTHING, RGB565);
    let mut got = Got {
        run: init[..init.len() - 1].to_vec(),
        ..Got::default()
    };
    let run = got.run.clone();
    dialogue.receive_from_host(&run, &mut got).unwrap();
    assert_eq!(dialogue.banner("now"), None);
}

#[test]
fn a_banner_is_in_the_format_that_the_viewer_sent_last() {
    let (mut session, first, _) = half_an_update();
    let expect = |session: &mut Session, format: PixelFormat| {
        let expected = banner("lost", SIZE, &format).unwrap();
        assert_eq!(session.dialogue.banner("lost"), Some(expected));
    };
    expect(&mut session, PixelFormat::VMWARE);
    session.viewer_sends(Message::SetPixelFormat(RGB565));
    expect(&mut session, RGB565);
    // The current update is still in the earlier format.
    let _ = session.host(&first);
    session.viewer_sends(Message::SetPixelFormat(MAPPED));
    session.dialogue.host_lost(&mut Got::default()).unwrap();
    expect(&mut session, MAPPED);
    // Also while there is no host, and before the new one has sent anything.
    session.viewer_sends(Message::SetPixelFormat(RGB565));
    expect(&mut session, RGB565);
    session.dialogue.host_lost(&mut Got::default()).unwrap();
    session
        .dialogue
        .host_back(SIZE, PixelFormat::VMWARE)
        .unwrap();
    expect(&mut session, RGB565);
}

#[test]
fn a_colour_map_of_the_hosts_is_left_alone() {
    let mut dialogue = Dialogue::new(InputSettings::default(), false, HostKind::Unknown);
    let init = server_init(EVERYTHING, MAPPED);
    let mut got = Got {
        run: init.clone(),
        ..Got::default()
    };
    dialogue.receive_from_host(&init, &mut got).unwrap();
    assert!(dialogue.may_insert_update());
    assert_eq!(dialogue.banner("now"), None);
}

#[test]
fn an_update_or_a_banner_answers_the_viewers_request() {
    let mut session = Session::vmware(InputSettings::default());
    let update = [head(1), raw(EVERYTHING)].concat();
    assert!(!session.dialogue.is_update_requested());
    for incremental in [false, true] {
        session.requests_everything(incremental);
        assert!(session.dialogue.is_update_requested());
        let _ = session.host(&update);
        assert!(!session.dialogue.is_update_requested());
    }
    session.requests_everything(true);
    session.dialogue.host_lost(&mut Got::default()).unwrap();
    assert!(session.dialogue.is_update_requested());
    assert!(session.dialogue.banner("lost").is_some());
    assert!(!session.dialogue.is_update_requested());
    session.requests_everything(true);
    assert!(session.dialogue.is_update_requested(), "with no host too");
}

#[test]
fn the_colour_map_comes_again_with_the_first_picture_after_a_banner() {
    let mut session = Session::vmware(InputSettings::default());
    session.sets_encodings(&[Encoding::LAST_RECT]);
    session.viewer_sends(Message::SetPixelFormat(MAPPED));
    let mut update = ServerScanner::after_server_init(SIZE, MAPPED);
    session.dialogue.host_lost(&mut Got::default()).unwrap();
    let banner = session.dialogue.banner("lost").unwrap();
    let converter = Converter::new(PixelFormat::VMWARE, MAPPED).unwrap();
    let mut map = BytesMut::new();
    converter.colour_map(&mut map);
    assert!(banner.starts_with(&map));
    session
        .dialogue
        .host_back(SIZE, PixelFormat::VMWARE)
        .unwrap();
    let got = session.host(&[head(1), raw(EVERYTHING)].concat());
    assert!(got.starts_with(&map));
    for bytes in [&banner[..], &got] {
        let mut rest = bytes;
        while let Some(piece) = update.scan(rest).unwrap() {
            rest = &rest[piece.bytes.len()..];
        }
        assert!(rest.is_empty() && update.is_between_messages());
    }
}

#[test]
fn a_picture_is_awaited_until_an_update_for_it_has_ended() {
    let mut session = Session::vmware(InputSettings::default());
    session.sets_encodings(&[Encoding::LAST_RECT]);
    let update = [head(1), raw(EVERYTHING)].concat();
    let (first, second) = update.split_at(100);
    for _ in 0..2 {
        session.requests_everything(false);
        let _ = session.host(first);
        assert!(session.dialogue.awaits_picture());
        let _ = session.host(second);
        assert!(!session.dialogue.awaits_picture());
        session.requests_everything(true);
        assert!(!session.dialogue.awaits_picture());
    }
    session.requests_everything(false);
    session.dialogue.host_lost(&mut Got::default()).unwrap();
    assert!(session.dialogue.awaits_picture());
}

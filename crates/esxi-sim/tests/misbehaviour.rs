//! Every fault has its documented effect.

mod support;

use std::io::ErrorKind;
use std::time::Duration;

use esxi_sim::{EndReason, Host, Misbehaviour, Screen, VmSettings};
use futures::StreamExt;
use support::{Soap, Viewer, console, host, open, raw_console, soon, start};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};

/// A console with this fault.
async fn wrong(host: &Host, misbehaviour: Misbehaviour) -> Viewer {
    host.misbehave(misbehaviour);
    console(host, "vm08").await
}

/// The result of an upgrade with this fault.
async fn upgrade(host: &Host, misbehaviour: Misbehaviour) -> Result<(), Error> {
    let ticket = Soap::logged_in(host).await.ticket("vm08").await;
    host.misbehave(misbehaviour);
    open(host, &ticket, Some("binary")).await.map(|_| ())
}

/// All bytes after the response of a console with this fault, and how the connection ended.
async fn raw(host: &Host, misbehaviour: Misbehaviour) -> (Vec<u8>, Result<(), ErrorKind>) {
    host.misbehave(misbehaviour);
    let (mut stream, mut bytes) = raw_console(host, "vm08").await;
    let end = soon(stream.read_to_end(&mut bytes)).await;
    (bytes, end.map(|_| ()).map_err(|error| error.kind()))
}

#[tokio::test]
async fn the_upgrade_can_be_answered_with_a_status_or_a_redirect() {
    let host = host().await;
    match upgrade(&host, Misbehaviour::AnswerStatus(503)).await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 503),
        other => panic!("{other:?}"),
    }
    match upgrade(&host, Misbehaviour::Redirect("https://elsewhere/".into())).await {
        Err(Error::Http(response)) => {
            assert_eq!(response.headers()["location"], "https://elsewhere/")
        }
        other => panic!("{other:?}"),
    }
    assert!(upgrade(&host, Misbehaviour::WrongAccept).await.is_err());
    assert!(upgrade(&host, Misbehaviour::NoSubprotocol).await.is_err());
    assert!(
        upgrade(&host, Misbehaviour::OtherSubprotocol("vmware-vvc".into()))
            .await
            .is_err()
    );
    assert_eq!(host.counts().tickets_spent, 5);
    let mut well = console(&host, "vm08").await;
    well.begin().await;
}

#[tokio::test]
async fn the_upgrade_or_tls_may_never_be_answered() {
    let host = host().await;
    let ticket = Soap::logged_in(&host).await.ticket("vm08").await;
    host.misbehave(Misbehaviour::SilentUpgrade);
    let short = Duration::from_millis(200);
    assert!(
        tokio::time::timeout(short, open(&host, &ticket, Some("binary")))
            .await
            .is_err()
    );
    host.misbehave(Misbehaviour::SilentTls);
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"\x16\x03\x01")
        .await
        .unwrap();
    assert!(tokio::time::timeout(short, stream.read_u8()).await.is_err());
    drop(stream);
    soon(host.counts_until(|counts| counts.connections_open == 0)).await;
}

#[tokio::test]
async fn the_rfb_handshake_can_go_wrong_at_each_step() {
    let host = host().await;
    let mut viewer = wrong(&host, Misbehaviour::RfbVersion(*b"RFB 003.003\n")).await;
    assert_eq!(viewer.message().await.unwrap(), b"RFB 003.003\n");

    let mut viewer = wrong(&host, Misbehaviour::NoSecurity("too many".into())).await;
    viewer.take(12).await;
    viewer.send(b"RFB 003.008\n").await;
    assert_eq!(viewer.take(13).await, b"\0\0\0\0\x08too many");
    assert_eq!(viewer.ended().await, None);

    let mut viewer = wrong(&host, Misbehaviour::VncAuthenticationOnly).await;
    viewer.take(12).await;
    viewer.send(b"RFB 003.008\n").await;
    assert_eq!(viewer.take(2).await, [1, 2]);

    let mut viewer = wrong(&host, Misbehaviour::SecurityFailure("no".into())).await;
    viewer.take(12).await;
    viewer.send(b"RFB 003.008\n").await;
    viewer.take(2).await;
    viewer.send(&[1]).await;
    assert_eq!(viewer.take(10).await, b"\0\0\0\x01\0\0\0\x02no");
}

#[tokio::test]
async fn a_connection_is_cut_in_mid_frame() {
    let host = host().await;
    let mut viewer = wrong(&host, Misbehaviour::CutAfter(10)).await;
    assert!(
        matches!(soon(viewer.socket.next()).await, Some(Err(_)) | None),
        "no Close frame"
    );
    let (bytes, end) = raw(&host, Misbehaviour::CutAfter(10)).await;
    assert_eq!(bytes, b"\x82\x0cRFB 003.");
    assert_eq!(end, Err(ErrorKind::UnexpectedEof), "no close_notify");
    let counts = soon(host.counts_until(|counts| counts.ends.len() == 2)).await;
    assert!(
        counts
            .ends
            .iter()
            .all(|end| end.reason == EndReason::Misbehaved),
        "{counts:?}"
    );
}

#[tokio::test]
async fn a_connection_is_reset() {
    let host = host().await;
    let (bytes, end) = raw(&host, Misbehaviour::ResetAfter(5)).await;
    assert!(bytes.len() <= 5, "{bytes:?}");
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_stalled_console_sends_no_more_and_stays_open_until_the_client_goes() {
    let host = host().await;
    let mut viewer = wrong(&host, Misbehaviour::StallAfter(14 + 100_000)).await;
    viewer.take(12).await;
    viewer.send(b"RFB 003.008\n").await;
    viewer.take(2).await;
    viewer.send(&[1]).await;
    viewer.take(4).await;
    viewer.send(&[1]).await;
    viewer.take(28).await;
    viewer.request(false, 0, 0, 800, 600).await;
    let short = Duration::from_millis(200);
    let mut got = 0;
    while let Ok(Some(Ok(message))) = tokio::time::timeout(short, viewer.socket.next()).await {
        got += message.len();
    }
    assert!(got < 100_000, "{got}");
    assert_eq!(host.counts().consoles_open, 1);
    viewer.send(&[5, 0, 0, 0, 0, 0]).await;
    drop(viewer);
    soon(host.counts_until(|counts| counts.consoles_open == 0)).await;
}

#[tokio::test]
async fn a_console_ends_with_or_without_a_close_frame_at_a_message_boundary() {
    let host = host().await;
    let closing = Misbehaviour::CloseWith {
        code: 1012,
        reason: "restart".into(),
        after: 12,
    };
    let mut viewer = wrong(&host, closing).await;
    viewer.take(12).await;
    viewer.send(b"RFB 003.008\n").await;
    assert_eq!(viewer.ended().await, Some(1012));

    let (bytes, end) = raw(&host, Misbehaviour::EndWithoutClose { after: 0 }).await;
    assert_eq!(bytes, b"\x82\x0cRFB 003.008\n");
    assert_eq!(end, Ok(()), "close_notify and FIN");
}

#[tokio::test]
async fn bytes_drip_and_still_make_a_picture() {
    let host = start(|settings| {
        settings.vms = vec![VmSettings {
            screen: Screen::Desktop {
                width: 16,
                height: 8,
            },
            ..VmSettings::desktop("vm08")
        }];
    })
    .await;
    let mut viewer = wrong(&host, Misbehaviour::OneByteRecords).await;
    assert_eq!(viewer.begin().await.0, 16);
    viewer.request(false, 0, 0, 16, 8).await;
    assert_eq!(viewer.update().await.len(), 1);
}

#[tokio::test]
async fn messages_are_fragmented_with_pings_between() {
    let host = host().await;
    let mut viewer = wrong(&host, Misbehaviour::Fragments).await;
    viewer.begin().await;
    viewer.request(false, 0, 0, 800, 600).await;
    assert!(!viewer.update().await.is_empty());
    host.misbehave(Misbehaviour::Fragments);
    let (mut stream, mut bytes) = raw_console(&host, "vm08").await;
    while bytes.len() < 36 {
        soon(stream.read_buf(&mut bytes)).await.unwrap();
    }
    assert_eq!(
        bytes,
        b"\x02\x04RFB \x89\x07between\x00\x04003.\x89\x07between\x80\x04008\n"
    );
}

#[tokio::test]
async fn pings_are_sent_and_pongs_counted() {
    let host = host().await;
    let mut viewer = wrong(&host, Misbehaviour::Pings(b"p".to_vec())).await;
    viewer.begin().await;
    viewer.key(u32::from('a')).await;
    soon(host.counts_until(|counts| counts.pongs >= 3)).await;
}

#[tokio::test]
async fn a_text_message_is_sent() {
    let host = host().await;
    let mut viewer = wrong(&host, Misbehaviour::TextMessage).await;
    assert!(matches!(
        soon(viewer.socket.next()).await,
        Some(Ok(Message::Binary(_)))
    ));
    viewer.send(b"RFB 003.008\n").await;
    assert!(matches!(
        soon(viewer.socket.next()).await,
        Some(Ok(Message::Text(_)))
    ));
}

#[tokio::test]
async fn a_misbehaviour_is_for_one_console_or_for_all() {
    let host = host().await;
    host.misbehave_always(Some(Misbehaviour::EndWithoutClose { after: 0 }));
    for _ in 0..2 {
        assert_eq!(console(&host, "vm08").await.ended().await, None);
    }
    host.misbehave_always(None);
    console(&host, "vm08").await.begin().await;
}

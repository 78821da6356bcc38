//! The frames of the tests are written and read by code of their own, never by `ws_proto`.

mod peer;
mod properties;
mod records;

use peer::{BINARY, CLOSE, CONTINUATION, Connection, PING, PONG, TEXT, frames, masked};

use std::task::Waker;

use super::*;

/// Reads once into a buffer of this size; `None` where nothing is there yet.
fn read(browser: &mut WebSocket<Connection>, size: usize) -> Option<io::Result<Vec<u8>>> {
    let mut bytes = vec![0; size];
    let mut buffer = ReadBuf::new(&mut bytes);
    let context = &mut Context::from_waker(Waker::noop());
    match Pin::new(browser).poll_read(context, &mut buffer) {
        Poll::Ready(Ok(())) => Some(Ok(buffer.filled().to_vec())),
        Poll::Ready(Err(error)) => Some(Err(error)),
        Poll::Pending => None,
    }
}

fn write(browser: &mut WebSocket<Connection>, slices: &[&[u8]]) -> Option<usize> {
    let slices: Vec<_> = slices.iter().map(|slice| IoSlice::new(slice)).collect();
    let context = &mut Context::from_waker(Waker::noop());
    match Pin::new(browser).poll_write_vectored(context, &slices) {
        Poll::Ready(written) => Some(written.unwrap()),
        Poll::Pending => None,
    }
}

fn flush(browser: &mut WebSocket<Connection>) -> bool {
    let context = &mut Context::from_waker(Waker::noop());
    match Pin::new(browser).poll_flush(context) {
        Poll::Ready(flushed) => {
            flushed.unwrap();
            true
        }
        Poll::Pending => false,
    }
}

fn shut_down(browser: &mut WebSocket<Connection>) {
    let context = &mut Context::from_waker(Waker::noop());
    let shut = Pin::new(browser).poll_shutdown(context);
    assert!(matches!(shut, Poll::Ready(Ok(()))), "{shut:?}");
}

fn browser(input: Vec<u8>) -> WebSocket<Connection> {
    let pieces = if input.is_empty() {
        Vec::new()
    } else {
        vec![input]
    };
    WebSocket::new(Connection::with_input(pieces), Bytes::new())
}

fn close(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason.as_bytes()].concat()
}

#[test]
fn bytes_that_came_with_the_opening_handshake_are_read_first() {
    let early = masked(BINARY, true, b"first");
    let (front, behind) = early.split_at(3);
    let connection = Connection::with_input(vec![behind.to_vec(), masked(BINARY, true, b"then")]);
    let mut browser = WebSocket::new(connection, Bytes::copy_from_slice(front));
    assert_eq!(read(&mut browser, 99).unwrap().unwrap(), b"first");
    assert_eq!(read(&mut browser, 99).unwrap().unwrap(), b"then");
    assert!(read(&mut browser, 99).is_none());
}

#[test]
fn a_write_is_one_vectored_write_of_header_and_payload() {
    let mut browser = browser(Vec::new());
    let (pixels, tail) = ([7; 20_000], [8; 3]);
    assert_eq!(write(&mut browser, &[&pixels, &[], &tail]), Some(20_003));
    assert_eq!(browser.stream.writes, 1);
    let sent = frames(&browser.stream.sent);
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].0, sent[0].1.len()), (BINARY, 20_003));
    // A longer one is cut, so that a header has at most four bytes.
    let long = vec![9; 200_000];
    assert_eq!(
        write(&mut browser, &[&long[..65_000], &long]),
        Some(MAX_PAYLOAD)
    );
    assert_eq!(browser.stream.writes, 2);
    assert_eq!(frames(&browser.stream.sent)[1].1.len(), MAX_PAYLOAD);
    assert_eq!(browser.unsent.capacity(), 0);
}

#[test]
fn nothing_is_accepted_while_a_frame_is_sent_in_part() {
    let mut browser = browser(Vec::new());
    browser.stream.accepts.extend([10]);
    assert_eq!(write(&mut browser, &[&[1; 100]]), Some(100));
    browser.stream.accepts.extend([20, 0]);
    assert_eq!(write(&mut browser, &[&[2; 100]]), None);
    assert!(flush(&mut browser));
    assert_eq!(write(&mut browser, &[&[3; 5]]), Some(5));
    let sent = frames(&browser.stream.sent);
    assert_eq!(sent, [(BINARY, vec![1; 100]), (BINARY, vec![3; 5])]);
}

#[test]
fn browser_that_closes_gets_its_code_back_and_nothing_more() {
    let input = [
        masked(BINARY, true, b"last"),
        masked(CLOSE, true, &close(1001, "tab closed")),
        masked(BINARY, true, b"not read"),
    ];
    let mut browser = browser(input.concat());
    assert_eq!(read(&mut browser, 99).unwrap().unwrap(), b"last");
    assert_eq!(read(&mut browser, 99).unwrap().unwrap(), b"");
    assert_eq!(write(&mut browser, &[b"picture"]), Some(7));
    browser.close_with(Close::new(CloseCode::INTERNAL));
    shut_down(&mut browser);
    assert_eq!(frames(&browser.stream.sent), [(CLOSE, close(1001, ""))]);
    assert!(browser.stream.shut);
    assert_eq!(read(&mut browser, 99).unwrap().unwrap(), b"");
}

#[test]
fn shutdown_sends_a_close_once_and_then_reads_the_browsers() {
    let mut browser = browser(Vec::new());
    browser.close_with(Close {
        code: CloseCode::GOING_AWAY,
        reason: "the gateway is shutting down".into(),
    });
    // The first is kept.
    browser.close_with(Close::new(CloseCode::NORMAL));
    shut_down(&mut browser);
    let expected = (CLOSE, close(1001, "the gateway is shutting down"));
    assert_eq!(
        frames(&browser.stream.sent),
        std::slice::from_ref(&expected)
    );
    // Between its Close and the browser's, the browser may still send.
    let late = [
        masked(BINARY, true, b"late"),
        masked(PING, true, b"late"),
        masked(CLOSE, true, &close(1001, "")),
    ];
    browser.stream.input.push_back(late.concat());
    assert_eq!(read(&mut browser, 99).unwrap().unwrap(), b"late");
    assert_eq!(read(&mut browser, 99).unwrap().unwrap(), b"");
    shut_down(&mut browser);
    assert_eq!(frames(&browser.stream.sent), [expected]);
}

#[test]
fn shutdown_without_a_close_of_its_own_is_code_1000() {
    let mut browser = browser(masked(CLOSE, true, b""));
    shut_down(&mut browser);
    assert_eq!(read(&mut browser, 9).unwrap().unwrap(), b"");
    assert_eq!(frames(&browser.stream.sent), [(CLOSE, close(1000, ""))]);
}

#[test]
fn violations_are_closed_with_their_code_and_fail_reads_after_what_was_before_them() {
    let unmasked = [0x82, 1, b'x'].to_vec();
    for (violation, code) in [
        (masked(TEXT, true, b"text"), 1003),
        (unmasked, 1002),
        (masked(CONTINUATION, true, b"of nothing"), 1002),
        (masked(CLOSE, true, &[3]), 1002),
        (masked(CLOSE, true, &[3, 0xe8, 0xff]), 1007),
        (masked(PING, false, b""), 1002),
        (vec![0xc2, 0x80, 0, 0, 0, 0], 1002),
    ] {
        let input = [masked(BINARY, true, b"before"), violation.clone()].concat();
        let mut browser = browser(input);
        assert_eq!(read(&mut browser, 99).unwrap().unwrap(), b"before");
        for _ in 0..2 {
            let error = read(&mut browser, 99).unwrap().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
        shut_down(&mut browser);
        assert_eq!(
            frames(&browser.stream.sent),
            [(CLOSE, close(code, ""))],
            "{violation:?}"
        );
    }
}

#[test]
fn reset_and_end_of_the_connection_are_passed_on() {
    let mut reset = browser(masked(BINARY, true, b"x"));
    reset.stream.end = Some(io::ErrorKind::ConnectionReset);
    assert_eq!(read(&mut reset, 9).unwrap().unwrap(), b"x");
    let error = read(&mut reset, 9).unwrap().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    // An end in the middle of a frame is one too.
    let mut ended = browser(masked(BINARY, true, b"xy")[..7].to_vec());
    ended.stream.end = Some(io::ErrorKind::UnexpectedEof);
    assert_eq!(read(&mut ended, 9).unwrap().unwrap(), b"x");
    assert_eq!(read(&mut ended, 9).unwrap().unwrap(), b"");
}

#[test]
fn unanswered_pings_take_no_memory() {
    let pings = (0..50).flat_map(|number: u8| masked(PING, true, &[number; 125]));
    let mut browser = browser(pings.collect());
    browser.stream.accepts.extend([0; 500]);
    assert!(read(&mut browser, 9).is_none());
    assert!(browser.unsent.len() <= 2 * 127);
    browser.stream.accepts.clear();
    assert!(flush(&mut browser));
    let sent = frames(&browser.stream.sent);
    assert_eq!(sent.last(), Some(&(PONG, vec![49; 125])));
    assert_eq!(read(&mut browser, 9).map(drop), None);
}

#[test]
fn idle_browser_holds_no_buffer() {
    let mut browser = browser(masked(BINARY, true, &[1; 1500]));
    assert_eq!(read(&mut browser, 2000).unwrap().unwrap().len(), 1500);
    assert!(read(&mut browser, 2000).is_none());
    assert_eq!(browser.input.capacity(), 0);
}

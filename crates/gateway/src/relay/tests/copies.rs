//! Payload is not copied on its way.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::super::Traffic;
use super::super::input_path::InputPath;
use super::super::pending_reply::PendingReply;
use super::counts::{events, relay_to_viewer, to_esxi, updates};
use super::stage::{Host, KINDS, dialogue, frame};
use crate::viewer_link::Clocks;

/// The memory ranges that were read into, last first.
type Places = RefCell<Vec<Range<*const u8>>>;

/// A stream that records where its bytes are put.
struct Put<'a> {
    bytes: &'a [u8],
    places: &'a Places,
}

impl AsyncRead for Put<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.bytes.is_empty() {
            return Poll::Pending;
        }
        self.places
            .borrow_mut()
            .push(room.initialize_unfilled().as_ptr_range());
        let (now, later) = self.bytes.split_at(self.bytes.len().min(room.remaining()));
        room.put_slice(now);
        self.bytes = later;
        Poll::Ready(Ok(()))
    }
}

/// A writer that counts bytes that do not lie where they were read.
struct Taken<'a> {
    places: &'a Places,
    /// Shorter ones may have been moved.
    short: usize,
    there: usize,
    elsewhere: usize,
}

impl<'a> Taken<'a> {
    const fn from(places: &'a Places, short: usize) -> Self {
        Self {
            places,
            short,
            there: 0,
            elsewhere: 0,
        }
    }
}

impl AsyncWrite for Taken<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let places = self.places.borrow();
        let (mut there, mut elsewhere) = (0, 0);
        for slice in slices.iter().filter(|slice| slice.len() >= self.short) {
            let Range { start, end } = slice.as_ptr_range();
            let there_too = places
                .iter()
                .any(|place| place.start < end && start < place.end);
            *if there_too {
                &mut there
            } else {
                &mut elsewhere
            } += slice.len();
        }
        drop(places);
        self.there += there;
        self.elsewhere += elsewhere;
        Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Only short ranges are moved. With rustls' record layer everything is copied once, out of its buffer.
#[tokio::test]
async fn payload_for_the_viewer_is_not_copied() {
    for kind in KINDS.into_iter().filter(|kind| kind.in_place) {
        let dialogue = dialogue();
        for dialogue in [None, Some(&dialogue)] {
            let (mut host, session) = Host::connected(kind);
            let sent = updates(4 << 20);
            for update in sent.chunks(10_000) {
                host.send(&frame(update));
            }
            let (records, places) = (host.records(), Places::default());
            let mut stream = Put {
                bytes: &records,
                places: &places,
            };
            let mut viewer = Taken::from(&places, 1024);
            let (pending, traffic) = (PendingReply::new(), Traffic::default());
            let pump = relay_to_viewer(
                &session,
                dialogue,
                &mut stream,
                &mut viewer,
                (&pending, &traffic),
            );
            {
                let mut pump = Box::pin(pump);
                for _ in 0..100 {
                    assert!(futures::poll!(&mut pump).is_pending());
                }
            }
            assert_eq!(viewer.elsewhere, 0, "{kind:?}");
            assert!(viewer.there > sent.len() / 2);
        }
    }
}

/// With rustls' record layer they are in its own buffer; translated messages are in another one.
#[tokio::test]
async fn messages_for_esxi_are_encrypted_in_the_read_buffer() {
    for kind in KINDS.into_iter().filter(|kind| kind.in_place) {
        let (_, session) = Host::connected(kind);
        let (bytes, places) = (events(100), Places::default());
        let mut viewer = Put {
            bytes: &bytes,
            places: &places,
        };
        let mut esxi = Taken::from(&places, 0);
        let (pending, traffic) = (PendingReply::new(), Traffic::default());
        {
            let mut clocks = Clocks::start();
            let writer = to_esxi(
                &session,
                InputPath::Unchanged,
                &mut esxi,
                &traffic,
                &mut clocks,
            );
            let mut pump = Box::pin(writer.pump(&mut viewer, BytesMut::new(), &pending));
            assert!(futures::poll!(&mut pump).is_pending());
        }
        assert!(esxi.there > bytes.len() && esxi.elsewhere == 0);
    }
}

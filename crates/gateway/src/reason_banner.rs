//! The reason of a session's end, shown in the viewer as a banner over its last picture before the connection is closed.
//!
//! RFB has no message for a reason after the login. What it has is a FramebufferUpdate, which answers a request of the
//! viewer (RFC 6143 section 7.6.1).

use std::io;
use std::time::Duration;

use bytes::{Buf, BufMut, BytesMut};
use dialect::{Dialogue, ToViewer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::traffic::Traffic;

/// How long the viewer may take to request the banner, and can show it.
const SHOWN: Duration = Duration::from_secs(3);

/// The most input that is buffered. The dialogue leaves less of an incomplete message.
const MAX_INPUT: usize = 64 * 1024;

/// The state of a session that a banner in its viewer needs.
pub(crate) struct ReasonBanner {
    dialogue: Dialogue,
    /// Input of the viewer that the dialogue has not processed.
    unprocessed: BytesMut,
}

impl ReasonBanner {
    /// For a session whose relay has ended, and left `unprocessed` input of the viewer.
    pub(crate) const fn new(dialogue: Dialogue, unprocessed: BytesMut) -> Self {
        Self {
            dialogue,
            unprocessed,
        }
    }

    /// Shows `reason` until [`SHOWN`] is over or the viewer leaves. The caller closes the connection in either case.
    pub(crate) async fn show(
        mut self,
        reason: &str,
        viewer: &mut (impl AsyncRead + AsyncWrite + Unpin),
        traffic: &Traffic,
    ) {
        let _ = timeout(SHOWN, self.send_and_wait(reason, viewer, traffic)).await;
    }

    /// An `Ok` is that there is nothing to show, an `Err` that the viewer has left.
    async fn send_and_wait(
        &mut self,
        reason: &str,
        viewer: &mut (impl AsyncRead + AsyncWrite + Unpin),
        traffic: &Traffic,
    ) -> io::Result<()> {
        self.dialogue.stop_holding_keys();
        if !self.process_input() {
            return Ok(());
        }
        let mut rest = Completion(Vec::new());
        if self.dialogue.host_lost(&mut rest).is_err() {
            return Ok(());
        }
        send(&rest.0, viewer, traffic).await?;
        drop(rest);
        while !self.dialogue.is_update_requested() {
            receive(&mut self.unprocessed, viewer).await?;
            if !self.process_input() {
                return Ok(());
            }
        }
        let Some(banner) = self.dialogue.banner(reason) else {
            return Ok(());
        };
        send(&banner, viewer, traffic).await?;
        // Further requests stay unanswered.
        loop {
            self.unprocessed.clear();
            receive(&mut self.unprocessed, viewer).await?;
        }
    }

    /// Has the dialogue process the input: keys and pointer go nowhere. Returns whether a banner may still be sent.
    fn process_input(&mut self) -> bool {
        let mut for_host = BytesMut::new();
        let processed = self
            .dialogue
            .receive_from_viewer(&self.unprocessed, &mut for_host);
        let Ok(count) = processed else {
            return false;
        };
        self.unprocessed.advance(count);
        !self.dialogue.awaits_picture()
    }
}

/// What completes the update that the viewer has received a part of.
struct Completion(Vec<u8>);

impl ToViewer for Completion {
    fn pass(&mut self, _: std::ops::Range<usize>) {
        // Nothing was received from a host.
    }

    fn own(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

async fn send(
    bytes: &[u8],
    viewer: &mut (impl AsyncWrite + Unpin),
    traffic: &Traffic,
) -> io::Result<()> {
    if !bytes.is_empty() {
        viewer.write_all(bytes).await?;
        viewer.flush().await?;
        traffic.add_to_viewer(bytes.len());
    }
    Ok(())
}

/// Reads once; an `Err` at the end of the connection.
async fn receive(input: &mut BytesMut, viewer: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let space = MAX_INPUT.saturating_sub(input.len());
    match viewer.read_buf(&mut input.limit(space)).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

//! ESXi → viewer: payload goes on as it arrives, whatever frames and messages it is cut into.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::atomic::Ordering;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use ws_proto::{Close, CloseCode, Decoder, Event, Kind, Violation};

use super::Traffic;
use super::debt::Debts;
use crate::console::in_words;
use crate::error::Failure;

/// How much is read at a time: several TLS records, so that small frames leave together.
const READ: usize = 64 * 1024;

/// How many runs one system call takes. Linux allows 1024; beyond some dozens it makes no difference.
const RUNS: usize = 64;

/// Why nothing more comes from ESXi, or goes to the viewer.
#[derive(Debug)]
pub(super) enum End {
    /// ESXi has closed.
    Close(Option<Close>),
    /// ESXi has ended the connection without a Close.
    Vanished,
    /// ESXi's connection broke.
    Broke(io::Error),
    /// ESXi broke the protocol.
    Violation(Violation),
    /// ESXi sent text.
    Text,
    /// The viewer takes nothing any more.
    ViewerGone,
}

impl End {
    /// What ESXi is to be told.
    pub(super) fn answer(&self) -> Close {
        Close::new(match self {
            // RFC 6455 section 5.5.1: "the endpoint typically echos the status code it received".
            Self::Close(Some(close)) => close.code,
            Self::Close(None) => CloseCode::NORMAL,
            Self::Violation(violation) => violation.close_code(),
            Self::Text => CloseCode::UNSUPPORTED_DATA,
            Self::ViewerGone | Self::Vanished | Self::Broke(_) => CloseCode::GOING_AWAY,
        })
    }
}

impl From<End> for super::End {
    fn from(end: End) -> Self {
        match end {
            End::Close(Some(close)) => Self::Esxi(in_words(&close)),
            End::Close(None) => Self::Esxi("a Close without a code".into()),
            End::ViewerGone => Self::Viewer,
            End::Vanished => Self::Fault(Failure::EsxiVanished),
            End::Broke(error) => Self::Fault(Failure::EsxiBroke(error)),
            End::Violation(violation) => Self::Fault(Failure::Framing(violation)),
            End::Text => Self::Fault(Failure::Text),
        }
    }
}

/// The reading half of the console's connection.
pub(super) struct Source<'a, R> {
    pub(super) stream: &'a mut R,
    pub(super) decoder: Decoder,
    pub(super) input: BytesMut,
}

pub(super) async fn pump<R: AsyncRead + Unpin>(
    mut source: Source<'_, R>,
    early: BytesMut,
    viewer: &mut (impl AsyncWrite + Unpin),
    debts: &Debts,
    traffic: &Traffic,
) -> End {
    let mut runs = VecDeque::from([early.freeze()]);
    loop {
        let end = source.decode(&mut runs, debts);
        if write_all(viewer, &mut runs, traffic).await.is_err() {
            return End::ViewerGone;
        }
        if let Some(end) = end {
            return end;
        }
        source.input.reserve(READ);
        match source.stream.read_buf(&mut source.input).await {
            Ok(1..) => {}
            Ok(0) => return End::Vanished,
            // A host that ends TCP without ending TLS, as one that was reset does.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return End::Vanished,
            Err(error) => return End::Broke(error),
        }
    }
}

impl<R> Source<'_, R> {
    /// All that has arrived: payload onto `runs`, pings into `debts`.
    fn decode(&mut self, runs: &mut VecDeque<Bytes>, debts: &Debts) -> Option<End> {
        loop {
            match self.decoder.decode(&mut self.input) {
                Ok(Some(Event::Data {
                    kind: Kind::Binary,
                    payload,
                    ..
                })) => runs.push_back(payload),
                Ok(Some(Event::Data {
                    kind: Kind::Text, ..
                })) => return Some(End::Text),
                Ok(Some(Event::Ping(payload))) => debts.pong(payload),
                Ok(Some(Event::Pong(_))) => {}
                Ok(Some(Event::Close(said))) => return Some(End::Close(said)),
                Ok(None) => return None,
                Err(violation) => return Some(End::Violation(violation)),
            }
        }
    }
}

/// Writes all runs, as many at a time as one call takes, and forgets them.
async fn write_all(
    viewer: &mut (impl AsyncWrite + Unpin),
    runs: &mut VecDeque<Bytes>,
    traffic: &Traffic,
) -> io::Result<()> {
    runs.retain(|run| !run.is_empty());
    while !runs.is_empty() {
        let mut slices = [IoSlice::new(&[]); RUNS];
        for (slice, run) in slices.iter_mut().zip(runs.iter()) {
            *slice = IoSlice::new(run);
        }
        let count = slices.len().min(runs.len());
        let written = viewer
            .write_vectored(slices.get(..count).unwrap_or_default())
            .await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        traffic
            .to_viewer
            .fetch_add(written as u64, Ordering::Relaxed);
        forget(runs, written);
    }
    Ok(())
}

fn forget(runs: &mut VecDeque<Bytes>, mut written: usize) {
    while let Some(run) = runs.front_mut() {
        if run.len() > written {
            return run.advance(written);
        }
        written -= run.len();
        runs.pop_front();
    }
}

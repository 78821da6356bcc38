//! ESXi → viewer: payload goes on as it arrives, whatever frames and messages it is cut into.

use std::io::{self, IoSlice};
use std::ops::Range;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use ws_proto::{Close, CloseCode, Decoder, Kind, Piece, Violation, What};

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
    let mut runs = Vec::with_capacity(RUNS);
    runs.push(0..early.len());
    if write_all(viewer, &early, &runs, traffic).await.is_err() {
        return End::ViewerGone;
    }
    loop {
        runs.clear();
        let (decoded, end) = source.decode(&mut runs, debts);
        if write_all(viewer, &source.input, &runs, traffic)
            .await
            .is_err()
        {
            return End::ViewerGone;
        }
        if let Some(end) = end {
            return end;
        }
        source.input.advance(decoded);
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
    /// All that has arrived: where the payload lies in `input` onto `runs`, pings into `debts`. Says how
    /// much of `input` that was.
    fn decode(&mut self, runs: &mut Vec<Range<usize>>, debts: &Debts) -> (usize, Option<End>) {
        let mut at = 0;
        loop {
            let piece = match self.decoder.scan(self.input.get(at..).unwrap_or_default()) {
                Ok(Some(piece)) => piece,
                Ok(None) => return (at, None),
                Err(violation) => return (at, Some(End::Violation(violation))),
            };
            let run = at + piece.skip..at + piece.skip + piece.len;
            at = run.end;
            if let Some(end) = self.take(piece, run, runs, debts) {
                return (at, Some(end));
            }
        }
    }

    fn take(
        &self,
        piece: Piece,
        run: Range<usize>,
        runs: &mut Vec<Range<usize>>,
        debts: &Debts,
    ) -> Option<End> {
        match piece.what {
            What::Data {
                kind: Kind::Binary, ..
            } => runs.push(run),
            What::Data {
                kind: Kind::Text, ..
            } => return Some(End::Text),
            What::Ping => debts.pong(Bytes::copy_from_slice(
                self.input.get(run).unwrap_or_default(),
            )),
            What::Pong => {}
            What::Close => {
                let said = Close::parse(self.input.get(run).unwrap_or_default());
                return Some(said.map_or_else(End::Violation, End::Close));
            }
        }
        None
    }
}

/// Writes the `runs` of `input`, as many at a time as one call takes.
async fn write_all(
    viewer: &mut (impl AsyncWrite + Unpin),
    input: &[u8],
    runs: &[Range<usize>],
    traffic: &Traffic,
) -> io::Result<()> {
    for batch in runs.chunks(RUNS) {
        let mut slices = [IoSlice::new(&[]); RUNS];
        for (slice, run) in slices.iter_mut().zip(batch) {
            *slice = IoSlice::new(input.get(run.clone()).unwrap_or_default());
        }
        let mut left = slices.get_mut(..batch.len()).unwrap_or_default();
        // Removes empty runs at the front: writing nothing would look like a viewer that takes nothing.
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            let written = viewer.write_vectored(left).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            traffic.went_to_viewer(written);
            IoSlice::advance_slices(&mut left, written);
        }
    }
    Ok(())
}

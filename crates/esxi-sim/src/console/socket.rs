//! The WebSocket of a console as a byte stream, with the faults that tests ask for.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{SinkExt, StreamExt};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::message_splitter::MessageSplitter;
use crate::client_stream::ClientStream;
use crate::counts::Counters;
use crate::counts::EndReason;
use crate::misbehaviour::Misbehaviour;

/// The WebSocket to one client.
pub(super) struct ConsoleSocket {
    socket: WebSocketStream<ClientStream>,
    pub(super) counters: Counters,
    splitter: MessageSplitter,
    pub(super) misbehaviour: Option<Misbehaviour>,
    /// Received bytes that were not consumed.
    pub(super) received: BytesMut,
    /// RFB bytes sent.
    sent: u64,
}

impl ConsoleSocket {
    /// A WebSocket over `stream`, of which `early` was already read.
    pub(super) async fn new(
        stream: ClientStream,
        early: Bytes,
        counters: Counters,
        seed: u64,
        misbehaviour: Option<Misbehaviour>,
    ) -> Self {
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE))
            .max_frame_size(Some(MESSAGE));
        let whole = misbehaviour == Some(Misbehaviour::OneMessagePerTurn);
        let socket =
            WebSocketStream::from_partially_read(stream, early.into(), Role::Server, Some(config))
                .await;
        Self {
            socket,
            counters,
            splitter: MessageSplitter::new(seed, whole),
            misbehaviour,
            received: BytesMut::new(),
            sent: 0,
        }
    }

    /// Sends the first message unsplit and, by default, in one TLS record with the 101 response (`docs/webmks.md` 1.1).
    pub(super) async fn send_first(&mut self, bytes: &[u8]) -> Result<(), EndReason> {
        let apart = self.limit_stream();
        if apart {
            self.socket.get_ref().uncork();
            self.flush().await?;
        }
        self.feed(Bytes::copy_from_slice(bytes)).await?;
        // While corked, this only buffers the message behind the response.
        self.flush().await?;
        self.socket.get_ref().uncork();
        self.flush().await?;
        self.after_message().await
    }

    /// Limits or throttles the stream if the fault says so; whether it does.
    fn limit_stream(&mut self) -> bool {
        use Misbehaviour::{CutAfter, OneByteRecords, ResetAfter, StallAfter};
        let stream = self.socket.get_mut();
        match &self.misbehaviour {
            Some(CutAfter(after) | ResetAfter(after) | StallAfter(after)) => {
                stream.limit(*after);
                true
            }
            Some(OneByteRecords) => {
                stream.drip();
                true
            }
            _ => false,
        }
    }

    /// Sends bytes in one or more messages.
    pub(super) async fn send(&mut self, mut turn: BytesMut) -> Result<(), EndReason> {
        while !turn.is_empty() {
            let length = self.splitter.next(turn.len());
            self.feed(turn.split_to(length).freeze()).await?;
            self.after_message().await?;
        }
        self.flush().await
    }

    /// Waits for `length` bytes and consumes them.
    pub(super) async fn take(&mut self, length: usize) -> Result<BytesMut, EndReason> {
        while self.received.len() < length {
            self.receive().await?;
        }
        Ok(self.received.split_to(length))
    }

    /// Waits for the next message. Cancel safe: its bytes are kept in `received`.
    pub(super) async fn receive(&mut self) -> Result<(), EndReason> {
        match self.socket.next().await {
            Some(Ok(Message::Binary(bytes))) => self.received.extend_from_slice(&bytes),
            Some(Ok(Message::Ping(_))) => {
                self.counters.update(|counts| counts.pings += 1);
                self.forget_pong().await;
            }
            Some(Ok(Message::Pong(_))) => self.counters.update(|counts| counts.pongs += 1),
            Some(Ok(Message::Text(_))) => {
                return Err(EndReason::Violation("a text message".into()));
            }
            Some(Ok(Message::Close(frame))) => {
                return Err(EndReason::ClosedByClient(
                    frame.map(|frame| frame.code.into()),
                ));
            }
            Some(Ok(Message::Frame(_))) => {}
            Some(Err(error)) => return Err(ended_by(&error)),
            None => return Err(EndReason::LostClient),
        }
        Ok(())
    }

    /// WebSocket pings are never answered (`docs/webmks.md` 2.1). Tungstenite has queued only the pong, since every
    /// send here ends with a flush; so this flush is discarded.
    async fn forget_pong(&mut self) {
        self.socket.get_mut().mute(true);
        let _ = self.socket.flush().await;
        self.socket.get_mut().mute(false);
    }

    async fn feed(&mut self, bytes: Bytes) -> Result<(), EndReason> {
        self.sent += bytes.len() as u64;
        if self.misbehaviour == Some(Misbehaviour::Fragments) {
            return self.feed_fragments(bytes).await;
        }
        self.feed_message(Message::Binary(bytes)).await
    }

    async fn feed_fragments(&mut self, mut bytes: Bytes) -> Result<(), EndReason> {
        let mut opcode = OpCode::Data(Data::Binary);
        let first = bytes.split_to(bytes.len() / 3);
        let second = bytes.split_to(bytes.len() / 2);
        for (part, last) in [(first, false), (second, false), (bytes, true)] {
            self.feed_message(Message::Frame(Frame::message(part, opcode, last)))
                .await?;
            opcode = OpCode::Data(Data::Continue);
            if !last {
                self.feed_message(Message::Ping(Bytes::from_static(b"between")))
                    .await?;
            }
        }
        Ok(())
    }

    /// Shows the fault that is due after a message.
    async fn after_message(&mut self) -> Result<(), EndReason> {
        use Misbehaviour::{CloseWith, EndWithoutClose, Pings};
        match self.misbehaviour.clone() {
            Some(Pings(payload)) => self.feed_message(Message::Ping(payload.into())).await,
            Some(EndWithoutClose { after } | CloseWith { after, .. }) if self.sent > after => {
                self.flush().await?;
                Err(EndReason::Misbehaved)
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn feed_message(&mut self, message: Message) -> Result<(), EndReason> {
        let result = self.socket.feed(message).await;
        result.map_err(|error| self.write_failed(&error))
    }

    async fn flush(&mut self) -> Result<(), EndReason> {
        let result = self.socket.flush().await;
        result.map_err(|error| self.write_failed(&error))
    }

    fn write_failed(&self, error: &Error) -> EndReason {
        if self.socket.get_ref().is_spent() {
            EndReason::Misbehaved
        } else {
            ended_by(error)
        }
    }

    /// Closes the connection as `end` requires.
    pub(super) async fn finish(mut self, end: &EndReason) {
        self.socket.get_ref().uncork();
        match (end, self.misbehaviour.take()) {
            (EndReason::Misbehaved, Some(Misbehaviour::CutAfter(_))) => {
                self.socket.into_inner().cut().await
            }
            (EndReason::Misbehaved, Some(Misbehaviour::ResetAfter(_))) => {
                self.socket.into_inner().reset().await
            }
            (EndReason::FellSilent, _)
            | (EndReason::Misbehaved, Some(Misbehaviour::StallAfter(_))) => {
                self.drain().await;
            }
            (EndReason::Misbehaved, Some(Misbehaviour::CloseWith { code, reason, .. })) => {
                self.close(code, &reason).await;
            }
            (EndReason::ClosedByClient(_), _) => {
                // Tungstenite has queued the Close reply.
                let _ = self.socket.flush().await;
                self.end_in_order().await;
            }
            (EndReason::Violation(_), _) => self.close(PROTOCOL_ERROR, "").await,
            (EndReason::Stopped | EndReason::Dropped, _) => self.close(GOING_AWAY, "").await,
            (EndReason::LostServer(_), _) => self.close(INTERNAL_ERROR, "").await,
            (
                EndReason::Misbehaved
                | EndReason::LostClient
                | EndReason::LimitReached
                | EndReason::WrongPassword,
                _,
            ) => self.end_in_order().await,
        }
    }

    /// Sends Close, waits for the client's Close, and ends the connection.
    async fn close(mut self, code: u16, reason: &str) {
        let end = reason.floor_char_boundary(CLOSE_REASON);
        let frame = CloseFrame {
            code: CloseCode::from(code),
            reason: reason.get(..end).unwrap_or_default().into(),
        };
        if self.socket.close(Some(frame)).await.is_ok() {
            let answered = async { while let Some(Ok(_)) = self.socket.next().await {} };
            let _ = timeout(CLOSE_TIMEOUT, answered).await;
        }
        self.end_in_order().await;
    }

    /// Sends close_notify and FIN, then reads until EOF: closing with unread input would send RST, which may destroy
    /// what was sent.
    async fn end_in_order(self) {
        let mut stream = self.socket.into_inner();
        let ended = async {
            let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
            let mut rest = [0; 1024];
            while matches!(stream.read(&mut rest).await, Ok(1..)) {}
        };
        let _ = timeout(CLOSE_TIMEOUT, ended).await;
    }

    /// Discards input until the client disconnects.
    async fn drain(self) {
        let mut stream = self.socket.into_inner();
        let mut rest = [0; 1024];
        while matches!(stream.read(&mut rest).await, Ok(1..)) {}
    }
}

fn ended_by(error: &Error) -> EndReason {
    match error {
        Error::Protocol(violation) if !is_loss(violation) => {
            EndReason::Violation(violation.to_string())
        }
        Error::Capacity(violation) => EndReason::Violation(violation.to_string()),
        Error::Utf8(_) => EndReason::Violation("a text message".into()),
        _ => EndReason::LostClient,
    }
}

fn is_loss(violation: &tokio_tungstenite::tungstenite::error::ProtocolError) -> bool {
    use tokio_tungstenite::tungstenite::error::ProtocolError::{
        ResetWithoutClosingHandshake, SendAfterClosing,
    };
    matches!(violation, ResetWithoutClosingHandshake | SendAfterClosing)
}

/// The largest message taken from a client: twice the longest RFB client message.
const MESSAGE: usize = 512 * 1024;
/// How long to wait for the client's Close or EOF.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// RFC 6455 section 5.5: 125 bytes in a control frame, minus 2 for the code.
const CLOSE_REASON: usize = 123;
/// Close codes (RFC 6455 section 7.4.1); those of real hosts are not known, so these are guesses.
const GOING_AWAY: u16 = 1001;
const PROTOCOL_ERROR: u16 = 1002;
const INTERNAL_ERROR: u16 = 1011;

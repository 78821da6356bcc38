//! A viewer that has no host: its messages are processed and go nowhere, and it is sent what the gateway draws.

use std::io;
use std::ops::Range;

use bytes::{Buf, BufMut, BytesMut};
use dialect::{CannotContinue, Dialogue, ToViewer};
use rfb_proto::Violation;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::placeholder;

/// The most input that is buffered. The dialogue leaves less of an incomplete message.
const MAX_INPUT: usize = 64 * 1024;

/// Why nothing more can be sent to the viewer, or received from it.
#[derive(Debug)]
pub enum ViewerEnd {
    /// Its connection ended.
    Left,
    /// It has sent invalid RFB.
    Violation(Violation),
    /// It has received a part of something that cannot be completed.
    CannotContinue(CannotContinue),
    /// It waits for a picture and has received a part of it: what completes the update is not that picture, and a program
    /// that saves one must not take it for it.
    PictureCut,
}

impl From<io::Error> for ViewerEnd {
    fn from(_: io::Error) -> Self {
        Self::Left
    }
}

/// Whether a line was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawn {
    /// It was.
    Now,
    /// It may be later: the viewer has not requested an update, or waits for a picture.
    NotYet,
    /// The viewer's screen or pixel format has no room for it.
    Never,
}

/// A viewer's connection and dialogue after its host was lost.
pub struct HostlessViewer<'a, V> {
    dialogue: &'a mut Dialogue,
    /// Input of the viewer that the dialogue has not processed.
    input: &'a mut BytesMut,
    connection: &'a mut V,
    /// Whether it may be shown an empty screen.
    may_be_blank: bool,
    /// Told how many bytes were sent.
    sent: &'a (dyn Fn(usize) + Sync),
}

impl<'a, V: AsyncRead + AsyncWrite + Unpin> HostlessViewer<'a, V> {
    /// `input` is what was read from the viewer and not processed. Processes it.
    ///
    /// # Errors
    /// The viewer has sent invalid RFB.
    pub fn new(
        dialogue: &'a mut Dialogue,
        input: &'a mut BytesMut,
        connection: &'a mut V,
        sent: &'a (dyn Fn(usize) + Sync),
    ) -> Result<Self, ViewerEnd> {
        let mut viewer = Self {
            dialogue,
            input,
            connection,
            may_be_blank: false,
            sent,
        };
        viewer.process()?;
        Ok(viewer)
    }

    /// Sends ServerInit in place of a host that is not there yet, for a viewer that has sent ClientInit or does so next. It
    /// is shown an empty screen where it asks for a picture.
    ///
    /// # Errors
    /// The viewer has left, or has sent invalid RFB.
    pub async fn begin(&mut self, name: &str) -> Result<(), ViewerEnd> {
        while self.dialogue.expects_client_init() {
            self.receive().await?;
        }
        let server_init = placeholder::server_init(name);
        let mut output = Output {
            from_host: &server_init,
            to_viewer: Vec::new(),
        };
        self.dialogue
            .receive_from_host(&server_init, &mut output)
            .map_err(|_| ViewerEnd::CannotContinue(CannotContinue::NotParsed))?;
        self.may_be_blank = true;
        let output = output.to_viewer;
        self.send(&output).await
    }

    /// Whether it has pressed Enter since the last call.
    pub fn take_entered(&mut self) -> bool {
        self.dialogue.take_entered()
    }

    /// Completes the update that the viewer has received a part of.
    ///
    /// # Errors
    /// The viewer has left, or the update cannot be completed.
    pub async fn complete(&mut self) -> Result<(), ViewerEnd> {
        if self.dialogue.awaits_picture() && !self.dialogue.may_insert_update() {
            return Err(ViewerEnd::PictureCut);
        }
        let mut rest = Output {
            from_host: &[],
            to_viewer: Vec::new(),
        };
        self.dialogue
            .host_lost(&mut rest)
            .map_err(ViewerEnd::CannotContinue)?;
        let rest = rest.to_viewer;
        self.send(&rest).await
    }

    /// Whether it has requested a picture and not received it: see [`Dialogue::awaits_picture`].
    pub const fn awaits_picture(&self) -> bool {
        self.dialogue.awaits_picture()
    }

    /// Draws `text` over the picture, in answer to a request of the viewer.
    ///
    /// # Errors
    /// The viewer has left.
    pub async fn show(&mut self, text: &str) -> Result<Drawn, ViewerEnd> {
        if !self.dialogue.is_update_requested() {
            return Ok(Drawn::NotYet);
        }
        if self.dialogue.awaits_picture() {
            if self.may_be_blank
                && let Some(blank) = self.dialogue.blank()
            {
                self.send(&blank).await?;
            }
            return Ok(Drawn::NotYet);
        }
        let Some(banner) = self.dialogue.banner(text) else {
            return Ok(Drawn::Never);
        };
        self.send(&banner).await?;
        Ok(Drawn::Now)
    }

    /// Reads once and processes the input. Cancel safe.
    ///
    /// # Errors
    /// The viewer has left, or has sent invalid RFB.
    pub async fn receive(&mut self) -> Result<(), ViewerEnd> {
        let space = MAX_INPUT.saturating_sub(self.input.len());
        match self
            .connection
            .read_buf(&mut (&mut *self.input).limit(space))
            .await?
        {
            0 => Err(ViewerEnd::Left),
            _ => self.process(),
        }
    }

    /// Keys and pointer go nowhere.
    fn process(&mut self) -> Result<(), ViewerEnd> {
        // There is no host whose answer they could wait for.
        self.dialogue.stop_holding_keys();
        let mut for_host = BytesMut::new();
        let processed = self
            .dialogue
            .receive_from_viewer(self.input, &mut for_host)
            .map_err(ViewerEnd::Violation)?;
        self.input.advance(processed);
        Ok(())
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), ViewerEnd> {
        if !bytes.is_empty() {
            self.connection.write_all(bytes).await?;
            self.connection.flush().await?;
            (self.sent)(bytes.len());
        }
        Ok(())
    }
}

/// What the viewer is sent.
struct Output<'a> {
    /// Bytes that parts of this may be passed from.
    from_host: &'a [u8],
    to_viewer: Vec<u8>,
}

impl ToViewer for Output<'_> {
    fn pass(&mut self, range: Range<usize>) {
        let passed = self.from_host.get(range).unwrap_or_default();
        self.to_viewer.extend_from_slice(passed);
    }

    fn own(&mut self) -> &mut Vec<u8> {
        &mut self.to_viewer
    }
}

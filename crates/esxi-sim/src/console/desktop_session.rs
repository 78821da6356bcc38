//! A desktop over RFB 3.8: the handshake, then updates out and input in.

use std::convert::Infallible;

use bytes::{BufMut, BytesMut};

use super::client_message::ClientMessage;
use super::client_state::Viewer;
use super::handshake;
use super::message_reader;
use super::pixel_format::PixelFormat;
use super::socket::Line;
use crate::counts::{Counts, End};
use crate::desktop::Desktop;

/// Serves `desktop` until something ends it.
pub(super) async fn serve(line: &mut Line, name: &str, desktop: &Desktop) -> End {
    match run(line, name, desktop).await {
        Ok(never) => match never {},
        Err(end) => end,
    }
}

async fn run(line: &mut Line, name: &str, desktop: &Desktop) -> Result<Infallible, End> {
    handshake::serve(line, desktop.moods.vnc_password.as_ref()).await?;
    // ClientInit: the shared flag "is currently ignored by our server" (`docs/webmks.md` 1.2).
    line.take(1).await?;
    let mut changes = desktop.watch();
    let size = desktop.size();
    line.send(server_init(name, size)).await?;
    let mut viewer = Viewer::new(desktop, size);
    loop {
        while let Some(message) =
            message_reader::take(&mut line.inbox, viewer.announced()).map_err(End::Violation)?
        {
            line.journal.note(|counts| count(&message, counts));
            if let Some(answer) = viewer.hear(message).map_err(End::Violation)? {
                line.send(answer).await?;
            }
            viewer.stay()?;
        }
        tokio::select! {
            received = line.receive() => received?,
            changed = changes.changed(), if viewer.is_waiting() => {
                changed.map_err(|_| End::Stopped)?;
                if let Some(update) = viewer.answer_waiting() {
                    line.send(update).await?;
                    viewer.stay()?;
                }
            }
        }
    }
}

/// Counts what asks for updates.
fn count(message: &ClientMessage, counts: &mut Counts) {
    match message {
        ClientMessage::UpdateRequest {
            incremental: true, ..
        } => counts.incremental_requests += 1,
        ClientMessage::UpdateRequest { .. } => counts.whole_requests += 1,
        ClientMessage::Acknowledged(_) => counts.acknowledgements += 1,
        _ => {}
    }
}

/// ServerInit (RFC 6143 section 7.3.2); the desktop's name is the VM's (`docs/webmks.md` 2.2).
fn server_init(name: &str, (width, height): (u16, u16)) -> BytesMut {
    let mut init = BytesMut::new();
    init.put_u16(width);
    init.put_u16(height);
    PixelFormat::NATIVE.write(&mut init);
    init.put_u32(u32::try_from(name.len()).unwrap_or(u32::MAX));
    init.put_slice(name.as_bytes());
    init
}

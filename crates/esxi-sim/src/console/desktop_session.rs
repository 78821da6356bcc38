//! Serves a desktop over RFB 3.8: handshake, initialisation, then messages in both directions.

use std::convert::Infallible;

use bytes::{BufMut, BytesMut};

use super::client_message::ClientMessage;
use super::client_state::ClientState;
use super::handshake;
use super::message_reader;
use super::pixel_format::PixelFormat;
use super::socket::ConsoleSocket;
use crate::counts::{Counts, EndReason};
use crate::desktop::Desktop;

/// Serves `desktop`; returns why the console ended.
pub(super) async fn serve(socket: &mut ConsoleSocket, name: &str, desktop: &Desktop) -> EndReason {
    match run(socket, name, desktop).await {
        Ok(never) => match never {},
        Err(end) => end,
    }
}

async fn run(
    socket: &mut ConsoleSocket,
    name: &str,
    desktop: &Desktop,
) -> Result<Infallible, EndReason> {
    handshake::serve(socket, desktop.quirks.vnc_password.as_ref()).await?;
    // ClientInit: the shared flag "is currently ignored by our server" (`docs/webmks.md` 1.2).
    socket.take(1).await?;
    let mut changes = desktop.watch();
    let size = desktop.size();
    socket.send(server_init(name, size)).await?;
    let mut client = ClientState::new(desktop, size);
    loop {
        while let Some(message) =
            message_reader::take_message(&mut socket.received, client.announced())
                .map_err(EndReason::Violation)?
        {
            socket.counters.update(|counts| count(&message, counts));
            if let Some(answer) = client.handle(message).map_err(EndReason::Violation)? {
                socket.send(answer).await?;
            }
            client.check_silence()?;
        }
        tokio::select! {
            received = socket.receive() => received?,
            changed = changes.changed(), if client.has_pending_request() => {
                changed.map_err(|_| EndReason::Stopped)?;
                if let Some(update) = client.answer_pending() {
                    socket.send(update).await?;
                    client.check_silence()?;
                }
            }
        }
    }
}

/// Counts requests and acknowledgements.
fn count(message: &ClientMessage, counts: &mut Counts) {
    match message {
        ClientMessage::UpdateRequest {
            incremental: true, ..
        } => counts.incremental_requests += 1,
        ClientMessage::UpdateRequest { .. } => counts.whole_requests += 1,
        ClientMessage::UpdateAck(_) => counts.acknowledgements += 1,
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

//! A bridge: relays a real VNC server's bytes, split into WebSocket messages of arbitrary length.

use std::net::SocketAddr;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::handshake::{self, VERSION};
use super::socket::ConsoleSocket;
use crate::counts::EndReason;

/// Relays until one side closes. The server must look like ESXi: RFB 3.8, security None.
pub(super) async fn serve(socket: &mut ConsoleSocket, server: SocketAddr) -> EndReason {
    match relay(socket, server).await {
        Ok(end) | Err(end) => end,
    }
}

async fn relay(socket: &mut ConsoleSocket, address: SocketAddr) -> Result<EndReason, EndReason> {
    let lost = |error: std::io::Error| EndReason::LostServer(error.to_string());
    // ESXi sends its version at once, so it is sent before the server is connected; the server's own is checked and
    // dropped.
    handshake::send_version(socket).await?;
    let mut server = TcpStream::connect(address).await.map_err(lost)?;
    server.set_nodelay(true).map_err(lost)?;
    let mut version = [0; VERSION.len()];
    server.read_exact(&mut version).await.map_err(lost)?;
    if version != *VERSION {
        return Err(EndReason::LostServer("it does not speak RFB 3.8".into()));
    }
    let mut turn = BytesMut::new();
    loop {
        turn.reserve(TURN);
        tokio::select! {
            read = server.read_buf(&mut turn) => {
                if read.map_err(lost)? == 0 {
                    return Ok(EndReason::LostServer("it closed the connection".into()));
                }
                socket.send(turn.split()).await?;
            }
            received = socket.receive() => {
                received?;
                let bytes = socket.received.split();
                server.write_all(&bytes).await.map_err(lost)?;
            }
        }
    }
}

/// The longest read, and so the longest message; frames get 64-bit lengths.
const TURN: usize = 256 * 1024;

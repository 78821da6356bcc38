//! A real VNC server behind a console: its bytes as they are, in messages of our cutting.

use std::net::SocketAddr;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::handshake::{self, VERSION};
use super::socket::ConsoleSocket;
use crate::counts::EndReason;

/// Relays until one side ends. The server has to look like ESXi by itself: RFB 3.8 with security None.
pub(super) async fn serve(socket: &mut ConsoleSocket, server: SocketAddr) -> EndReason {
    match relay(socket, server).await {
        Ok(end) | Err(end) => end,
    }
}

async fn relay(socket: &mut ConsoleSocket, address: SocketAddr) -> Result<EndReason, EndReason> {
    let lost = |error: std::io::Error| EndReason::LostServer(error.to_string());
    // ESXi would not wait for anybody before it names its version, so the server's own is compared and left out.
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

/// One read's worth, and so the longest message; large enough for frames with 64-bit lengths.
const TURN: usize = 256 * 1024;

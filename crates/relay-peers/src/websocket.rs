//! Relays on WebSocket libraries: a message is read, and written.

use std::convert::Infallible;

use anyhow::bail;
use bytes::{Bytes, BytesMut};
use fastwebsockets::{Frame, OpCode, Payload, WebSocket};
use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, protocol::Role};
use tokio_websockets::{ClientBuilder, Message};
use ws_proto::Upgrade;

use crate::READ;
use crate::raw::both;

type Host = TlsStream<TcpStream>;

pub(crate) async fn tungstenite(mut viewer: TcpStream, mut host: Host) -> anyhow::Result<()> {
    upgrade(&mut host).await?;
    let socket = WebSocketStream::from_raw_socket(host, Role::Client, None).await;
    let (mut sink, mut stream) = socket.split();
    let (mut viewer_in, mut viewer_out) = viewer.split();
    let down = async {
        while let Some(message) = stream.next().await {
            viewer_out.write_all(&message?.into_data()).await?;
        }
        Ok(())
    };
    let up = async {
        let mut buffer = BytesMut::with_capacity(READ);
        while viewer_in.read_buf(&mut buffer).await? > 0 {
            let message = tungstenite::Message::Binary(buffer.split().freeze());
            sink.send(message).await?;
            buffer.reserve(READ);
        }
        Ok(())
    };
    both(down, up).await
}

pub(crate) async fn fast(mut viewer: TcpStream, mut host: Host) -> anyhow::Result<()> {
    upgrade(&mut host).await?;
    let socket = WebSocket::after_handshake(host, fastwebsockets::Role::Client);
    #[expect(clippy::disallowed_methods, reason = "as its own examples do")]
    let (mut stream, mut sink) = socket.split(tokio::io::split);
    let (mut viewer_in, mut viewer_out) = viewer.split();
    let down = async {
        let obligations = async |_: Frame<'_>| Ok::<(), Infallible>(());
        loop {
            let frame = stream.read_frame(&mut |frame| obligations(frame)).await?;
            match frame.opcode {
                OpCode::Close => return Ok(()),
                _ => viewer_out.write_all(&frame.payload).await?,
            }
        }
    };
    let up = async {
        let mut buffer = vec![0; READ];
        loop {
            let count = viewer_in.read(&mut buffer).await?;
            if count == 0 {
                return Ok(());
            }
            let payload = buffer.get_mut(..count).unwrap_or_default();
            sink.write_frame(Frame::binary(Payload::BorrowedMut(payload)))
                .await?;
            sink.flush().await?;
        }
    };
    both(down, up).await
}

pub(crate) async fn tokio_websockets(mut viewer: TcpStream, mut host: Host) -> anyhow::Result<()> {
    upgrade(&mut host).await?;
    let socket = ClientBuilder::new().take_over(host);
    let (mut sink, mut stream) = socket.split();
    let (mut viewer_in, mut viewer_out) = viewer.split();
    let down = async {
        while let Some(message) = stream.next().await {
            viewer_out.write_all(message?.as_payload()).await?;
        }
        Ok(())
    };
    let up = async {
        let mut buffer = BytesMut::with_capacity(READ);
        while viewer_in.read_buf(&mut buffer).await? > 0 {
            let payload: Bytes = buffer.split().freeze();
            sink.send(Message::binary(payload)).await?;
            buffer.reserve(READ);
        }
        Ok(())
    };
    both(down, up).await
}

/// The opening handshake, which is not what is measured.
async fn upgrade(host: &mut Host) -> anyhow::Result<()> {
    let upgrade = Upgrade::new("localhost", "/", Some("binary"), [7; 16], &[])?;
    host.write_all(upgrade.request()).await?;
    let mut input = BytesMut::new();
    while !upgrade.read_answer(&mut input)? {
        if host.read_buf(&mut input).await? == 0 {
            bail!("the host has left");
        }
    }
    Ok(())
}

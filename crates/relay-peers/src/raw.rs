//! Relays without WebSocket.

use std::future::poll_fn;

use anyhow::bail;
use console::tls::Trust;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::READ;
use console::tls_session::{ReceiveBuffer, TlsSession};

/// TCP both ways.
pub(crate) async fn plain(mut viewer: TcpStream, mut host: TcpStream) -> anyhow::Result<()> {
    let (mut viewer_in, mut viewer_out) = viewer.split();
    let (mut host_in, mut host_out) = host.split();
    both(
        copy(&mut host_in, &mut viewer_out),
        copy(&mut viewer_in, &mut host_out),
    )
    .await
}

/// tokio-rustls.
pub(crate) async fn tls(mut viewer: TcpStream, host: TlsStream<TcpStream>) -> anyhow::Result<()> {
    let (mut viewer_in, mut viewer_out) = viewer.split();
    #[expect(clippy::disallowed_methods, reason = "as one writes it first")]
    let (mut host_in, mut host_out) = tokio::io::split(host);
    both(
        copy(&mut host_in, &mut viewer_out),
        copy(&mut viewer_in, &mut host_out),
    )
    .await
}

/// mksgate's own TLS, with records of rustls' or in place.
pub(crate) async fn own(
    mut viewer: TcpStream,
    mut host: TcpStream,
    in_place: bool,
) -> anyhow::Result<()> {
    let mut input = ReceiveBuffer::default();
    let session = shake_hands(&mut host, &mut input, in_place).await?;
    let (mut viewer_in, mut viewer_out) = viewer.split();
    let (mut host_in, mut host_out) = host.split();
    let down = async {
        loop {
            let read =
                poll_fn(|context| session.poll_read(&mut host_in, context, &mut input)).await;
            viewer_out.write_all(input.opened()).await?;
            input.forget(input.opened().len());
            if read.is_err() {
                return Ok(());
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
            let sealed = session.seal(buffer.get(..count).unwrap_or_default())?;
            host_out.write_all(&sealed).await?;
        }
    };
    both(down, up).await
}

pub(crate) async fn shake_hands(
    host: &mut TcpStream,
    input: &mut ReceiveBuffer,
    in_place: bool,
) -> anyhow::Result<TlsSession> {
    let mut config = Trust::DangerAcceptAny
        .client()
        .map_err(anyhow::Error::msg)?;
    config.enable_secret_extraction = in_place;
    let session = TlsSession::new(config, ServerName::try_from("localhost")?)?;
    loop {
        let over = session.handshake(input)?;
        host.write_all(&session.outgoing()).await?;
        if over {
            break;
        }
        if poll_fn(|context| session.poll_fill(host, context, input)).await? == 0 {
            bail!("the host has left");
        }
    }
    match in_place {
        true => Ok(session.in_place()?),
        false => Ok(session),
    }
}

/// Until either has ended: a bench has nothing to lose by that.
pub(crate) async fn both(
    down: impl Future<Output = anyhow::Result<()>>,
    up: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    tokio::select! {
        ended = down => ended,
        ended = up => ended,
    }
}

async fn copy(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> anyhow::Result<()> {
    let mut buffer = vec![0; READ];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        to.write_all(buffer.get(..count).unwrap_or_default())
            .await?;
        to.flush().await?;
    }
}

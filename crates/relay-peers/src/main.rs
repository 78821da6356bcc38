//! `relay-peers KIND LISTEN TARGET`: a relay from plain TCP to `TARGET`, as one writes it first with a library.
//!
//! | kind | towards the target |
//! |---|---|
//! | `tungstenite`, `fastwebsockets`, `tokio-websockets` | WebSocket by that crate, on tokio-rustls |
//! | `own`, `own-in-place` | TLS by mksgate's own module, no WebSocket: what framing is measured against |
//! | `straight`, `straight-in-place` | the same with WebSocket, and never a turn for anybody else |
//! | `tls` | TLS by tokio-rustls, no WebSocket |
//! | `tcp` | TCP |
//!
//! It prints a line once it listens. Certificates are not checked: this is for measurements on one machine.

mod raw;
mod straight;
mod websocket;

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context, bail};
use console::tls::Trust;
use rustls::pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::task::TaskTracker;

/// How much the simple relays read at a time, where a library leaves that to them.
const READ: usize = 256 * 1024;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().context("relay-peers KIND LISTEN TARGET");
    let (kind, listen, target) = (next()?, next()?, next()?);
    let listener = TcpListener::bind(listen).await?;
    writeln!(std::io::stdout(), "listening")?;
    let tasks = TaskTracker::new();
    loop {
        let (viewer, _) = listener.accept().await?;
        let (kind, target) = (kind.clone(), target.clone());
        tasks.spawn(async move {
            // Ignored on purpose: each session ends in some error or other, and the bench counts bytes.
            let _ = relay(&kind, viewer, &target).await;
        });
    }
}

async fn relay(kind: &str, viewer: TcpStream, target: &str) -> anyhow::Result<()> {
    viewer.set_nodelay(true)?;
    let host = TcpStream::connect(target).await?;
    host.set_nodelay(true)?;
    match kind {
        "tcp" => raw::plain(viewer, host).await,
        "own" => raw::own(viewer, host, false).await,
        "straight" => straight::relay(viewer, host, false).await,
        "straight-in-place" => straight::relay(viewer, host, true).await,
        "own-in-place" => raw::own(viewer, host, true).await,
        "tls" => raw::tls(viewer, tls(host).await?).await,
        "tungstenite" => websocket::tungstenite(viewer, tls(host).await?).await,
        "fastwebsockets" => websocket::fast(viewer, tls(host).await?).await,
        "tokio-websockets" => websocket::tokio_websockets(viewer, tls(host).await?).await,
        _ => bail!("{kind} is no relay"),
    }
}

async fn tls(host: TcpStream) -> anyhow::Result<TlsStream<TcpStream>> {
    let config = Trust::DangerAcceptAny
        .client()
        .map_err(anyhow::Error::msg)?;
    let name = ServerName::try_from("localhost")?;
    Ok(TlsConnector::from(Arc::new(config))
        .connect(name, host)
        .await?)
}

//! Runs a simulated ESXi or vCenter host until it is told to stop.
//!
//! When it is ready it prints one line of JSON: `{"address":"127.0.0.1:PORT","sha256":"…","guests":"127.0.0.1:PORT"}`,
//! the fingerprint being that of the certificate at that address. At `guests`, over plain HTTP, it shows what the guests
//! have heard and what their screens show: `/VM/keys`, `/VM/typed`, `/VM/picture.png` and others, see `guests.rs`.

mod arguments;
mod guests;

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use clap::Parser;
use esxi_sim::Host;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use self::arguments::Arguments;

#[tokio::main]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let until_stdin_closes = arguments.until_stdin_closes;
    let settings = arguments::settings(arguments);
    let names = settings.vms.iter().map(|vm| vm.name.clone()).collect();
    let host = Arc::new(Host::start(settings).await?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    say_ready(&host, listener.local_addr()?)?;
    let routes = guests::routes(&host, names);
    tokio::select! {
        served = async { axum::serve(listener, routes).await } => served?,
        told = told_to_stop(until_stdin_closes) => told?,
    }
    if let Some(host) = Arc::into_inner(host) {
        host.stop().await;
    }
    // A read of standard input that is still waiting would keep the runtime from ending.
    std::process::exit(0)
}

fn say_ready(host: &Host, guests: SocketAddr) -> io::Result<()> {
    let sha256: String = host
        .certificate_sha256()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        r#"{{"address":"{}","sha256":"{sha256}","guests":"{guests}"}}"#,
        host.address()
    )?;
    out.flush()
}

async fn told_to_stop(until_stdin_closes: bool) -> io::Result<()> {
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        terminated = terminated() => terminated,
        closed = stdin_closed(), if until_stdin_closes => closed,
    }
}

#[cfg(unix)]
async fn terminated() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::terminate())?.recv().await;
    Ok(())
}

/// Elsewhere Ctrl-C is the only way to tell it.
#[cfg(not(unix))]
async fn terminated() -> io::Result<()> {
    std::future::pending().await
}

async fn stdin_closed() -> io::Result<()> {
    let mut stdin = tokio::io::stdin();
    let mut ignored = [0; 1024];
    while stdin.read(&mut ignored).await? > 0 {}
    Ok(())
}

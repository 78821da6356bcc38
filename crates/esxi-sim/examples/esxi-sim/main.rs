//! Runs a simulated ESXi or vCenter host until SIGINT or SIGTERM.
//!
//! When it is ready it prints one line of JSON: `{"address":"127.0.0.1:PORT","sha256":"…","guests":"127.0.0.1:PORT"}`,
//! with the fingerprint of the certificate at `address`. `guests` serves the state of the guests over plain HTTP: see
//! `guests.rs`.

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
    print_ready(&host, listener.local_addr()?)?;
    let routes = guests::routes(&host, names);
    tokio::select! {
        served = async { axum::serve(listener, routes).await } => served?,
        stopped = stop_requested(until_stdin_closes) => stopped?,
    }
    if let Some(host) = Arc::into_inner(host) {
        host.stop().await;
    }
    // A pending read of standard input would block the runtime's shutdown.
    std::process::exit(0)
}

fn print_ready(host: &Host, guests: SocketAddr) -> io::Result<()> {
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

async fn stop_requested(until_stdin_closes: bool) -> io::Result<()> {
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

/// Not on Unix: Ctrl-C only.
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

//! WebSocket with nothing around it: mksgate's own TLS, one read, frames decoded in place, one write. It never
//! lets anybody else run, so it shows what the gateway's own turns and its look at RFB cost.

use std::future::poll_fn;
use std::io::IoSlice;

use anyhow::bail;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::WriteHalf;
use tokio::task::unconstrained;
use ws_proto::{Decoder, Opcode, Piece, Role, Upgrade, What, frame_within};

use crate::READ;
use crate::raw::{both, shake_hands};
use console::tls_session::{ReceiveBuffer, TlsSession};

/// The space for a frame's header and mask.
const FRONT: usize = ws_proto::HEADROOM;

/// Shorter runs are moved next to the one before.
const SHORT: usize = 1024;

pub(crate) async fn relay(
    mut viewer: TcpStream,
    mut host: TcpStream,
    in_place: bool,
) -> anyhow::Result<()> {
    let mut input = ReceiveBuffer::default();
    let session = shake_hands(&mut host, &mut input, in_place).await?;
    upgrade(&mut host, &session, &mut input).await?;
    let (mut viewer_in, mut viewer_out) = viewer.split();
    let (mut host_in, mut host_out) = host.split();
    let down = async {
        let mut decoder = Decoder::new(Role::Client);
        loop {
            let read =
                poll_fn(|context| session.poll_read(&mut host_in, context, &mut input)).await;
            pass_on(&mut decoder, &mut input, &mut viewer_out).await?;
            if read.is_err() {
                return Ok(());
            }
        }
    };
    let up = async {
        let mut buffer = vec![0; FRONT + READ];
        loop {
            let space = buffer.get_mut(FRONT..).unwrap_or_default();
            let count = viewer_in.read(space).await?;
            if count == 0 {
                return Ok(());
            }
            let frame = frame_within(
                &mut buffer,
                FRONT..FRONT + count,
                Opcode::Binary,
                Some([7; 4]),
            );
            let sealed = session.seal(buffer.get(frame).unwrap_or_default())?;
            host_out.write_all(&sealed).await?;
        }
    };
    unconstrained(both(down, up)).await
}

async fn pass_on(
    decoder: &mut Decoder,
    input: &mut ReceiveBuffer,
    viewer: &mut WriteHalf<'_>,
) -> anyhow::Result<()> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    let mut at = 0;
    while let Some(piece) = decoder.scan(input.opened().get(at..).unwrap_or_default())? {
        let Piece {
            skip, len, what, ..
        } = piece;
        let run = at + skip..at + skip + len;
        at = run.end;
        match (what, runs.last_mut()) {
            (What::Data { .. }, Some(last)) if len < SHORT => {
                input.opened_mut().copy_within(run, last.end);
                last.end += len;
            }
            (What::Data { .. }, _) => runs.push(run),
            _ => bail!("only data is expected of a bench"),
        }
    }
    let opened = input.opened();
    let slices = runs.into_iter().filter_map(|run| opened.get(run));
    let mut slices: Vec<_> = slices.map(IoSlice::new).collect();
    let mut slices = &mut slices[..];
    while !slices.is_empty() {
        let count = viewer.write_vectored(slices).await?;
        IoSlice::advance_slices(&mut slices, count);
    }
    input.forget(at);
    Ok(())
}

/// The opening handshake, which is not what is measured.
async fn upgrade(
    host: &mut TcpStream,
    session: &TlsSession,
    input: &mut ReceiveBuffer,
) -> anyhow::Result<()> {
    let upgrade = Upgrade::new("localhost", "/", Some("binary"), [7; 16], &[])?;
    host.write_all(&session.seal(upgrade.request())?).await?;
    loop {
        let mut answer = input.opened().into();
        if upgrade.read_answer(&mut answer)? {
            input.forget(input.opened().len() - answer.len());
            return Ok(());
        }
        let read = poll_fn(|context| session.poll_read(host, context, input)).await;
        if read.is_err() {
            bail!("the host has left");
        }
    }
}

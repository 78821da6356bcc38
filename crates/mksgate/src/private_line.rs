//! A session for one viewer that does not come by TCP: on a pipe, or on a Unix socket.

use std::io;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::front_door::port::Port;
use crate::relay::PARTING;
use crate::session::Session;
use crate::socket;

/// Carries what comes from `input` to a session on `port` and what comes out of it to `output`, until either ends. What
/// the session has left for `output` is delivered however slowly that takes it, unless the port's sessions are to end.
pub(crate) async fn carry(
    port: Arc<Port>,
    mut input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let (ours, theirs) = pair().await?;
    let ended = port.door.ended.clone();
    let mut session = pin!(Session::new(port, theirs.peer_addr()?).run(theirs));
    let mut carrying = pin!(async move {
        let (mut from, mut to) = ours.into_split();
        let up = async {
            // Ignored on purpose, as below: whichever way a viewer goes, it has gone.
            let _ = copy(&mut input, &mut to).await;
            let _ = to.shutdown().await;
            std::future::pending().await
        };
        let down = async {
            let _ = copy(&mut from, &mut output).await;
            let _ = output.shutdown().await;
        };
        tokio::select! {
            () = up => {}
            () = down => {}
        }
    });
    tokio::select! {
        () = &mut carrying => session.await,
        () = &mut session => {
            let given_up = async {
                ended.cancelled().await;
                sleep(PARTING).await;
            };
            tokio::select! {
                () = carrying => {}
                () = given_up => {}
            }
        }
    }
    Ok(())
}

/// Two ends of one connection that nobody else has had a hand in: what a session takes is TCP.
async fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let ours = TcpStream::connect(listener.local_addr()?).await?;
    loop {
        let (theirs, peer) = listener.accept().await?;
        // Somebody else on this machine may have been faster.
        if peer == ours.local_addr()? {
            socket::prepare(&theirs)?;
            socket::prepare(&ours)?;
            return Ok((ours, theirs));
        }
    }
}

//! Sessions for one user whose viewer does not come by TCP: on a pipe, or on a Unix socket.

use std::io;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::Arc;

use console::dialer::Dialer;
use console::socket::{self, CLOSE_TIMEOUT};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::entrance::{Entrance, ServedConsole};
use crate::last_failure::LastFailure;
use crate::session::Session;
use crate::settings::auth::Auth;
use crate::settings::limits::Limits;
use crate::shared::Shared;

/// A console without a port of its own. Whoever reaches it is who it is for: no password is asked.
#[derive(Clone)]
pub struct PrivateLine(Arc<Entrance>);

impl PrivateLine {
    /// To the console behind `dialer`.
    pub fn new(dialer: Dialer, limits: Limits) -> Self {
        let served = ServedConsole::private(dialer);
        Self(Arc::new(Entrance {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            allow: Vec::new(),
            auth: Auth::none(),
            limits: Arc::new(limits),
            shared: Shared::private(),
            console: Arc::new(served),
        }))
    }

    /// Why the last viewer did not get its console, from now on.
    pub fn last_failure(&self) -> LastFailure {
        self.0.shared.last_failure.clone()
    }

    /// Ends its sessions.
    pub fn end(&self) {
        self.0.shared.ended.cancel();
    }

    /// Carries what comes from `input` to a session and what comes out of it to `output`, until either ends. What the
    /// session has left for `output` is delivered however slowly that takes it, unless [`end`](Self::end) is called.
    ///
    /// # Errors
    /// There is no loopback connection to be had.
    pub async fn carry(
        self,
        input: impl AsyncRead + Unpin,
        output: impl AsyncWrite + Unpin,
    ) -> io::Result<()> {
        let ended = self.0.shared.ended.clone();
        let (ours, theirs) = pair().await?;
        let mut session = pin!(Session::new(self.0, theirs.peer_addr()?).run(theirs));
        let mut carrying = pin!(copy_both(ours, input, output));
        tokio::select! {
            () = &mut carrying => session.await,
            () = &mut session => {
                let given_up = async {
                    ended.cancelled().await;
                    sleep(CLOSE_TIMEOUT).await;
                };
                tokio::select! {
                    () = carrying => {}
                    () = given_up => {}
                }
            }
        }
        Ok(())
    }
}

/// Until what comes out of `ours` has been delivered.
async fn copy_both(
    ours: TcpStream,
    mut input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
) {
    let (mut from, mut to) = ours.into_split();
    let up = async {
        // The peer may already be gone, here and below.
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

//! Sessions of a local viewer on stdin and stdout or on a Unix socket.

use std::io;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::Arc;

use console::dialer::Dialer;
use console::socket::{self, CLOSE_TIMEOUT};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::connection;
use crate::entrance::{Entrance, ServedConsole};
use crate::last_failure::LastFailure;
use crate::session::Session;
use crate::settings::auth::Auth;
use crate::settings::limits::Limits;
use crate::shared::Shared;

/// A console without a TCP port. The pipe or socket restricts access, so there is no authentication.
#[derive(Clone)]
pub struct LocalEntrance(Arc<Entrance>);

impl LocalEntrance {
    /// An entrance to the console of `dialer`.
    pub fn new(dialer: Dialer, limits: Limits) -> Self {
        let served = ServedConsole::private(dialer);
        Self(Arc::new(Entrance {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            allow: Vec::new(),
            auth: Auth::none(),
            granted: None,
            limits: Arc::new(limits),
            shared: Shared::private(),
            console: Arc::new(served),
        }))
    }

    /// The failure of the session that ended last, updated while sessions run.
    pub fn last_failure(&self) -> LastFailure {
        self.0.shared.last_failure.clone()
    }

    /// Ends its sessions.
    pub fn end(&self) {
        self.0.shared.ended.cancel();
    }

    /// Serves a viewer on `input` and `output` until either ends. Once the session has ended, its remaining output is written
    /// without a time limit, unless [`end`](Self::end) is called.
    ///
    /// # Errors
    /// No loopback connection can be opened.
    pub async fn serve(
        self,
        input: impl AsyncRead + Unpin,
        output: impl AsyncWrite + Unpin,
    ) -> io::Result<()> {
        let ended = self.0.shared.ended.clone();
        let (ours, theirs) = loopback_pair().await?;
        let mut session =
            pin!(Session::new(self.0, theirs.peer_addr()?).run(connection::tcp(theirs)));
        let mut copying = pin!(copy_both(ours, input, output));
        tokio::select! {
            () = &mut copying => session.await,
            () = &mut session => {
                let aborted = async {
                    ended.cancelled().await;
                    sleep(CLOSE_TIMEOUT).await;
                };
                tokio::select! {
                    () = copying => {}
                    () = aborted => {}
                }
            }
        }
        Ok(())
    }
}

/// Copies both directions until the output of `ours` is delivered.
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

/// Both ends of a TCP connection over loopback: sessions take TCP sockets.
async fn loopback_pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let ours = TcpStream::connect(listener.local_addr()?).await?;
    loop {
        let (theirs, peer) = listener.accept().await?;
        // Another local process may have connected first.
        if peer == ours.local_addr()? {
            socket::prepare(&theirs)?;
            socket::prepare(&ours)?;
            return Ok((ours, theirs));
        }
    }
}

//! What the page needs of the gateway: logins, the list of consoles and of sessions, and one-use tokens that open consoles.

mod console_id;
mod granted_console;
mod one_use_login;
mod open_session;
mod tokens;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use console::upstream::Upstream;
use rfb_proto::{Claim, Password};
use secrecy::SecretString;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use web_socket::WebSocket;

use crate::authenticate::LoginPoint;
use crate::connection::{Connection, Stream};
use crate::current::{Current, Publisher};
use crate::error::Failure;
use crate::session::Session;
use crate::session_threads::{self, SessionThreads};
use crate::settings::Web;
use crate::shared::Shared;
use logins::rights::VmNames;
use logins::users::User;

pub use console_id::{Console, ConsoleGrant, ConsoleId};
pub use granted_console::GrantedConsole;
pub use one_use_login::OneUseLogin;
pub use open_session::OpenSession;
pub use tokens::TokenError;
use tokens::Tokens;

/// The name of the user where the page needs no login.
const LOCAL: &str = "local";

/// The gateway as the page sees it; clones share it.
#[derive(Clone)]
pub struct WebEntrance {
    current: watch::Receiver<Arc<Current>>,
    shared: Shared,
    threads: Arc<SessionThreads>,
    tokens: Tokens<ConsoleGrant>,
    closing: CancellationToken,
}

impl WebEntrance {
    pub(crate) fn new(page: &Publisher, shared: Shared, threads: Arc<SessionThreads>) -> Self {
        Self {
            current: page.subscribe(),
            shared,
            threads,
            tokens: Tokens::default(),
            closing: page.closing.clone(),
        }
    }

    /// `[web]` as it is configured now.
    pub fn settings(&self) -> Option<Arc<Web>> {
        self.current().web.clone()
    }

    /// Ready after the next reload of the configuration; never ready once the gateway has ended.
    pub async fn changed(&mut self) {
        if self.current.changed().await.is_err() {
            std::future::pending().await
        }
    }

    /// [`changed`](Self::changed) waits for a reload after this call.
    pub fn mark_unchanged(&mut self) {
        self.current.mark_unchanged();
    }

    /// Cancelled when the gateway accepts no new viewers; open sessions continue.
    pub fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }

    /// Cancelled when open sessions must end.
    pub fn ended(&self) -> CancellationToken {
        self.shared.ended.clone()
    }

    /// Verifies a name and a password as at a VNC port, with the same penalties.
    ///
    /// # Errors
    /// They are wrong, or too many before them were.
    pub async fn log_in(
        &self,
        from: IpAddr,
        user: &str,
        password: Password,
    ) -> Result<User, Failure> {
        let Some(web) = self.settings() else {
            return Err(Failure::WrongLogin);
        };
        let point = LoginPoint {
            auth: &web.auth,
            shared: &self.shared,
            key: self.shared.penalties.hashed(("[web]", web.listen)),
        };
        let claim = Claim::Plain {
            user: user.to_owned(),
            password,
        };
        let user = point.authenticate(from, &claim).await?;
        user.ok_or(Failure::WrongLogin)
    }

    /// The user of this name in the users file, as it is now.
    pub fn user(&self, name: &str) -> Option<User> {
        self.settings()?.auth.users.as_ref()?.get(name).cloned()
    }

    /// The user where the page needs no login.
    pub fn anyone(&self) -> Option<User> {
        let needs_no_login = self.settings()?.auth.needs_no_credentials();
        needs_no_login.then(|| User::unrestricted(LOCAL))
    }

    /// Each `[[console]]`.
    pub fn consoles(&self) -> Vec<Console> {
        let current = self.current();
        current.ports.iter().map(Console::of).collect()
    }

    /// The first `[[console]]` that is configured for this VM of a vSphere.
    pub fn console_of(&self, vsphere: &str, vm: VmNames<'_>) -> Option<Console> {
        let mut consoles = self.consoles().into_iter();
        consoles.find(|console| console.is_of(vsphere, vm))
    }

    /// The vSpheres, by their names in the configuration.
    pub fn vspheres(&self) -> BTreeMap<String, Arc<Upstream>> {
        self.current().upstreams.clone()
    }

    /// The sessions that have logged in, in the order in which they connected.
    pub fn sessions(&self) -> Vec<OpenSession> {
        let sessions = self.shared.registry.list();
        sessions.iter().map(|info| OpenSession::of(info)).collect()
    }

    /// Changes whenever a session logs in, is found to be on a VM, or ends.
    pub fn sessions_changed(&self) -> watch::Receiver<u64> {
        self.shared.registry.changes()
    }

    /// A token that opens a console once, within [`TOKEN_LIFETIME`](crate::TOKEN_LIFETIME). With a `recipient`, it is unknown to anybody else.
    ///
    /// # Errors
    /// The operating system provides no randomness.
    pub fn mint_console(
        &self,
        grant: ConsoleGrant,
        recipient: Option<&str>,
    ) -> Result<SecretString, Failure> {
        let user = grant.user.name.clone();
        self.tokens.mint(grant, &user, recipient)
    }

    /// What a token stands for. It can still be used.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn peek(&self, token: &str, by: Option<&str>) -> Result<ConsoleGrant, TokenError> {
        self.tokens.peek(token, by)
    }

    /// Uses a token up, and returns the console that it grants.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn redeem(&self, token: &str, by: Option<&str>) -> Result<GrantedConsole, TokenError> {
        let grant = self.tokens.redeem(token, by)?;
        GrantedConsole::new(grant, &self.current(), &self.shared).ok_or(TokenError::ConsoleGone)
    }

    /// A login for `user` at the port of the `[[console]]` that is configured to listen on `listen`; `None` where there is
    /// none. The session is that of `user`, with its rights.
    ///
    /// # Errors
    /// The operating system provides no randomness.
    pub fn mint_login(
        &self,
        user: &User,
        listen: SocketAddr,
        view_only: bool,
    ) -> Result<Option<OneUseLogin>, Failure> {
        let current = self.current();
        let mut ports = current.ports.iter();
        let Some(port) = ports.find(|port| port.entrance.listen == listen) else {
            return Ok(None);
        };
        let mut user = user.clone();
        user.view_only |= view_only;
        OneUseLogin::mint(user, port).map(Some)
    }

    /// Counts a request or connection that a limit of the page has refused.
    pub fn count_refused(&self, limit: &'static str) {
        self.shared.metrics.refused(limit);
    }

    /// Runs a connection of the page on a session thread, so that a console which it becomes stays on the thread that has
    /// its socket. It does not count as a session: end it when [`closing`](Self::closing) is cancelled.
    ///
    /// # Errors
    /// The socket cannot be registered with the thread.
    pub fn spawn<F: Future<Output = ()> + Send + 'static>(
        &self,
        stream: TcpStream,
        connection: impl FnOnce(TcpStream) -> F,
    ) -> io::Result<()> {
        self.threads.serve_page(stream, connection)
    }

    /// Serves a browser that has connected from `peer` and passed the WebSocket's opening handshake: RFB without a login. The
    /// session is listed, limited and logged as one of a native viewer. Run it on the thread that [`spawn`](Self::spawn) chose.
    ///
    /// `early` was read from `stream` behind the opening handshake's request.
    pub async fn serve(
        &self,
        console: GrantedConsole,
        stream: Stream,
        early: Bytes,
        peer: SocketAddr,
    ) {
        let _counted = session_threads::count_session();
        let browser = WebSocket::new(stream, early);
        let session = Session::new(console.0, peer);
        session.run(Connection::Right(Box::new(browser))).await;
    }

    fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.borrow())
    }
}

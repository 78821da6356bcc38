//! A gateway with one console at a URL, and a scripted server at that URL, without TLS.

use std::fs::Permissions;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use gateway::settings::Config;
use gateway::{Gateway, Shutdown};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

use super::esxi::{HostConnection, session};
use super::viewer::Viewer;

/// A server that accepts console connections.
pub(crate) struct Server(TcpListener);

impl Server {
    pub(crate) async fn start() -> Self {
        Self(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap())
    }

    /// Its URL, with this path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.0.local_addr().unwrap())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// The next connection.
    pub(crate) async fn connection(&self) -> HostConnection<TcpStream> {
        let (socket, _) = self.0.accept().await.unwrap();
        socket.set_nodelay(true).unwrap();
        HostConnection::new(socket)
    }

    /// Whether no connection waits to be accepted.
    pub(crate) async fn has_no_connection(&self) -> bool {
        futures::poll!(std::pin::pin!(self.0.accept())).is_pending()
    }

    /// A viewer of `gateway` and the server's connection of its console, both after ClientInit.
    pub(crate) async fn session(
        &self,
        gateway: &UrlGateway,
    ) -> (Viewer, HostConnection<TcpStream>) {
        session(gateway.viewer().await, self.connection()).await
    }
}

/// A folder for a gateway.toml and the files that it names.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file with mode 0600.
    pub(crate) fn secret(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }

    /// Writes an executable shell script.
    pub(crate) fn program(&self, name: &str, script: &str) {
        let text = self.path().join(format!("{name}.text"));
        std::fs::write(&text, format!("#!/bin/sh\n{script}\n")).unwrap();
        // A child process copies it: if this process had it open for writing, a program that another test starts meanwhile would
        // inherit the descriptor, and executing the script would fail with ETXTBSY.
        let copied = std::process::Command::new("install")
            .args(["-m", "700"])
            .args([&text, &self.path().join(name)])
            .status();
        assert!(copied.unwrap().success(), "install {name}");
    }

    /// The settings of a gateway.toml with one `[[console]]` of these keys, at a free port.
    pub(crate) fn config(&self, limits: &str, keys: &str) -> Config {
        // The file does not allow port 0.
        let text = format!("[gateway]\n{limits}\n[[console]]\nport = 1\n{keys}\n");
        let mut config = config::parse(&text, &self.path().join("gateway.toml")).unwrap();
        config.consoles[0].listen.set_port(0);
        config
    }

    /// A gateway with that configuration.
    pub(crate) async fn gateway(&self, limits: &str, keys: &str) -> UrlGateway {
        let gateway = Gateway::bind(self.config(limits, keys)).await.unwrap();
        let port = gateway.ports().next().unwrap().0;
        let (shutdown, tasks) = (Shutdown::default(), TaskTracker::new());
        tasks.spawn(gateway.run(shutdown.clone()));
        tasks.close();
        UrlGateway {
            port,
            shutdown,
            tasks,
        }
    }
}

/// A running gateway. Dropping it cancels it; [`UrlGateway::end`] waits for the end.
pub(crate) struct UrlGateway {
    pub(crate) port: SocketAddr,
    shutdown: Shutdown,
    tasks: TaskTracker,
}

impl UrlGateway {
    /// A gateway with a console of these keys, which name no files.
    pub(crate) async fn new(keys: &str) -> Self {
        Folder::new().gateway("", keys).await
    }

    /// A viewer that has connected.
    pub(crate) async fn viewer(&self) -> Viewer {
        Viewer::connect(self.port).await
    }

    pub(crate) async fn end(self) {
        self.shutdown.now.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for UrlGateway {
    fn drop(&mut self) {
        self.shutdown.now.cancel();
    }
}

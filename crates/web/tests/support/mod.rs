//! A page on a free port of loopback, and a client that sends one request per connection.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::LazyLock;

use console::settings::VSphere;
use gateway::settings::{Auth, Config, Limits, Web};
use gateway::{Gateway, Shutdown, Users, hashing};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::task::TaskTracker;

/// A user who may open everything.
pub(crate) const USER: &str = "ada";
pub(crate) const PASSWORD: &str = "engine-of-1843";

/// Its line in a users file.
pub(crate) static USERS: LazyLock<String> =
    LazyLock::new(|| format!("{USER}:{}\n", hashing::hash(PASSWORD.as_bytes()).unwrap()));

/// A gateway with a page, until it is dropped.
pub(crate) struct Page {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    shutdown: Shutdown,
}

impl Page {
    /// Begins without a vSphere, with settings that `change` has changed.
    pub(crate) async fn begin(change: impl FnOnce(&mut Web)) -> Self {
        Self::begin_with(BTreeMap::new(), change).await
    }

    /// Begins with these vSpheres.
    pub(crate) async fn begin_with(
        vspheres: BTreeMap<String, VSphere>,
        change: impl FnOnce(&mut Web),
    ) -> Self {
        let auth = Auth {
            users: Some(Users::parse(&USERS).unwrap().into()),
            methods: Vec::new(),
            ..Auth::none()
        };
        let mut web = Web::new("127.0.0.1:0".parse().unwrap(), auth);
        change(&mut web);
        let gateway = Gateway::bind(Config {
            gateway: Limits::default(),
            admin: None,
            web: Some(web),
            vspheres,
            consoles: Vec::new(),
        });
        let gateway = gateway.await.unwrap();
        let page = web::Page::bind(gateway.web()).await.unwrap();
        let url = page.url().unwrap();
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        let address = address.parse().unwrap();
        let (shutdown, tasks) = (Shutdown::default(), TaskTracker::new());
        tasks.spawn(page.run());
        tasks.spawn(gateway.run(shutdown.clone()));
        Self { address, shutdown }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], "").await
    }

    /// Sends a request with these headers; a body is a form.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            head += &format!("host: {}\r\n", self.address);
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if method == "POST" {
            let length = body.len();
            head += &format!(
                "content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n"
            );
        }
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let request = format!("{head}\r\n{body}");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.unwrap();
        // Pictures are not compared byte by byte.
        Reply::parse(&String::from_utf8_lossy(&answer))
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.shutdown.drain.cancel();
        self.shutdown.now.cancel();
    }
}

/// A response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    fn parse(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        });
        Self {
            status: status.parse().unwrap(),
            headers: headers.collect(),
            body: body.to_owned(),
        }
    }

    /// The values of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(other, _)| other == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a header that is there once.
    pub(crate) fn one(&self, name: &str) -> &str {
        match self.all(name)[..] {
            [one] => one,
            ref other => panic!("{name} is there {} times", other.len()),
        }
    }
}

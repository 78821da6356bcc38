//! An HTTP proxy in front of vSphere and consoles (CONNECT, RFC 9110 section 9.3.6).

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use esxi_sim::Kind;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

use crate::support::testbed::Setup;
use crate::support::viewer::RfbVersion;
use crate::support::within;

/// A proxy that tunnels to any target for clients with these credentials.
struct Proxy {
    address: SocketAddr,
    /// The targets in the order of their connections.
    targets: Arc<Mutex<Vec<String>>>,
    _accepting: AbortOnDropHandle<()>,
}

/// "user:p@ss" in base64.
const CREDENTIALS: &str = "Proxy-Authorization: Basic dXNlcjpwQHNz";

impl Proxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let targets = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&targets);
        let tasks = tokio_util::task::TaskTracker::new();
        let accepting = tasks.clone().spawn(async move {
            loop {
                let (viewer, _) = listener.accept().await.unwrap();
                tasks.spawn(tunnel(viewer, Arc::clone(&seen)));
            }
        });
        Self {
            address,
            targets,
            _accepting: AbortOnDropHandle::new(accepting),
        }
    }
}

async fn tunnel(socket: TcpStream, seen: Arc<Mutex<Vec<String>>>) {
    let mut client = BufReader::new(socket);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(client.read_line(&mut head).await.unwrap() > 0);
    }
    let target = head
        .strip_prefix("CONNECT ")
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .to_owned();
    if !head
        .lines()
        .any(|line| line.eq_ignore_ascii_case(CREDENTIALS))
    {
        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
        client.write_all(refusal).await.unwrap();
        return;
    }
    seen.lock().unwrap().push(target.clone());
    let mut server = TcpStream::connect(target).await.unwrap();
    client
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await
        .unwrap();
    // The result is not relevant.
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

#[tokio::test]
async fn api_and_console_are_reached_only_through_the_proxy() {
    within(async {
        let proxy = Proxy::start().await;
        let mut setup = Setup {
            proxy: Some(format!("http://user:p%40ss@{}", proxy.address)),
            ..Setup::default()
        };
        setup.host.kind = Kind::VCenter;
        let testbed = setup.start().await;
        let mut viewer = testbed.viewer().await;
        viewer.open().await;
        viewer.type_text("through").await;
        testbed
            .host
            .typed_until("vm08", |typed| typed == "through")
            .await;
        let targets = proxy.targets.lock().unwrap().clone();
        let (api, console) = (
            testbed.host.address().to_string(),
            testbed.host.console_address().to_string(),
        );
        // vSphere may be called again after the console was dialled.
        let first = |wanted: &String| targets.iter().position(|target| target == wanted);
        assert!(
            matches!((first(&api), first(&console)), (Some(api), Some(console)) if api < console),
            "{targets:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn refusal_of_the_proxy_is_reported() {
    within(async {
        let proxy = Proxy::start().await;
        let setup = Setup {
            proxy: Some(format!("http://{}", proxy.address)),
            ..Setup::default()
        };
        let testbed = setup.start().await;
        let reason = testbed.viewer().await.refused(RfbVersion::V3_8, None).await;
        let named = format!("the proxy {} cannot connect to ", proxy.address);
        assert!(reason.starts_with(&named), "{reason}");
        assert!(proxy.targets.lock().unwrap().is_empty());
    })
    .await;
}

//! Names with several addresses, of which one never answers (RFC 8305).

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
    time::{Instant, timeout},
};
use vsphere::Client;

use crate::support::Host;

const ANSWERS: Ipv4Addr = Ipv4Addr::LOCALHOST;
const SILENT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Well below the connect timeout of ten seconds, of which two addresses would get five each.
const AT_ONCE: Duration = Duration::from_secs(3);

/// Resolves every name to these addresses.
struct Fixed(Vec<IpAddr>);

impl Resolve for Fixed {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Vec<SocketAddr> = self.0.iter().map(|ip| (*ip, 0).into()).collect();
        let addresses: Addrs = Box::new(addresses.into_iter());
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

fn silent_one_first() -> Fixed {
    Fixed(vec![SILENT.into(), ANSWERS.into()])
}

/// A listener that drops connection attempts: its queue of accepted connections is full.
struct BlackHole {
    _listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl BlackHole {
    async fn listen(port: u16) -> Self {
        let address = SocketAddr::from((SILENT, port));
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(address).unwrap();
        let listener = socket.listen(1).unwrap();
        let mut queued = Vec::new();
        let attempt = || timeout(Duration::from_millis(300), TcpStream::connect(address));
        while let Ok(connected) = attempt().await {
            queued.push(connected.unwrap());
            assert!(queued.len() < 100, "the queue has no limit");
        }
        Self {
            _listener: listener,
            _queued: queued,
        }
    }
}

#[tokio::test]
async fn an_address_that_never_answers_does_not_delay_the_login() {
    let host = Host::esxi().await;
    let _silent = BlackHole::listen(host.port).await;
    let mut settings = host.settings();
    settings.url.set_host(Some("localhost")).unwrap();
    let client = Client::with_resolver(settings, silent_one_first()).unwrap();
    let began = Instant::now();
    client.login().await.unwrap();
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    assert_eq!(host.count("Login"), 1);
}

#[tokio::test]
async fn an_address_of_the_proxy_that_never_answers_does_not_delay_the_login() {
    let host = Host::esxi().await;
    let listener = TcpListener::bind((ANSWERS, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let _silent = BlackHole::listen(port).await;
    let mut settings = host.settings();
    settings.proxy = Some(format!("http://proxy.example:{port}").parse().unwrap());
    let client = Client::with_resolver(settings, silent_one_first()).unwrap();
    let _proxy = JoinSet::from_iter([serve_tunnels(listener, host.port)]);
    let began = Instant::now();
    client.login().await.unwrap();
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
}

#[tokio::test]
async fn when_all_addresses_refuse_the_error_says_so() {
    let host = Host::esxi().await;
    let mut settings = host.settings();
    settings.url.set_host(Some("localhost")).unwrap();
    // "discard", which nobody serves.
    settings.url.set_port(Some(9)).unwrap();
    let client = Client::with_resolver(settings, silent_one_first()).unwrap();
    let error = client.login().await.unwrap_err().to_string();
    assert!(
        error.starts_with("localhost:9 cannot be reached (") && error.contains("refused"),
        "{error}"
    );
}

#[tokio::test]
async fn a_name_without_addresses_is_an_error_that_says_so() {
    let mut settings = Host::esxi().await.settings();
    settings.url.set_host(Some("localhost")).unwrap();
    let client = Client::with_resolver(settings, Fixed(Vec::new())).unwrap();
    let error = client.login().await.unwrap_err().to_string();
    assert!(error.contains("(the name has no address)"), "{error}");
}

/// A proxy that opens every tunnel to `port`, and bears connections that end before a request.
async fn serve_tunnels(listener: TcpListener, port: u16) {
    let mut tunnels = JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        tunnels.spawn(async move {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                match client.read_u8().await {
                    Ok(byte) => request.push(byte),
                    Err(_) => return,
                }
            }
            let mut server = TcpStream::connect((ANSWERS, port)).await.unwrap();
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            // Either side may end the tunnel in whatever way.
            let _ = copy_bidirectional(&mut client, &mut server).await;
        });
    }
}

//! A console without the gateway: a ticket of the simulator, and tokio-tungstenite's WebSocket.

use std::sync::Arc;

use console::tls::{Thumbprint, Trust};
use esxi_sim::{DEMO_PASSWORD, Host};
use futures::{SinkExt, StreamExt};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::task::TaskTracker;

use super::viewer::Viewer;

type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// The console of `vm` on `host` as a viewer's byte stream. The relay runs in `tasks`.
pub(crate) async fn console(host: &Host, vm: &str, tasks: &TaskTracker) -> Viewer<DuplexStream> {
    let pin = Trust::Pinned(Thumbprint::Sha256(host.certificate_sha256()));
    let tls = pin.client().unwrap();
    let client = vsphere::Client::new(vsphere::Settings {
        name: "direct".into(),
        url: format!("https://{}/sdk", host.address()).parse().unwrap(),
        username: "root".into(),
        password: Some(DEMO_PASSWORD.into()),
        sessions: None,
        tls: tls.clone(),
        proxy: None,
    })
    .unwrap();
    let ticket = client.ticket(&vm.parse().unwrap()).await.unwrap();
    let socket = dial(host, tls, ticket).await;
    client.logout().await;
    let (near, far) = duplex(64 * 1024);
    tasks.spawn(carry(socket, far));
    Viewer { stream: near }
}

async fn dial(host: &Host, tls: rustls::ClientConfig, ticket: vsphere::Ticket) -> Socket {
    let address = host.console_address();
    let ticket = ticket.into_parts().ticket;
    let path = secrecy::ExposeSecret::expose_secret(&ticket);
    let mut request = format!("wss://{address}/ticket/{path}")
        .into_client_request()
        .unwrap();
    request
        .headers_mut()
        .insert("Sec-WebSocket-Protocol", "binary".parse().unwrap());
    let socket = TcpStream::connect(address).await.unwrap();
    let stream = TlsConnector::from(Arc::new(tls))
        .connect(ServerName::from(address.ip()), socket)
        .await
        .unwrap();
    client_async(request, stream).await.unwrap().0
}

async fn carry(socket: Socket, bytes: DuplexStream) {
    #[expect(
        clippy::disallowed_methods,
        reason = "a duplex stream has no owned halves"
    )]
    let (mut read, mut write) = tokio::io::split(bytes);
    let (mut sink, mut stream) = socket.split();
    let up = async {
        let mut buffer = vec![0; 4096];
        while let Ok(count @ 1..) = read.read(&mut buffer).await {
            let message = Message::binary(buffer[..count].to_vec());
            sink.send(message).await.unwrap();
        }
        let _ = sink.close().await;
    };
    let down = async {
        while let Some(Ok(message)) = stream.next().await {
            if write.write_all(&message.into_data()).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(up, down);
}

//! Connections: certificate verification, proxies, retries, and errors of the transport.

use std::{error::Error as _, sync::Arc};

use rustls::{
    CertificateError, DigitallySignedStruct, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;
use vsphere::{Client, Error, Settings, VmRef};

use crate::support::{Host, ok, status, tls};

#[derive(Debug, thiserror::Error)]
#[error("it has changed from AA to BB")]
struct Changed;

#[derive(Debug)]
struct Refuses;

impl ServerCertVerifier for Refuses {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Err(CertificateError::Other(OtherError(Arc::new(Changed))).into())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

async fn error_with(settings: Settings) -> Error {
    let client = Client::new(settings).unwrap();
    client
        .ticket(&VmRef::Name("vm08".into()))
        .await
        .unwrap_err()
}

#[tokio::test]
async fn verifier_error_reaches_the_caller() {
    let host = Host::esxi().await;
    let mut settings = host.settings();
    settings.tls = tls()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Refuses))
        .with_no_client_auth();
    let error = error_with(settings).await;
    assert!(
        error.to_string().contains("it has changed from AA to BB"),
        "{error}"
    );
    let source = error
        .source()
        .unwrap()
        .downcast_ref::<rustls::Error>()
        .unwrap();
    let rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(own))) = source else {
        panic!("{source:?}");
    };
    assert!(own.downcast_ref::<Changed>().is_some());
    assert!(host.methods().is_empty());
}

#[tokio::test]
async fn an_unknown_issuer_is_a_certificate_error() {
    let host = Host::esxi().await;
    let mut settings = host.settings();
    settings.tls = tls()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let error = error_with(settings).await;
    assert!(matches!(error, Error::Certificate { .. }), "{error:?}");
}

#[tokio::test]
async fn a_port_without_tls_is_a_tls_error() {
    let host = Host::esxi().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = host.settings();
    settings
        .url
        .set_port(Some(listener.local_addr().unwrap().port()))
        .unwrap();
    let plain = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        std::future::pending::<()>().await;
    };
    let error = tokio::select! {
        error = error_with(settings) => error,
        () = plain => unreachable!(),
    };
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn refused_connection_error_names_address_and_cause() {
    let host = Host::esxi().await;
    let mut settings = host.settings();
    // "discard", which nobody serves.
    settings.url.set_port(Some(9)).unwrap();
    let error = error_with(settings).await;
    assert!(
        matches!(&error, Error::Unreachable { address, .. } if address == "127.0.0.1:9"),
        "{error:?}"
    );
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn overloaded_host_is_retried() {
    let host = Host::esxi().await;
    let ticket = ok(crate::support::fixture("ticket-bare"));
    host.script_of("AcquireTicket", [status(503, ""), status(503, ""), ticket]);
    host.client()
        .ticket(&VmRef::Name("vm08".into()))
        .await
        .unwrap();
    assert_eq!(host.count("AcquireTicket"), 3);
}

#[tokio::test]
async fn only_https_addresses_without_credentials_are_accepted() {
    let host = Host::esxi().await;
    for url in [
        "http://127.0.0.1/sdk",
        "https://root:secret@127.0.0.1/sdk",
        "file:///sdk",
    ] {
        let settings = Settings {
            url: url.parse().unwrap(),
            ..host.settings()
        };
        let error = Client::new(settings).unwrap_err();
        assert!(matches!(error, Error::Settings { .. }), "{error:?}");
        assert!(!error.to_string().contains("secret"));
    }
}

/// Serves one request to a proxy and returns it.
async fn proxy(listener: TcpListener, answer: &str) -> String {
    let (mut client, _) = listener.accept().await.unwrap();
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        asked.push(client.read_u8().await.unwrap());
    }
    client.write_all(answer.as_bytes()).await.unwrap();
    let asked = String::from_utf8(asked).unwrap();
    let target = asked.split(' ').nth(1).unwrap();
    if answer.contains("200") {
        let mut server = TcpStream::connect(target).await.unwrap();
        // Either side may end the tunnel in whatever way.
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
    asked
}

#[tokio::test]
async fn a_proxy_is_asked_for_a_tunnel_to_the_host() {
    let host = Host::esxi().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = host.settings();
    let port = listener.local_addr().unwrap().port();
    settings.proxy = Some(
        format!("http://ann:pr0xy@127.0.0.1:{port}")
            .parse()
            .unwrap(),
    );
    assert!(!format!("{settings:?}").contains("pr0xy"), "{settings:?}");
    let client = Client::new(settings).unwrap();
    let ticket = async {
        let ticket = client.ticket(&VmRef::Name("vm08".into())).await;
        drop(client);
        ticket
    };
    let (asked, ticket) = tokio::join!(proxy(listener, "HTTP/1.1 200 OK\r\n\r\n"), ticket);
    ticket.unwrap();
    assert!(
        asked.starts_with(&format!("CONNECT 127.0.0.1:{} HTTP/1.1\r\n", host.port)),
        "{asked}"
    );
    // ann:pr0xy
    assert!(asked.contains("YW5uOnByMHh5"), "{asked}");
}

#[tokio::test]
async fn refusing_proxy_is_a_proxy_error() {
    let host = Host::esxi().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = host.settings();
    let port = listener.local_addr().unwrap().port();
    settings.proxy = Some(format!("http://127.0.0.1:{port}").parse().unwrap());
    let client = Client::new(settings).unwrap();
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(5);
    let vm = VmRef::Name("vm08".into());
    let ticket = client.ticket_before(&vm, deadline);
    let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
    let (_, ticket) = tokio::join!(proxy(listener, refusal), ticket);
    let error = ticket.unwrap_err();
    let (address, said) = (host.settings().url, error.to_string());
    assert!(matches!(error, Error::Proxy { .. }), "{error:?}");
    let begin = format!(
        "the proxy 127.0.0.1:{port} cannot connect to 127.0.0.1:{} (",
        address.port().unwrap()
    );
    assert!(said.starts_with(&begin), "{said}");
    assert!(host.methods().is_empty());
}

#[tokio::test]
async fn unreachable_proxy_is_named_without_its_credentials() {
    let host = Host::esxi().await;
    let mut settings = host.settings();
    // "discard", which nobody serves.
    settings.proxy = Some("http://ann:pr0xy@127.0.0.1:9".parse().unwrap());
    let said = error_with(settings).await.to_string();
    assert!(
        said.starts_with("the proxy 127.0.0.1:9 cannot connect to 127.0.0.1:"),
        "{said}"
    );
    assert!(
        said.contains("refused") && !said.contains("pr0xy"),
        "{said}"
    );
}

#[tokio::test]
async fn answers_of_other_servers_are_not_called_unreachable() {
    let endless = [b"HTTP/1.1 200 OK\r\n".to_vec(), b"X: y\r\n".repeat(1 << 16)].concat();
    let (closed, no_http, no_status, endless) = tokio::join!(
        answered_by(b""),
        answered_by(b"SSH-2.0-OpenSSH_9.2\r\n"),
        answered_by(b"HTTP/1.1 OK 200\r\n\r\n"),
        answered_by(&endless),
    );
    assert!(matches!(closed, Error::Closed { .. }), "{closed:?}");
    for (error, words) in [
        (
            closed,
            "closed the connection before it had answered in full: check that",
        ),
        (
            no_http,
            "is not an ESXi or vCenter (it answered something other than HTTP)",
        ),
        (
            no_status,
            "is not an ESXi or vCenter (it answered something other than HTTP)",
        ),
        (
            endless,
            "is not an ESXi or vCenter (it answered with a head that is too long)",
        ),
    ] {
        let said = error.to_string();
        assert!(said.contains(words), "{said}");
        assert!(
            !said.contains("reached") && !said.contains("docs.rs"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn connection_closed_in_the_handshake_is_an_error_of_its_own() {
    let host = Host::esxi().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = host.settings();
    let port = listener.local_addr().unwrap().port();
    settings.url.set_port(Some(port)).unwrap();
    let hangs_up = async {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            // With nothing unread, what follows is an end and no reset.
            socket
                .read_buf(&mut Vec::with_capacity(4096))
                .await
                .unwrap();
        }
    };
    let error = tokio::select! {
        error = error_with(settings) => error,
        () = hangs_up => unreachable!(),
    };
    let said = error.to_string();
    let expected =
        format!("127.0.0.1:{port} closed the connection in the middle of the TLS handshake: ");
    assert!(said.starts_with(&expected), "{said}");
}

/// The client's error where the server answers every request with these bytes and closes the connection.
pub(crate) async fn answered_by(answer: &[u8]) -> Error {
    let key = rcgen::generate_simple_self_signed(["127.0.0.1".into()]).unwrap();
    let private = PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], private)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(key.cert.der().clone()).unwrap();
    let mut settings = Host::esxi().await.settings();
    settings.tls = tls().with_root_certificates(roots).with_no_client_auth();
    let port = listener.local_addr().unwrap().port();
    settings.url.set_port(Some(port)).unwrap();
    let answers = async {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(socket).await.unwrap();
            stream
                .read_buf(&mut Vec::with_capacity(4096))
                .await
                .unwrap();
            // The client may have closed the connection.
            let _ = stream.write_all(answer).await;
            let _ = stream.flush().await;
        }
    };
    tokio::select! {
        error = error_with(settings) => error,
        () = answers => unreachable!(),
    }
}

#[tokio::test]
async fn missing_answer_times_out_at_the_deadline() {
    let host = Host::esxi().await;
    let client = host.client();
    let vm = VmRef::Name("vm08".into());
    client.ticket(&vm).await.unwrap();
    let _gate = host.gate("AcquireTicket");
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_millis(300);
    let error = client.ticket_before(&vm, deadline).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
}

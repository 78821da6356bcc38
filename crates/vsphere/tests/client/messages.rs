//! No message has a link, the path of a type or a `Debug` form of a library in it, whatever the other side does.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use vsphere::{Client, Error, Settings, VmRef};

use crate::{
    support::{Host, Reply, envelope, fixture, ok, status, tls},
    trust::answered_by,
};

fn assert_plain(error: &Error) {
    let text = error.to_string();
    let marks = [
        "://",
        "::",
        "{",
        "}",
        "Other(",
        "Some(",
        "Os {",
        "Error",
        "reqwest",
        "hyper",
        "rustls",
        "quick",
        "tunnel error",
        "error sending",
        "dns error",
        "parsed",
    ];
    for mark in marks {
        assert!(!text.contains(mark), "{mark:?} in: {text}");
    }
}

async fn ticket_error(settings: Settings) -> Error {
    let client = Client::new(settings).unwrap();
    let vm = VmRef::Name("vm08".into());
    client.ticket(&vm).await.unwrap_err()
}

async fn error_of_answer(method: &str, reply: Reply) -> Error {
    let host = Host::esxi().await;
    host.on(method, reply);
    ticket_error(host.settings()).await
}

#[tokio::test]
async fn messages_about_answers_that_are_not_soap_are_plain() {
    let whole = fixture("ticket-8.0");
    let documents = [
        whole[..whole.len() / 2].to_owned(),
        whole.replace("</returnval>", "</std::x>"),
        whole.replace("<returnval>", "<returnval a='{' a='::'>"),
        envelope("<R>&#xD800;</R>"),
        envelope("<R>&docs://x;</R>"),
        envelope("<R b=c://d>"),
        "<!docs://x>".to_owned(),
        "<html>Error: reqwest::Error { kind: Request }</html>".to_owned(),
        String::new(),
    ];
    for document in documents {
        let error = error_of_answer("AcquireTicket", ok(document)).await;
        let expected = matches!(error, Error::Malformed { .. } | Error::NotAVsphere { .. });
        assert!(expected, "{error:?}");
        assert_plain(&error);
    }
    for code in [302, 400, 401, 404, 407, 502] {
        assert_plain(&error_of_answer("AcquireTicket", status(code, "")).await);
    }
}

#[tokio::test]
async fn messages_about_pictures_that_are_no_png_are_plain() {
    let host = Host::esxi().await;
    let client = host.client();
    for reply in [ok("GIF89a"), ok(""), status(404, ""), status(500, "x")] {
        host.on("/screen", reply);
        let error = client.screen("7").await.unwrap_err();
        assert!(matches!(error, Error::NoScreen { .. }), "{error:?}");
        assert_plain(&error);
    }
}

#[tokio::test]
async fn messages_about_answers_that_are_not_http_are_plain() {
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let bad_chunk = format!("{chunks}zz\r\n");
    let cut_chunk = format!("{chunks}10\r\nabc");
    let answers: [(&str, &str); 9] = [
        ("", "closed the connection"),
        ("\0\0\0", "something other than HTTP"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "something other than HTTP"),
        ("HTTP/1.1 20", "closed the connection"),
        ("HTTP/1.1 999999 OK\r\n\r\n", "something other than HTTP"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "something other than HTTP",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
            "closed the connection",
        ),
        (&bad_chunk, "something other than HTTP"),
        (&cut_chunk, "closed the connection"),
    ];
    let asked = answers.map(|(answer, words)| async move {
        (answered_by(answer.as_bytes()).await, answer, words)
    });
    for (error, answer, words) in futures::future::join_all(asked).await {
        assert!(error.to_string().contains(words), "{answer:?}: {error}");
        assert_plain(&error);
    }
}

#[tokio::test]
async fn messages_about_failed_handshakes_are_plain() {
    let resets = served(|socket| async move {
        // With its data unread, closing the socket resets the connection.
        socket.readable().await.unwrap();
    });
    let speaks_http = served(|mut socket| async move {
        let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        socket.write_all(answer).await.unwrap();
        // Until the client has gone.
        let _ = socket.read_to_end(&mut Vec::new()).await;
    });
    let untrusted = async {
        let host = Host::esxi().await;
        let mut settings = host.settings();
        settings.tls = tls()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        ticket_error(settings).await
    };
    let (resets, speaks_http, untrusted) = tokio::join!(resets, speaks_http, untrusted);
    assert!(matches!(resets, Error::Closed { .. }), "{resets:?}");
    assert!(matches!(speaks_http, Error::Tls { .. }), "{speaks_http:?}");
    let text = speaks_http.to_string();
    assert!(
        text.starts_with("127.0.0.1:") && text.ends_with(" does not speak TLS: check the port"),
        "{text}"
    );
    assert!(
        matches!(untrusted, Error::Certificate { .. }),
        "{untrusted:?}"
    );
    for error in [resets, speaks_http, untrusted] {
        assert_plain(&error);
    }
}

#[tokio::test]
async fn messages_about_proxies_are_plain() {
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(1 << 14));
    let answers = [
        (
            "HTTP/1.1 407 No\r\n\r\n",
            "it asks for a user name and a password",
        ),
        ("HTTP/1.1 502 No\r\n\r\n", "it refuses to connect"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "is not an HTTP proxy"),
        (&endless, "the head of its answer is too long"),
        ("", "it closed the connection"),
    ];
    let asked = answers.map(|(answer, words)| async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut settings = Host::esxi().await.settings();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        settings.proxy = Some(proxy.parse().unwrap());
        let answer = answer.to_owned();
        let _proxy = JoinSet::from_iter([serve(listener, move |mut socket| {
            let answer = answer.clone();
            async move {
                let mut request = Vec::with_capacity(4096);
                socket.read_buf(&mut request).await.unwrap();
                // The client may not want all of it.
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        })]);
        (ticket_error(settings).await, words)
    });
    for (error, words) in futures::future::join_all(asked).await {
        assert!(matches!(error, Error::Proxy { .. }), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
        assert_plain(&error);
    }
}

/// The client's error where each connection is served like this.
async fn served<F>(connection: impl Fn(TcpStream) -> F + Send + 'static) -> Error
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = Host::esxi().await.settings();
    let port = listener.local_addr().unwrap().port();
    settings.url.set_port(Some(port)).unwrap();
    let _serving = JoinSet::from_iter([serve(listener, connection)]);
    ticket_error(settings).await
}

/// Serves connections one after another.
async fn serve<F: Future<Output = ()>>(listener: TcpListener, connection: impl Fn(TcpStream) -> F) {
    while let Ok((socket, _)) = listener.accept().await {
        connection(socket).await;
    }
}

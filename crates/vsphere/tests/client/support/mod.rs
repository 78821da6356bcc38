//! A scripted endpoint over TLS and HTTP, which records the requests.

mod objects;

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use vsphere::{Client, Settings};

pub(crate) use objects::{object, objects, vm};

pub(crate) const PASSWORD: &str = "s3cret & <sound>";
/// The cookie of the first session.
pub(crate) const COOKIE: &str = "vmware_soap_session=\"c00kie-1\"";

/// One HTTP answer.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    pub(crate) headers: Vec<(&'static str, String)>,
}

pub(crate) fn ok(body: impl Into<Bytes>) -> Reply {
    Reply {
        status: 200,
        body: body.into(),
        headers: Vec::new(),
    }
}

pub(crate) fn status(status: u16, body: impl Into<Bytes>) -> Reply {
    Reply { status, ..ok(body) }
}

/// The fault in the fixture `fault-NAME`.
pub(crate) fn fault(name: &str) -> Reply {
    status(500, fixture(&format!("fault-{name}")))
}

pub(crate) fn fixture(name: &str) -> String {
    let path = format!("{}/tests/fixtures/{name}.xml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// An envelope around a response.
pub(crate) fn envelope(inside: &str) -> String {
    format!(
        "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><e:Body>{inside}</e:Body></e:Envelope>"
    )
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) body: String,
    /// The query of the URL.
    pub(crate) query: Option<String>,
    pub(crate) cookie: Option<String>,
    pub(crate) action: Option<String>,
}

/// A running endpoint, which stops when it is dropped.
pub(crate) struct Host {
    pub(crate) port: u16,
    pub(crate) certificate: CertificateDer<'static>,
    script: Arc<Script>,
    _accepting: JoinSet<()>,
}

#[derive(Default)]
struct Script {
    answers: Mutex<HashMap<String, VecDeque<Reply>>>,
    gates: Mutex<HashMap<String, Gate>>,
    journal: watch::Sender<Vec<Asked>>,
    sessions: Mutex<Sessions>,
}

/// Answers that the test sends when it wants to.
type Gate = Arc<tokio::sync::Mutex<mpsc::Receiver<Reply>>>;

/// The number of sessions so far, and the cookie of the open one.
#[derive(Default)]
struct Sessions {
    count: usize,
    open: Option<String>,
}

impl Host {
    /// An ESXi 7.0.3 with one VM, `vm08`, moref 7.
    pub(crate) async fn esxi() -> Self {
        Self::with_vm("service-content-esxi-7.0", "7", "ticket-7.0-standalone").await
    }

    /// A vCenter 8.0.2 with one VM, `vm08`, moref vm-7.
    pub(crate) async fn vcenter() -> Self {
        Self::with_vm("service-content-vcenter-8.0", "vm-7", "ticket-8.0").await
    }

    /// One VM, `vm08`; ServiceContent and ticket are fixtures.
    async fn with_vm(service_content: &str, moref: &str, ticket: &str) -> Self {
        let host = Self::start().await;
        host.on("RetrieveServiceContent", ok(fixture(service_content)));
        let vm = vm(moref, "vm08", "poweredOn");
        host.on("RetrievePropertiesEx", ok(objects(&vm)));
        host.on("AcquireTicket", ok(fixture(ticket)));
        host
    }

    async fn start() -> Self {
        let key =
            rcgen::generate_simple_self_signed(["localhost".into(), "127.0.0.1".into()]).unwrap();
        let certificate = key.cert.der().clone();
        let private = PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], private)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = Arc::new(Script::default());
        let accepting = accept(
            listener,
            TlsAcceptor::from(Arc::new(tls)),
            Arc::clone(&script),
        );
        let host = Self {
            port,
            certificate,
            script,
            _accepting: JoinSet::from_iter([accepting]),
        };
        host.on("Login", ok(fixture("login")));
        host.on("Logout", ok(fixture("logout")));
        host.on("CreateContainerView", ok(fixture("container-view")));
        host
    }

    /// Sets the answer to a method.
    pub(crate) fn on(&self, method: &str, reply: Reply) {
        self.script_of(method, [reply]);
    }

    /// Sets the answers to a method; the last one is repeated.
    pub(crate) fn script_of(&self, method: &str, replies: impl IntoIterator<Item = Reply>) {
        let mut answers = self.script.answers.lock().unwrap();
        answers.insert(method.to_owned(), replies.into_iter().collect());
    }

    /// Makes calls of a method wait for answers that the test sends.
    pub(crate) fn gate(&self, method: &str) -> mpsc::Sender<Reply> {
        let (sender, receiver) = mpsc::channel(8);
        let gate = Arc::new(tokio::sync::Mutex::new(receiver));
        self.script
            .gates
            .lock()
            .unwrap()
            .insert(method.to_owned(), gate);
        sender
    }

    /// Ends the open session, as an idle timeout does.
    pub(crate) fn expire(&self) {
        self.script.sessions.lock().unwrap().open = None;
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.script.journal.borrow().clone()
    }

    /// Waits until the method was called `times` times.
    pub(crate) async fn called(&self, method: &str, times: usize) {
        let mut journal = self.script.journal.subscribe();
        let enough =
            |asked: &Vec<Asked>| asked.iter().filter(|a| a.method == method).count() >= times;
        let waited = tokio::time::timeout(Duration::from_secs(20), journal.wait_for(enough));
        assert!(
            waited.await.is_ok(),
            "{method} was called {} times",
            self.count(method)
        );
    }

    /// The called methods, in order.
    pub(crate) fn methods(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.method).collect()
    }

    pub(crate) fn count(&self, method: &str) -> usize {
        self.methods().iter().filter(|name| *name == method).count()
    }

    pub(crate) fn forget(&self) {
        self.script.journal.send_modify(Vec::clear);
    }

    /// Settings that trust this host's certificate.
    pub(crate) fn settings(&self) -> Settings {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        Settings {
            name: "lab".into(),
            url: format!("https://127.0.0.1:{}/sdk", self.port)
                .parse()
                .unwrap(),
            username: "root".into(),
            password: Some(PASSWORD.into()),
            sessions: None,
            tls: tls().with_root_certificates(roots).with_no_client_auth(),
            proxy: None,
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.settings()).unwrap()
    }
}

/// Runs the client's background work until the result is dropped.
pub(crate) fn running(client: &Arc<Client>) -> JoinSet<()> {
    let client = Arc::clone(client);
    let mut background = JoinSet::new();
    background.spawn(async move { client.run().await });
    background
}

pub(crate) fn tls() -> rustls::ConfigBuilder<rustls::ClientConfig, rustls::WantsVerifier> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
}

/// The answer of a method that creates an object.
pub(crate) fn made(method: &str, kind: &str, id: &str) -> Reply {
    ok(envelope(&format!(
        "<{method}Response xmlns='urn:vim25'><returnval type='{kind}'>{id}</returnval></{method}Response>"
    )))
}

/// The answer of a method that returns nothing.
pub(crate) fn nothing(method: &str) -> Reply {
    ok(envelope(&format!("<{method}Response xmlns='urn:vim25'/>")))
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, script: Arc<Script>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, script) = (tls.clone(), Arc::clone(&script));
        connections.spawn(async move {
            let Ok(stream) = tls.accept(stream).await else {
                return;
            };
            let service = service_fn(|request| answer(request, &script));
            // The client may close the connection at any time.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    script: &Script,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let header = |name| {
        request
            .headers()
            .get(name)
            .map(|v: &hyper::header::HeaderValue| v.to_str().unwrap().to_owned())
    };
    let (cookie, action) = (header("cookie"), header("soapaction"));
    let path = request.uri().path().to_owned();
    let query = request.uri().query().map(str::to_owned);
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let method = method(&body).unwrap_or(path);
    let refused = script.check_session(&method, cookie.as_deref());
    script.journal.send_modify(|journal| {
        journal.push(Asked {
            method: method.clone(),
            body,
            query,
            cookie,
            action,
        });
    });
    let reply = match refused {
        Some(refused) => refused,
        None => script.reply(&method).await,
    };
    let mut response = Response::builder()
        .status(reply.status)
        .header("content-type", "text/xml; charset=utf-8");
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new(reply.body)).unwrap())
}

impl Script {
    async fn reply(&self, method: &str) -> Reply {
        let gate = self.gates.lock().unwrap().get(method).cloned();
        let reply = match gate {
            Some(gate) => {
                let sent = gate.lock().await.recv().await;
                sent.unwrap_or_else(|| status(503, ""))
            }
            None => self.next_answer(method),
        };
        if method == "Login" && reply.status == 200 {
            return self.open_session(reply);
        }
        reply
    }

    fn next_answer(&self, method: &str) -> Reply {
        let mut answers = self.answers.lock().unwrap();
        match answers.get_mut(method) {
            Some(replies) if replies.len() > 1 => replies.pop_front().unwrap(),
            Some(replies) => replies.front().unwrap().clone(),
            None => status(404, "nothing here"),
        }
    }

    fn open_session(&self, mut reply: Reply) -> Reply {
        let mut sessions = self.sessions.lock().unwrap();
        sessions.count += 1;
        let cookie = format!("vmware_soap_session=\"c00kie-{}\"", sessions.count);
        reply
            .headers
            .push(("set-cookie", format!("{cookie}; Path=/; HttpOnly; Secure;")));
        sessions.open = Some(cookie);
        reply
    }

    fn check_session(&self, method: &str, cookie: Option<&str>) -> Option<Reply> {
        let free = method.starts_with('/') || ["Login", "RetrieveServiceContent"].contains(&method);
        let open = self.sessions.lock().unwrap().open.clone();
        let valid = cookie.is_some() && open.as_deref() == cookie;
        (!free && !valid).then(|| fault("not-authenticated"))
    }
}

/// The name of the first element inside the Body.
fn method(body: &str) -> Option<String> {
    let (_, inside) = body.split_once("<soapenv:Body><")?;
    let name: String = inside
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect();
    Some(name)
}

//! HTTP requests to the endpoint: TLS, deadlines, size limits, retries.

mod failure;
mod resolver;

use std::time::Duration;

use reqwest::{
    StatusCode,
    dns::Resolve,
    header::{CONTENT_TYPE, COOKIE, HeaderValue, SET_COOKIE},
};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    datastore::DatastorePath, error::Error, session_store::SessionCookie, settings::Settings,
};

use resolver::RacingResolver;
pub(crate) use resolver::SystemResolver;

/// The time limit of a call without a deadline, retries and login included. It is shorter than the gateway's default
/// `handshake_timeout`, so that the error names the cause.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(25);

/// The HTTP client of one endpoint.
pub(crate) struct Transport {
    http: reqwest::Client,
    url: url::Url,
    address: String,
    /// Host and port of the proxy, if there is one.
    proxy: Option<String>,
    /// Permits for concurrent calls; waiting for updates needs none (see [`Deadline::LongPoll`]).
    calls: Semaphore,
}

/// A request to `/sdk`.
pub(crate) struct Request<'a> {
    /// The SOAPAction, as in `urn:vim25/7.0.3.0`.
    pub(crate) action: &'a str,
    pub(crate) body: String,
    pub(crate) cookie: Option<&'a SessionCookie>,
    pub(crate) deadline: Deadline,
}

/// When to stop waiting for an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Deadline {
    /// An ordinary call: at most [`MAX_CALLS`] at once, retried until then.
    Call(Instant),
    /// A call that the server answers when something changes: not counted in [`MAX_CALLS`], never retried.
    LongPoll(Instant),
}

/// A complete answer with one of the statuses of SOAP, 200 or 500.
pub(crate) struct Answer {
    pub(crate) body: Vec<u8>,
    /// The session cookie, if one was set, as `name=value`.
    pub(crate) cookie: Option<SessionCookie>,
}

impl Transport {
    /// Checks the settings; opens no connection.
    pub(crate) fn new(
        settings: &Settings,
        resolver: impl Resolve + 'static,
    ) -> Result<Self, Error> {
        check(settings)?;
        // Every connection goes to the proxy where there is one.
        let next_hop = settings.proxy.as_ref().unwrap_or(&settings.url);
        let port = next_hop.port_or_known_default().unwrap_or_default();
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(settings.tls.clone())
            .no_proxy()
            .dns_resolver(RacingResolver::new(resolver, port))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .http1_only()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(MAX_CALLS)
            .pool_idle_timeout(POOL_IDLE)
            .tcp_nodelay(true)
            .user_agent(concat!("mksgate/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &settings.proxy {
            let proxy = reqwest::Proxy::all(proxy.clone()).map_err(|_| Error::Settings {
                reason: "the proxy's address is invalid: write http://host:port".to_owned(),
            })?;
            builder = builder.proxy(proxy);
        }
        let http = builder.build().map_err(|_| Error::Settings {
            reason: "the HTTP client refuses these TLS settings: set trust to another".to_owned(),
        })?;
        Ok(Self {
            http,
            url: settings.url.clone(),
            address: settings.address(),
            proxy: settings.proxy.as_ref().map(authority),
            calls: Semaphore::new(MAX_CALLS),
        })
    }

    /// `host` or `host:port`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Sends a SOAP request and reads the whole answer.
    pub(crate) async fn post(&self, request: Request<'_>) -> Result<Answer, Error> {
        match request.deadline {
            Deadline::LongPoll(until) => self.exchange(|| self.soap(&request), until).await,
            Deadline::Call(until) => self.retry(|| self.soap(&request), until).await,
        }
    }

    /// Reads a document below `/sdk`, which needs no session.
    pub(crate) async fn get(&self, name: &str, until: Instant) -> Result<Answer, Error> {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/{name}", self.url.path().trim_end_matches('/')));
        self.retry(|| self.http.get(url.clone()), until).await
    }

    /// Reads `/screen?id=…` with the session's cookie. The inner error is a refusal in a few words.
    pub(crate) async fn screen(
        &self,
        cookie: &SessionCookie,
        moref: &str,
        until: Instant,
    ) -> Result<Result<Vec<u8>, String>, Error> {
        let mut url = self.url.clone();
        url.set_path("/screen");
        url.query_pairs_mut().append_pair("id", moref);
        self.get_in_session(url, cookie, until).await
    }

    /// Reads a file on a datastore, below `/folder`, with the session's cookie. The inner error is a refusal in a few words.
    pub(crate) async fn file(
        &self,
        cookie: &SessionCookie,
        path: &DatastorePath,
        datacenter: &str,
        until: Instant,
    ) -> Result<Result<Vec<u8>, String>, Error> {
        self.get_in_session(path.url(&self.url, datacenter), cookie, until)
            .await
    }

    /// Reads a document outside `/sdk`. Since there is a session, the endpoint is a vSphere: any status but that of overload is
    /// a refusal.
    async fn get_in_session(
        &self,
        url: url::Url,
        cookie: &SessionCookie,
        until: Instant,
    ) -> Result<Result<Vec<u8>, String>, Error> {
        let get = || {
            let get = self.http.get(url.clone());
            match cookie_header(cookie) {
                Some(cookie) => get.header(COOKIE, cookie),
                None => get,
            }
        };
        match self.retry(get, until).await {
            Ok(answer) => Ok(Ok(answer.body)),
            Err(Error::NotAVsphere { answered, .. }) => Ok(Err(answered)),
            Err(Error::Http { status, .. }) if status != OVERLOADED => {
                Ok(Err(format!("HTTP status {status}")))
            }
            Err(error) => Err(error),
        }
    }

    fn soap(&self, request: &Request<'_>) -> reqwest::RequestBuilder {
        let post = self
            .http
            .post(self.url.clone())
            .header(CONTENT_TYPE, "text/xml; charset=utf-8")
            .header("SOAPAction", request.action)
            .body(request.body.clone());
        match request.cookie.map(cookie_header) {
            Some(Some(cookie)) => post.header(COOKIE, cookie),
            _ => post,
        }
    }

    /// Retries transient failures, with growing pauses.
    async fn retry(
        &self,
        request: impl Fn() -> reqwest::RequestBuilder,
        until: Instant,
    ) -> Result<Answer, Error> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..MAX_ATTEMPTS {
            let error = match self.permitted(&request, until).await {
                Err(error) if is_transient(&error) => error,
                other => return other,
            };
            let pause_now = jittered(pause);
            if Instant::now() + pause_now >= until {
                return Err(error);
            }
            tracing::debug!(address = %self.address, %error, "trying again");
            sleep(pause_now).await;
            pause *= 2;
        }
        self.permitted(&request, until).await
    }

    async fn permitted(
        &self,
        request: &impl Fn() -> reqwest::RequestBuilder,
        until: Instant,
    ) -> Result<Answer, Error> {
        let permit = timeout_at(until, self.calls.acquire()).await;
        // The semaphore is never closed, so the only error is the timeout.
        let Ok(Ok(_permit)) = permit else {
            return Err(self.timeout());
        };
        self.exchange(request, until).await
    }

    async fn exchange(
        &self,
        request: impl Fn() -> reqwest::RequestBuilder,
        until: Instant,
    ) -> Result<Answer, Error> {
        match timeout_at(until, self.send(request())).await {
            Ok(result) => result,
            Err(_) => Err(self.timeout()),
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, Error> {
        let mut response = request.send().await.map_err(|error| self.failed(error))?;
        let status = response.status();
        if status != StatusCode::OK && status != StatusCode::INTERNAL_SERVER_ERROR {
            return Err(self.refused(status));
        }
        let cookie = session_cookie(&response);
        let body = self.read(&mut response).await?;
        Ok(Answer { body, cookie })
    }

    async fn read(&self, response: &mut reqwest::Response) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(error))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(Error::TooLarge {
                    address: self.address.clone(),
                    limit: MAX_ANSWER,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn failed(&self, error: reqwest::Error) -> Error {
        failure::explain(&self.address, self.proxy.as_deref(), error)
    }

    /// The error for a status other than those of SOAP.
    fn refused(&self, status: StatusCode) -> Error {
        let address = self.address.clone();
        match status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Error::NotAVsphere {
                address,
                answered: format!("HTTP status {}", status.as_u16()),
            },
            _ => Error::Http {
                address,
                status: status.as_u16(),
            },
        }
    }

    fn timeout(&self) -> Error {
        Error::Timeout {
            address: self.address.clone(),
        }
    }
}

/// Host and port of a proxy, without its credentials.
fn authority(proxy: &url::Url) -> String {
    let host = proxy.host_str().unwrap_or_default();
    match proxy.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn check(settings: &Settings) -> Result<(), Error> {
    let url = &settings.url;
    if url.scheme() != "https" || url.host_str().is_none() {
        return Err(Error::Settings {
            reason: "the vSphere address must be https://host[:port]/sdk: a password goes there"
                .to_owned(),
        });
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::Settings {
            reason: "the vSphere address must not hold a user name or password: they have settings of their own".to_owned(),
        });
    }
    Ok(())
}

/// Whether a failure is transient: overload, or a connection that broke.
fn is_transient(error: &Error) -> bool {
    matches!(
        error,
        Error::Unreachable { .. }
            | Error::Proxy { .. }
            | Error::Closed { .. }
            | Error::Http {
                status: OVERLOADED,
                ..
            }
    )
}

/// `vmware_soap_session="…"` from the `Set-Cookie` headers, without its attributes.
fn session_cookie(response: &reqwest::Response) -> Option<SessionCookie> {
    let lines = response.headers().get_all(SET_COOKIE);
    lines.iter().find_map(|line| {
        let pair = line.to_str().ok()?.split(';').next()?.trim();
        SessionCookie::new(pair)
    })
}

fn cookie_header(cookie: &SessionCookie) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(cookie.expose()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The status of an overloaded host (`docs/webmks.md` 2.6).
const OVERLOADED: u16 = 503;

/// A random time from half the pause to all of it, so that calls refused at the same time are not repeated at the same time.
fn jittered(pause: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX);
    pause.mul_f64(0.5 + 0.5 * f64::from(random) / f64::from(u32::MAX))
}

/// Long enough for three lost SYNs, which take seven seconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Hosts answer 503 to more (`docs/webmks.md` 2.6: four at once were accepted).
const MAX_CALLS: usize = 4;

/// Idle connections count towards the limit of ESXi's reverse proxy (`docs/webmks.md` 2.6).
const POOL_IDLE: Duration = Duration::from_secs(30);

/// With the pauses, a refused connection is an error after two to four seconds.
const MAX_ATTEMPTS: u32 = 5;

/// The first pause before a retry; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// A page of 500 VMs has some 700 kB; a server that ignores the page size sends 5,000 VMs in 7 MB.
const MAX_ANSWER: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jittered_pause_is_between_half_and_all_of_the_pause() {
        let pause = Duration::from_millis(1000);
        for _ in 0..100 {
            let now = jittered(pause);
            assert!(now >= pause / 2 && now <= pause, "{now:?}");
        }
    }
}

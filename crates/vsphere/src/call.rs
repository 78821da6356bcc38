//! The vim25 calls that this crate makes, one method each, and their errors.

use tokio::time::Instant;

use crate::{
    datastore::DatastorePath,
    error::Error,
    fault::{Fault, FaultKind},
    reference::Reference,
    service::{self, ServiceContent},
    session_store::SessionCookie,
    soap::{self, Reply},
    transport::{Answer, Deadline, Request, Transport},
    xml::{Element, Writer},
};

/// Makes calls to one endpoint.
pub(crate) struct Calls {
    transport: Transport,
}

/// Why a call failed.
#[derive(Debug)]
pub(crate) enum CallError {
    /// The server answered with a SOAP fault.
    Fault(Fault),
    /// There is no SOAP answer.
    Error(Error),
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// One call: `method` on `this`, in a session or without.
pub(crate) struct Call<'a> {
    /// The SOAPAction.
    pub(crate) action: &'a str,
    pub(crate) method: &'static str,
    pub(crate) this: &'a Reference,
    pub(crate) cookie: Option<&'a SessionCookie>,
    pub(crate) deadline: Deadline,
}

impl Calls {
    pub(crate) fn new(transport: Transport) -> Self {
        Self { transport }
    }

    /// `host` or `host:port`, for errors.
    pub(crate) fn address(&self) -> &str {
        self.transport.address()
    }

    /// Retrieves ServiceContent and the newest API version. Needs no session.
    ///
    /// The version list costs one small request: `apiVersion` alone may lag behind what a patched server supports, and fields
    /// newer than the version in the SOAPAction are not returned (`docs/webmks.md` 3.1).
    pub(crate) async fn discover(&self, until: Instant) -> Result<ServiceContent, Error> {
        let listed = match self.transport.get("vimServiceVersions.xml", until).await {
            Ok(answer) => service::newest_version(&answer.body),
            Err(Error::Http { .. } | Error::NotAVsphere { .. }) => None,
            Err(error) => return Err(error),
        };
        let service = self.service(listed, until).await?;
        let product = &service.about.full_name;
        tracing::debug!(address = self.address(), %product, action = %service.action, "found");
        Ok(service)
    }

    /// Logs in and returns the session's cookie.
    pub(crate) async fn log_in(
        &self,
        service: &ServiceContent,
        username: &str,
        password: &str,
        deadline: Deadline,
    ) -> Result<SessionCookie, CallError> {
        let call = Call {
            action: &service.action,
            method: "Login",
            this: &service.session_manager,
            cookie: None,
            deadline,
        };
        let (_, cookie) = self
            .exchange(call, |out| {
                out.value("userName", username);
                out.value("password", password);
            })
            .await?;
        cookie.ok_or_else(|| self.malformed("the login set no session cookie").into())
    }

    /// Makes a call and returns the `…Response` element.
    pub(crate) async fn call(
        &self,
        call: Call<'_>,
        arguments: impl FnOnce(&mut Writer),
    ) -> Result<Element, CallError> {
        let (response, _) = self.exchange(call, arguments).await?;
        Ok(response)
    }

    /// A PNG of what a VM shows, in a session.
    pub(crate) async fn screen(
        &self,
        cookie: &SessionCookie,
        moref: &str,
        until: Instant,
    ) -> Result<Vec<u8>, Error> {
        let got = self.transport.screen(cookie, moref, until).await?;
        got.and_then(png).map_err(|answered| Error::NoScreen {
            address: self.address().to_owned(),
            answered,
        })
    }

    /// A PNG on a datastore, in a session.
    pub(crate) async fn file(
        &self,
        cookie: &SessionCookie,
        path: &DatastorePath,
        datacenter: &str,
        until: Instant,
    ) -> Result<Vec<u8>, Error> {
        let got = self.transport.file(cookie, path, datacenter, until).await?;
        got.and_then(png).map_err(|answered| Error::NoFile {
            address: self.address().to_owned(),
            answered,
        })
    }

    /// The error for an endpoint without a FileManager.
    pub(crate) fn no_file_manager(&self) -> Error {
        Error::NotSupported {
            address: self.address().to_owned(),
            message: "it has no FileManager".to_owned(),
        }
    }

    /// The error for an answer that violates the API; `reason` completes "it cannot be read".
    pub(crate) fn malformed(&self, reason: impl Into<String>) -> Error {
        Error::Malformed {
            address: self.address().to_owned(),
            reason: reason.into(),
        }
    }

    /// The error for a failure that does not concern a VM; callers explain faults about a VM themselves.
    pub(crate) fn explain(&self, failure: CallError, username: &str) -> Error {
        let fault = match failure {
            CallError::Error(error) => return error,
            CallError::Fault(fault) => fault,
        };
        let address = self.address().to_owned();
        let message = fault.message;
        let username = username.to_owned();
        match fault.kind {
            FaultKind::InvalidLogin => Error::InvalidLogin { username, address },
            FaultKind::NotAuthenticated => Error::NotAuthenticated { username, address },
            FaultKind::NoPermission { object, privileges } => Error::NoPermission {
                username,
                privilege: privilege_list(&privileges),
                object: object.map_or(address, |(_, id)| id),
            },
            FaultKind::Licence => Error::Licence { address, message },
            FaultKind::NotSupported => Error::NotSupported { address, message },
            other => Error::Fault {
                address,
                kind: other.name().to_owned(),
                message,
            },
        }
    }

    async fn service(
        &self,
        listed: Option<String>,
        until: Instant,
    ) -> Result<ServiceContent, Error> {
        let newest = listed.as_deref().map(service::action);
        let call = Call {
            action: newest.as_deref().unwrap_or(service::OLDEST_ACTION),
            method: "RetrieveServiceContent",
            this: &service::service_instance(),
            cookie: None,
            deadline: Deadline::Call(until),
        };
        let response = self
            .call(call, |_| {})
            .await
            .map_err(|failure| self.explain(failure, "nobody"))?;
        let content = response
            .child("returnval")
            .ok_or_else(|| self.malformed("there is no ServiceContent in it"))?;
        ServiceContent::read(content, listed)
            .map_err(|missing| self.malformed(format!("its ServiceContent lacks {missing}")))
    }

    async fn exchange(
        &self,
        call: Call<'_>,
        arguments: impl FnOnce(&mut Writer),
    ) -> Result<(Element, Option<SessionCookie>), CallError> {
        let request = Request {
            action: call.action,
            body: soap::call(call.method, call.this, arguments),
            cookie: call.cookie,
            deadline: call.deadline,
        };
        let answer = self.transport.post(request).await?;
        let response = self.read(&answer)?;
        Ok((response, answer.cookie))
    }

    fn read(&self, answer: &Answer) -> Result<Element, CallError> {
        match soap::reply(&answer.body) {
            Ok(Some(Reply::Returned(response))) => Ok(response),
            Ok(Some(Reply::Fault(fault))) => Err(CallError::Fault(fault)),
            Ok(None) => Err(self.no_soap("a document that is not SOAP").into()),
            // An answer that is not XML comes from another server than a vSphere.
            Err(_) if !begins_like_soap(&answer.body) => {
                Err(self.no_soap("something other than SOAP").into())
            }
            Err(refused) => Err(self.malformed(refused.to_string()).into()),
        }
    }

    fn no_soap(&self, answered: &str) -> Error {
        Error::NotAVsphere {
            address: self.address().to_owned(),
            answered: answered.to_owned(),
        }
    }
}

/// The PNG signature (PNG specification, section 5.2).
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The body, if it begins with the PNG signature.
fn png(body: Vec<u8>) -> Result<Vec<u8>, String> {
    match body.starts_with(PNG) {
        true => Ok(body),
        false => Err("something other than a PNG".to_owned()),
    }
}

/// The privileges as one text.
pub(crate) fn privilege_list(privileges: &[String]) -> String {
    if privileges.is_empty() {
        return "that this needs".to_owned();
    }
    privileges.join(", ")
}

fn begins_like_soap(body: &[u8]) -> bool {
    let start = body.iter().position(|byte| *byte == b'<');
    let start = start.and_then(|at| body.get(at..)).unwrap_or_default();
    let head = start.get(..512).unwrap_or(start);
    start.starts_with(b"<?xml") || head.windows(8).any(|window| window == b"Envelope")
}

//! `/sdk`: one SOAP request in, one answer out.

pub(crate) mod element;
pub(crate) mod fault;
pub(crate) mod property;
mod screenshot;
mod search;
mod service;
mod session;
mod ticket;
mod update;
pub(crate) mod value;
pub(crate) mod version;

use std::sync::Arc;

use self::element::Element;
use self::fault::Fault;
use self::value::MoRef;
use self::version::ApiVersion;
use crate::sessions::Session;
use crate::site::Site;

/// What goes back over HTTP.
pub(crate) struct Answer {
    /// 200, or 500 for a fault.
    pub(crate) status: u16,
    pub(crate) body: String,
    /// The value of a session cookie to set.
    pub(crate) cookie: Option<String>,
}

/// One call: the method's element, the object it is called on, and who calls.
pub(super) struct Call<'a> {
    pub(super) site: &'a Site,
    pub(super) this: MoRef,
    pub(super) arguments: &'a Element,
    pub(super) version: ApiVersion,
    pub(super) cookie: Option<&'a str>,
    pub(super) session: Option<Arc<Session>>,
}

/// What a method answers: the content of its response element, and perhaps a new session.
#[derive(Default)]
pub(super) struct Reply {
    pub(super) xml: String,
    pub(super) cookie: Option<String>,
}

impl From<String> for Reply {
    fn from(xml: String) -> Self {
        Self { xml, cookie: None }
    }
}

/// Performs the request in `body` for the session that `cookie` names.
pub(crate) async fn answer(
    site: &Site,
    action: Option<&str>,
    cookie: Option<&str>,
    body: &str,
) -> Answer {
    match perform(site, action, cookie, body).await {
        Ok((method, reply)) => {
            let xml = format!(
                "<{method}Response xmlns=\"urn:vim25\">{}</{method}Response>",
                reply.xml
            );
            Answer {
                status: 200,
                body: envelope(&xml),
                cookie: reply.cookie,
            }
        }
        Err(fault) => Answer {
            status: 500,
            body: envelope(&fault.to_xml()),
            cookie: None,
        },
    }
}

async fn perform(
    site: &Site,
    action: Option<&str>,
    cookie: Option<&str>,
    body: &str,
) -> Result<(&'static str, Reply), Fault> {
    let envelope = Element::read(body).map_err(|error| Fault::bad_request(error.0))?;
    let method = envelope
        .child("Body")
        .and_then(|body| body.children.first())
        .ok_or_else(|| Fault::bad_request("no SOAP body"))?;
    let this = reference(method, "_this").ok_or_else(|| Fault::bad_request("no _this"))?;
    let name = METHODS.iter().find(|known| **known == method.name).copied();
    site.journal
        .note(|counts| *counts.calls.entry(name.unwrap_or("unknown")).or_default() += 1);
    let name = name.ok_or_else(|| Fault::unknown_method(&method.name, &this))?;
    let call = Call {
        site,
        this,
        arguments: method,
        version: version(site, action)?,
        cookie,
        session: cookie.and_then(|cookie| site.sessions.find(cookie)),
    };
    Ok((name, call.dispatch(name).await?))
}

/// The version that `SOAPAction` names. A host refuses one that is newer than itself; the wording is a guess.
fn version(site: &Site, action: Option<&str>) -> Result<ApiVersion, Fault> {
    let version = action
        .and_then(ApiVersion::of_action)
        .unwrap_or(ApiVersion::OLDEST);
    if version > site.inventory.api {
        return Err(Fault::bad_request(format!(
            "Unsupported version URI \"urn:vim25/{}\"",
            version.text()
        )));
    }
    Ok(version)
}

impl Call<'_> {
    async fn dispatch(&self, method: &str) -> Result<Reply, Fault> {
        if !ANONYMOUS.contains(&method) && self.session.is_none() {
            return Err(Fault::not_authenticated(&self.this));
        }
        match method {
            "RetrieveServiceContent" => Ok(service::content(self)),
            "CurrentTime" => Ok(service::current_time()),
            "Login" => session::login(self),
            "Logout" => Ok(session::logout(self)),
            "SessionIsActive" => Ok(session::is_active(self)),
            "FindByUuid" => Ok(search::by_uuid(self)),
            "FindAllByUuid" => Ok(search::all_by_uuid(self)),
            "FindByInventoryPath" => Ok(search::by_path(self)),
            "FindChild" => search::child(self),
            "CreateContainerView" => search::create_view(self),
            "DestroyView" => search::destroy_view(self),
            "Fetch" => property::fetch(self),
            "RetrieveProperties" => property::retrieve_all(self),
            "RetrievePropertiesEx" => property::retrieve(self),
            "ContinueRetrievePropertiesEx" => property::continue_(self),
            "CancelRetrievePropertiesEx" => property::cancel(self),
            "CreatePropertyCollector" => update::create_collector(self),
            "DestroyPropertyCollector" => update::destroy_collector(self),
            "CreateFilter" => update::create_filter(self),
            "DestroyPropertyFilter" => update::destroy_filter(self),
            "WaitForUpdates" | "WaitForUpdatesEx" => update::wait(self).await,
            "CancelWaitForUpdates" => update::cancel(self),
            "AcquireTicket" => ticket::acquire(self),
            "QueryConnections" => ticket::connections(self),
            "DropConnections" => ticket::drop_connections(self),
            "CreateScreenshot_Task" => screenshot::create(self),
            "DeleteDatastoreFile_Task" => screenshot::delete(self),
            _ => Err(Fault::not_supported()),
        }
    }
}

/// The managed object reference in the child called `name`.
pub(super) fn reference(element: &Element, name: &str) -> Option<MoRef> {
    let child = element.child(name)?;
    Some(MoRef::new(child.attribute("type")?, child.text.trim()))
}

fn envelope(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n\
         <soapenv:Body>\n{body}\n</soapenv:Body>\n</soapenv:Envelope>\n"
    )
}

/// Methods that need no session.
const ANONYMOUS: &[&str] = &["RetrieveServiceContent", "Login"];

const METHODS: &[&str] = &[
    "RetrieveServiceContent",
    "CurrentTime",
    "Login",
    "Logout",
    "SessionIsActive",
    "FindByUuid",
    "FindAllByUuid",
    "FindByInventoryPath",
    "FindChild",
    "CreateContainerView",
    "DestroyView",
    "Fetch",
    "RetrieveProperties",
    "RetrievePropertiesEx",
    "ContinueRetrievePropertiesEx",
    "CancelRetrievePropertiesEx",
    "CreatePropertyCollector",
    "DestroyPropertyCollector",
    "CreateFilter",
    "DestroyPropertyFilter",
    "WaitForUpdates",
    "WaitForUpdatesEx",
    "CancelWaitForUpdates",
    "AcquireTicket",
    "QueryConnections",
    "DropConnections",
    "CreateScreenshot_Task",
    "DeleteDatastoreFile_Task",
];

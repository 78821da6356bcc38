//! Parses a SOAP request, calls its method, and writes the response.

use super::call::{Call, Reply};
use super::{
    authorization, power, property_collector, screenshot, search_index, service_instance,
    session_manager, ticket, wait_for_updates,
};
use crate::host_state::HostState;
use crate::vim25::element::Element;
use crate::vim25::fault::Fault;
use crate::vim25::reference::reference;
use crate::vim25::version::ApiVersion;

/// An HTTP response.
pub(crate) struct Answer {
    /// 200, or 500 for a fault.
    pub(crate) status: u16,
    pub(crate) body: String,
    /// The session cookie to set.
    pub(crate) cookie: Option<String>,
}

/// Handles the request in `body` for the session of `cookie`.
pub(crate) async fn answer(
    state: &HostState,
    action: Option<&str>,
    cookie: Option<&str>,
    body: &str,
) -> Answer {
    match perform(state, action, cookie, body).await {
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
    state: &HostState,
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
    state
        .counters
        .update(|counts| *counts.calls.entry(name.unwrap_or("unknown")).or_default() += 1);
    let name = name.ok_or_else(|| Fault::unknown_method(&method.name, &this))?;
    let call = Call {
        state,
        this,
        arguments: method,
        version: version(state, action)?,
        cookie,
        session: cookie.and_then(|cookie| state.sessions.find(cookie)),
    };
    Ok((name, dispatch(&call, name).await?))
}

/// The version in `SOAPAction`. A host refuses a version newer than its own; the text of the fault is a guess.
fn version(state: &HostState, action: Option<&str>) -> Result<ApiVersion, Fault> {
    let version = action
        .and_then(ApiVersion::of_action)
        .unwrap_or(ApiVersion::OLDEST);
    if version > state.inventory.api {
        return Err(Fault::bad_request(format!(
            "Unsupported version URI \"urn:vim25/{}\"",
            version.text()
        )));
    }
    Ok(version)
}

async fn dispatch(call: &Call<'_>, method: &str) -> Result<Reply, Fault> {
    if !ANONYMOUS.contains(&method) && call.session.is_none() {
        return Err(Fault::not_authenticated(&call.this));
    }
    match method {
        "RetrieveServiceContent" => Ok(service_instance::content(call)),
        "CurrentTime" => Ok(service_instance::current_time()),
        "Login" => session_manager::login(call),
        "Logout" => Ok(session_manager::logout(call)),
        "SessionIsActive" => Ok(session_manager::is_active(call)),
        "FindByUuid" => Ok(search_index::by_uuid(call)),
        "FindAllByUuid" => Ok(search_index::all_by_uuid(call)),
        "FindByInventoryPath" => Ok(search_index::by_path(call)),
        "FindChild" => search_index::child(call),
        "CreateContainerView" => search_index::create_view(call),
        "DestroyView" => search_index::destroy_view(call),
        "Fetch" => property_collector::fetch(call),
        "RetrieveProperties" => property_collector::retrieve_all(call),
        "RetrievePropertiesEx" => property_collector::retrieve(call),
        "ContinueRetrievePropertiesEx" => property_collector::continue_(call),
        "CancelRetrievePropertiesEx" => property_collector::cancel(call),
        "CreatePropertyCollector" => wait_for_updates::create_collector(call),
        "DestroyPropertyCollector" => wait_for_updates::destroy_collector(call),
        "CreateFilter" => wait_for_updates::create_filter(call),
        "DestroyPropertyFilter" => wait_for_updates::destroy_filter(call),
        "WaitForUpdates" | "WaitForUpdatesEx" => wait_for_updates::wait(call).await,
        "CancelWaitForUpdates" => wait_for_updates::cancel(call),
        "AcquireTicket" => ticket::acquire(call),
        "QueryConnections" => ticket::connections(call),
        "DropConnections" => ticket::drop_connections(call),
        "PowerOnVM_Task" => power::on(call),
        "PowerOffVM_Task" => power::off(call),
        "ResetVM_Task" => power::reset(call),
        "SuspendVM_Task" => power::suspend(call),
        "ShutdownGuest" => power::shut_down(call),
        "ReconfigVM_Task" => power::reconfigure(call),
        "HasPrivilegeOnEntities" => authorization::privileges(call),
        "CreateScreenshot_Task" => screenshot::create(call),
        "DeleteDatastoreFile_Task" => screenshot::delete(call),
        _ => Err(Fault::not_supported()),
    }
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

/// Methods that do not require a session.
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
    "PowerOnVM_Task",
    "PowerOffVM_Task",
    "ResetVM_Task",
    "SuspendVM_Task",
    "ShutdownGuest",
    "ReconfigVM_Task",
    "HasPrivilegeOnEntities",
    "CreateScreenshot_Task",
    "DeleteDatastoreFile_Task",
];

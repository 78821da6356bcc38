//! PropertyCollector: returns properties.

use super::call::{Call, Reply};
use super::property_filter::select;
use crate::random;
use crate::vim25::fault::Fault;
use crate::vim25::value::ObjectContent;

/// Fetch: a single property, as pyVmomi reads `vm.name`. Not in the public WSDL.
pub(super) fn fetch(call: &Call<'_>) -> Result<Reply, Fault> {
    let properties = call
        .managed_object(&call.this)
        .ok_or_else(|| Fault::not_found(&call.this))?;
    let path = call.arguments.text_of("prop").unwrap_or_default();
    let mut xml = String::new();
    if let Some(value) = properties.at(path) {
        value.write_typed("returnval", &mut xml);
    }
    Ok(xml.into())
}

/// RetrieveProperties: all objects in one response.
pub(super) fn retrieve_all(call: &Call<'_>) -> Result<Reply, Fault> {
    let objects = objects(call)?;
    Ok(objects
        .iter()
        .map(|object| format!("<returnval>{object}</returnval>"))
        .collect::<String>()
        .into())
}

/// RetrievePropertiesEx: at most `maxObjects` objects, and a token if there are more.
pub(super) fn retrieve(call: &Call<'_>) -> Result<Reply, Fault> {
    let objects = objects(call)?;
    let options = call.arguments.child("options");
    let most = options
        .and_then(|options| options.text_of("maxObjects"))
        .and_then(|most| most.parse().ok());
    if objects.is_empty() {
        return Ok(Reply::default());
    }
    page(call, objects, most.filter(|most| *most > 0).unwrap_or(PAGE))
}

/// ContinueRetrievePropertiesEx: the next page.
pub(super) fn continue_(call: &Call<'_>) -> Result<Reply, Fault> {
    page(call, taken(call)?, PAGE)
}

/// CancelRetrievePropertiesEx: drops the remaining pages.
pub(super) fn cancel(call: &Call<'_>) -> Result<Reply, Fault> {
    taken(call).map(|_| Reply::default())
}

fn taken(call: &Call<'_>) -> Result<Vec<String>, Fault> {
    let token = call.arguments.text_of("token").unwrap_or_default();
    let pages = call
        .session
        .as_ref()
        .and_then(|session| session.take_page(token));
    pages.ok_or_else(|| Fault::invalid_argument("token"))
}

fn page(call: &Call<'_>, mut objects: Vec<String>, most: usize) -> Result<Reply, Fault> {
    let rest = objects.split_off(most.min(PAGE).min(objects.len()));
    let mut xml = String::from("<returnval>");
    if !rest.is_empty() {
        let token = random::token();
        xml.push_str(&format!("<token>{token}</token>"));
        let kept = call
            .session
            .as_ref()
            .is_some_and(|session| session.keep_page(&token, rest));
        if !kept {
            return Err(Fault::bad_request(
                "too many unfinished retrievals in this session",
            ));
        }
    }
    for object in objects {
        xml.push_str(&format!("<objects>{object}</objects>"));
    }
    xml.push_str("</returnval>");
    Ok(xml.into())
}

/// An ObjectContent's XML for each object that the call's filters select, in order of selection.
fn objects(call: &Call<'_>) -> Result<Vec<String>, Fault> {
    let mut contents = Vec::new();
    for filter in call.arguments.children_of("specSet") {
        let selected = select(&|object| call.managed_object(object), filter)?;
        contents.extend(selected.iter().map(ObjectContent::to_xml));
    }
    Ok(contents)
}

/// The maximum and default page size.
const PAGE: usize = 100;

//! `ServiceContent`: the ids of the endpoint's managed objects, none of which is hard-coded elsewhere.

use crate::{
    about::{About, ApiType},
    reference::Reference,
    xml::Element,
};

/// What the endpoint is, which version of the API to use, and the managed objects that this crate uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceContent {
    /// The SOAPAction of every call, as in `urn:vim25/7.0.3.0`.
    pub(crate) action: String,
    pub(crate) about: About,
    pub(crate) root_folder: Reference,
    pub(crate) property_collector: Reference,
    pub(crate) session_manager: Reference,
    pub(crate) view_manager: Reference,
    pub(crate) search_index: Reference,
    /// Deletes files after screenshots. Consoles do not need it, so it may be missing.
    pub(crate) file_manager: Option<Reference>,
    /// Tells privileges; consoles do not need it either.
    pub(crate) authorization_manager: Option<Reference>,
}

/// The only object with the same id at every endpoint; all others are found through it.
pub(crate) fn service_instance() -> Reference {
    Reference::new("ServiceInstance", "ServiceInstance")
}

impl ServiceContent {
    /// Reads the `returnval` of RetrieveServiceContent; the error names what is missing. The version is the one `listed` as
    /// newest, else the one that the endpoint states.
    pub(crate) fn read(content: &Element, listed: Option<String>) -> Result<Self, &'static str> {
        let about = about(content.child("about").ok_or("about")?)?;
        let version = listed.or_else(|| acceptable_version(&about.api_version));
        let reference =
            |name: &'static str| content.child(name).and_then(Reference::read).ok_or(name);
        Ok(Self {
            action: version.map_or_else(|| OLDEST_ACTION.to_owned(), |version| action(&version)),
            about,
            root_folder: reference("rootFolder")?,
            property_collector: reference("propertyCollector")?,
            session_manager: reference("sessionManager")?,
            view_manager: reference("viewManager")?,
            search_index: reference("searchIndex")?,
            file_manager: reference("fileManager").ok(),
            authorization_manager: reference("authorizationManager").ok(),
        })
    }
}

fn about(about: &Element) -> Result<About, &'static str> {
    let text = |name: &'static str| about.text_of(name).map(crate::fault::one_line);
    let api_type = match about.text_of("apiType") {
        Some("HostAgent") => ApiType::Esxi,
        Some("VirtualCenter") => ApiType::VCenter,
        _ => return Err("apiType"),
    };
    Ok(About {
        api_type,
        full_name: text("fullName").unwrap_or_default(),
        version: text("version").unwrap_or_default(),
        api_version: text("apiVersion").unwrap_or_default(),
        instance_uuid: text("instanceUuid"),
    })
}

/// The newest version of `urn:vim25` in `vimServiceVersions.xml`, if the document is one.
pub(crate) fn newest_version(document: &[u8]) -> Option<String> {
    let root = crate::xml::parse(document).ok()?;
    let vim25 = root.children("namespace").find(|namespace| {
        namespace
            .text_of("name")
            .is_some_and(|name| name.trim() == "urn:vim25")
    })?;
    vim25.text_of("version").and_then(acceptable_version)
}

/// The SOAPAction for that version.
pub(crate) fn action(version: &str) -> String {
    format!("urn:vim25/{version}")
}

/// What every endpoint from 6.0 on understands; used until its newest version is known.
pub(crate) const OLDEST_ACTION: &str = "urn:vim25/6.0";

/// A version that may stand in a header: digits and dots, as in `8.0.2.0`.
fn acceptable_version(version: &str) -> Option<String> {
    let version = version.trim();
    let plain = version.chars().all(|c| c.is_ascii_digit() || c == '.');
    (plain && !version.is_empty() && version.len() <= 20).then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_taken_from_the_right_namespace() {
        let document = br#"<namespaces version="1.0">
            <namespace><name>urn:internalvim25</name><version>9.9</version></namespace>
            <namespace><name>urn:vim25</name><version>8.0.2.0</version>
              <priorVersions><version>8.0.1.0</version><version>6.7</version></priorVersions></namespace>
            </namespaces>"#;
        assert_eq!(newest_version(document).as_deref(), Some("8.0.2.0"));
        assert_eq!(newest_version(b"<html/>"), None);
    }

    #[test]
    fn a_version_that_could_break_a_header_is_not_used() {
        assert_eq!(acceptable_version("7.0\r\nX: y"), None);
        assert_eq!(acceptable_version(""), None);
    }
}

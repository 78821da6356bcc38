//! SOAP faults, parsed into vim25 fault types.

use crate::{runtime_info::Power, xml::Element};

/// A typed vim25 fault. It comes as HTTP 500 (`docs/webmks.md` 3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    /// The server's message, on one line, shortened.
    pub(crate) message: String,
    /// The id of the missing object, in a ManagedObjectNotFound.
    pub(crate) missing: Option<String>,
}

/// What the fault's type says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FaultKind {
    InvalidLogin,
    NotAuthenticated,
    NoPermission {
        /// Type and id of the object.
        object: Option<(String, String)>,
        privileges: Vec<String>,
    },
    ManagedObjectNotFound,
    InvalidPowerState {
        existing: Option<Power>,
    },
    MksConnectionLimitReached {
        limit: Option<u32>,
    },
    InvalidState,
    HostDisconnected,
    TaskInProgress,
    /// Which FileFault it is.
    File(String),
    Licence,
    NotSupported,
    Other(String),
}

impl Fault {
    /// Reads a SOAP 1.1 `Fault` element.
    pub(crate) fn read(fault: &Element) -> Self {
        let detail = fault.child("detail").and_then(|d| d.elements().first());
        let kind = match detail {
            Some(detail) => FaultKind::read(type_name(detail), detail),
            None => FaultKind::from_message(fault.text_of("faultstring").unwrap_or_default()),
        };
        Self {
            kind,
            message: one_line(fault.text_of("faultstring").unwrap_or_default()),
            missing: detail.and_then(|d| d.text_of("obj")).map(one_line),
        }
    }

    /// Reads a `LocalizedMethodFault`, as a property that could not be read carries it.
    pub(crate) fn read_localized(fault: &Element) -> Self {
        let kind = fault.child("fault").map_or_else(
            || FaultKind::Other("unknown".to_owned()),
            |detail| FaultKind::read(type_name(detail), detail),
        );
        Self {
            kind,
            message: one_line(fault.text_of("localizedMessage").unwrap_or_default()),
            missing: None,
        }
    }
}

impl FaultKind {
    /// The fault's type as the API spells it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::InvalidLogin => "InvalidLogin",
            Self::NotAuthenticated => "NotAuthenticated",
            Self::NoPermission { .. } => "NoPermission",
            Self::ManagedObjectNotFound => "ManagedObjectNotFound",
            Self::InvalidPowerState { .. } => "InvalidPowerState",
            Self::MksConnectionLimitReached { .. } => "MksConnectionLimitReached",
            Self::InvalidState => "InvalidState",
            Self::HostDisconnected => "HostNotConnected",
            Self::TaskInProgress => "TaskInProgress",
            Self::File(name) => name,
            Self::Licence => "LicenseRestricted",
            Self::NotSupported => "NotSupported",
            Self::Other(name) => name,
        }
    }

    fn read(name: &str, detail: &Element) -> Self {
        match name {
            "InvalidLogin" => Self::InvalidLogin,
            "NotAuthenticated" => Self::NotAuthenticated,
            "NoPermission" => no_permission(detail),
            "ManagedObjectNotFound" => Self::ManagedObjectNotFound,
            "InvalidPowerState" => Self::InvalidPowerState {
                existing: detail.text_of("existingState").and_then(Power::from_api),
            },
            "MksConnectionLimitReached" => Self::MksConnectionLimitReached {
                limit: detail
                    .text_of("connectionLimit")
                    .and_then(|limit| limit.trim().parse().ok()),
            },
            "InvalidState" => Self::InvalidState,
            "HostNotConnected"
            | "HostNotReachable"
            | "HostCommunication"
            | "InvalidHostConnectionState"
            | "HostConnectFault" => Self::HostDisconnected,
            "TaskInProgress" => Self::TaskInProgress,
            name if FILE_FAULTS.contains(&name) => Self::File(name.to_owned()),
            "RestrictedVersion"
            | "LicenseRestricted"
            | "LicenseExpired"
            | "InvalidLicense"
            | "NotEnoughLicenses"
            | "NoLicenseServerConfigured"
            | "LicenseServerUnavailable"
            | "LicenseEntityNotFound" => Self::Licence,
            "NotSupported" | "MethodNotFound" | "NotImplemented" => Self::NotSupported,
            other => Self::Other(one_line(other)),
        }
    }

    /// A fault without detail, which old hosts send for requests that they cannot parse.
    fn from_message(message: &str) -> Self {
        // "Unsupported version URI" is hostd's answer to a SOAPAction that it does not know.
        if message.starts_with("Unsupported") {
            return Self::NotSupported;
        }
        Self::Other("a fault".to_owned())
    }
}

fn no_permission(detail: &Element) -> FaultKind {
    let object = detail.child("object").and_then(|object| {
        let kind = object.attribute("type")?;
        Some((kind.to_owned(), object.text().trim().to_owned()))
    });
    // `missingPrivileges` names all of them and the objects, since 7.0.3.2; `privilegeId` the first.
    let missing = detail
        .children("missingPrivileges")
        .flat_map(|missing| missing.children("privilegeIds"));
    let mut privileges: Vec<String> = missing
        .chain(detail.child("privilegeId"))
        .map(|id| one_line(id.text()))
        .take(MAX_PRIVILEGES)
        .collect();
    privileges.sort_unstable();
    privileges.dedup();
    FaultKind::NoPermission { object, privileges }
}

/// `<InvalidLoginFault xsi:type="InvalidLogin">`: the dynamic type, else the element's name without its ending.
fn type_name(detail: &Element) -> &str {
    let name = detail.name();
    detail
        .dynamic_type()
        .unwrap_or_else(|| name.strip_suffix("Fault").unwrap_or(name))
}

/// A peer's text for use inside a sentence: no line ends or control characters, at most [`MAX_MESSAGE`] characters,
/// no full stop at its end.
pub(crate) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take(MAX_MESSAGE).collect();
    let line: String = words
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_MESSAGE)
        .collect();
    line.trim_end_matches('.').to_owned()
}

/// FileFault and what extends it in vim25.
const FILE_FAULTS: [&str; 14] = [
    "FileFault",
    "CannotAccessFile",
    "CannotCreateFile",
    "CannotDeleteFile",
    "DirectoryNotEmpty",
    "FileAlreadyExists",
    "FileLocked",
    "FileNameTooLong",
    "FileNotFound",
    "FileNotWritable",
    "FileTooLarge",
    "IncorrectFileType",
    "NetworkCopyFault",
    "NoDiskSpace",
];

/// Longer than any faultstring of the API's own message catalogue; short enough for a viewer's message box.
pub(crate) const MAX_MESSAGE: usize = 100;

/// More than any call needs; bounds the length of error messages.
const MAX_PRIVILEGES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::parse;

    #[test]
    fn fault_kind_is_read_from_dynamic_type_under_any_prefix() {
        let fault = read(
            r#"<f xmlns:xsi="i"><faultcode>ServerFaultCode</faultcode><faultstring>Cannot complete
               login.</faultstring><detail><InvalidLoginFault xsi:type="v:InvalidLogin"/></detail></f>"#,
        );
        assert_eq!(fault.kind, FaultKind::InvalidLogin);
        assert_eq!(fault.message, "Cannot complete login");
    }

    #[test]
    fn fault_kind_is_read_from_element_name_without_dynamic_type() {
        let fault = read("<f><detail><NotAuthenticatedFault/></detail></f>");
        assert_eq!(fault.kind, FaultKind::NotAuthenticated);
    }

    #[test]
    fn all_missing_privileges_are_named_once() {
        let fault = read(
            r#"<f><detail><NoPermissionFault xsi:type="NoPermission"><object type="VirtualMachine">vm-7</object>
               <privilegeId>B</privilegeId><missingPrivileges><privilegeIds>B</privilegeIds><privilegeIds>A</privilegeIds>
               </missingPrivileges></NoPermissionFault></detail></f>"#,
        );
        let object = Some(("VirtualMachine".to_owned(), "vm-7".to_owned()));
        let privileges = vec!["A".to_owned(), "B".to_owned()];
        assert_eq!(fault.kind, FaultKind::NoPermission { object, privileges });
    }

    #[test]
    fn text_from_peer_becomes_one_bounded_line() {
        let line = one_line(&format!("a\r\n\u{1b}[31m {}", "x".repeat(1000)));
        assert!(line.starts_with("a [31m x"), "{line}");
        assert_eq!(line.chars().count(), MAX_MESSAGE);
    }

    fn read(text: &str) -> Fault {
        Fault::read(&parse(text.as_bytes()).unwrap())
    }
}

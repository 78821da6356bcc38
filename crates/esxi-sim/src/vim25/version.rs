//! API versions, as `SOAPAction` names them and fields depend on them.

/// A vim25 API version; missing numbers are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ApiVersion([u32; 4]);

impl ApiVersion {
    /// Parses `7.0.3.1` and shorter forms; `None` if it is not a version.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut version = [0; 4];
        let mut parts = text.split('.');
        for (slot, part) in version.iter_mut().zip(parts.by_ref()) {
            *slot = part.parse().ok()?;
        }
        (parts.next().is_none() && !text.is_empty()).then_some(Self(version))
    }

    /// Parses a SOAPAction such as `"urn:vim25/7.0.3.0"`, quoted or not; `None` if it names no version.
    pub(crate) fn of_action(action: &str) -> Option<Self> {
        let action = action.trim().trim_matches('"');
        Self::read(action.strip_prefix("urn:vim25/")?)
    }

    /// The form of `about.apiVersion`: two numbers before 7.0, four since.
    pub(crate) fn text(self) -> String {
        let Self([major, minor, update, patch]) = self;
        match (major, update, patch) {
            (..=6, 0, 0) => format!("{major}.{minor}"),
            (..=6, _, 0) => format!("{major}.{minor}.{update}"),
            _ => format!("{major}.{minor}.{update}.{patch}"),
        }
    }

    /// The version of calls that name none. A guess: the oldest, so that clients do not rely on newer fields by
    /// accident.
    pub(crate) const OLDEST: Self = Self([2, 5, 0, 0]);
    /// QueryConnections and DropConnections (`docs/webmks.md` 2.6).
    pub(crate) const CONNECTIONS: Self = Self([7, 0, 1, 0]);
    /// `VirtualMachineTicket.url`; the next two constants are for its other fields (`docs/webmks.md` 3.1).
    pub(crate) const TICKET_URL: Self = Self([7, 0, 0, 0]);
    pub(crate) const CERT_THUMBPRINT_LIST: Self = Self([7, 0, 3, 1]);
    pub(crate) const SSL_CERTIFICATE: Self = Self([9, 0, 0, 0]);
}

/// `vimServiceVersions.xml`: the host's version and all prior ones.
pub(crate) fn service_versions(newest: ApiVersion) -> String {
    let prior: String = KNOWN
        .iter()
        .filter(|text| ApiVersion::read(text).is_some_and(|version| version < newest))
        .map(|text| format!("<version>{text}</version>"))
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<namespaces version=\"1.0\"><namespace><name>urn:vim25</name>\
         <version>{}</version><priorVersions>{prior}</priorVersions></namespace></namespaces>\n",
        newest.text()
    )
}

/// Published versions, newest first.
const KNOWN: &[&str] = &[
    "9.0.0.0", "8.0.3.1", "8.0.3.0", "8.0.2.0", "8.0.1.0", "8.0.0.2", "8.0.0.1", "8.0.0.0",
    "7.0.3.2", "7.0.3.1", "7.0.3.0", "7.0.2.1", "7.0.2.0", "7.0.1.1", "7.0.1.0", "7.0.0.2",
    "7.0.0.0", "6.9.1", "6.8.7", "6.7.3", "6.7.2", "6.7.1", "6.7", "6.5", "6.0", "5.5", "5.1",
    "5.0", "4.1", "4.0", "2.5",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number_and_missing_parts_are_zero() {
        let read = |text| ApiVersion::read(text).unwrap();
        assert_eq!(read("7.0"), read("7.0.0.0"));
        assert!(read("7.0.3.1") > read("7.0.3"));
        assert!(read("10.0") > read("9.0.0.0"));
        assert_eq!(ApiVersion::read("7.0.3.1.2"), None);
        assert_eq!(ApiVersion::read("7.x"), None);
        assert_eq!(ApiVersion::read(""), None);
    }

    #[test]
    fn an_action_may_be_quoted() {
        let seven = ApiVersion::read("7.0");
        assert_eq!(ApiVersion::of_action("\"urn:vim25/7.0\""), seven);
        assert_eq!(ApiVersion::of_action("urn:vim25/7.0"), seven);
        assert_eq!(ApiVersion::of_action("urn:vim25"), None);
    }

    #[test]
    fn only_versions_before_the_newest_are_prior() {
        let xml = service_versions(ApiVersion::read("7.0.3").unwrap());
        assert!(
            xml.contains("<version>7.0.3.0</version><priorVersions><version>7.0.2.1</version>")
        );
        assert!(!xml.contains("8.0"));
        assert_eq!(ApiVersion::read("6.7").unwrap().text(), "6.7");
        assert_eq!(ApiVersion::read("6.7.3").unwrap().text(), "6.7.3");
    }
}

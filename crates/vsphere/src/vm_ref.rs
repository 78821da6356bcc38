//! References to virtual machines in the configuration and on the command line.

use std::{fmt, str::FromStr};

use crate::uuid::{InvalidUuid, Uuid};

/// A reference to a VM. `FromStr` and `Display` are inverse to each other.
///
/// | text | meaning |
/// |---|---|
/// | `/DC/vm/folder/name` | inventory path; a slash inside a name is written `%2f` |
/// | `uuid:…` | BIOS UUID |
/// | `instance-uuid:…` | instance UUID, which vCenter keeps unique |
/// | `moref:vm-42` | managed object id; on ESXi a plain number |
/// | anything else | the name, as people see it |
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum VmRef {
    /// The name that people see. A name that two VMs have is ambiguous.
    Name(String),
    /// The inventory path, starting with `/`.
    Path(String),
    /// The BIOS UUID (`config.uuid`). Copies of a VM may share it.
    Uuid(Uuid),
    /// The instance UUID (`config.instanceUuid`).
    InstanceUuid(Uuid),
    /// The managed object id.
    Moref(String),
}

/// The text names no VM.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidVmRef {
    /// Nothing, or nothing after the prefix.
    #[error(
        "the VM's name is empty: write its name, its inventory path, uuid:…, instance-uuid:… or moref:…"
    )]
    Empty,
    /// The UUID after `uuid:` or `instance-uuid:` is none.
    #[error(transparent)]
    Uuid(#[from] InvalidUuid),
}

impl FromStr for VmRef {
    type Err = InvalidVmRef;

    fn from_str(text: &str) -> Result<Self, InvalidVmRef> {
        if let Some(uuid) = text.strip_prefix("uuid:") {
            return Ok(Self::Uuid(uuid.parse()?));
        }
        if let Some(uuid) = text.strip_prefix("instance-uuid:") {
            return Ok(Self::InstanceUuid(uuid.parse()?));
        }
        if let Some(moref) = text.strip_prefix("moref:") {
            return not_empty(moref).map(Self::Moref);
        }
        if text
            .trim_matches(|c: char| c == '/' || c.is_whitespace())
            .is_empty()
        {
            return Err(InvalidVmRef::Empty);
        }
        if text.starts_with('/') {
            return Ok(Self::Path(text.to_owned()));
        }
        Ok(Self::Name(text.to_owned()))
    }
}

impl fmt::Display for VmRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Path(path) => f.write_str(path),
            Self::Uuid(uuid) => write!(f, "uuid:{uuid}"),
            Self::InstanceUuid(uuid) => write!(f, "instance-uuid:{uuid}"),
            Self::Moref(moref) => write!(f, "moref:{moref}"),
        }
    }
}

fn not_empty(text: &str) -> Result<String, InvalidVmRef> {
    if text.trim().is_empty() {
        return Err(InvalidVmRef::Empty);
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_reference_round_trips() {
        let uuid: Uuid = "564d1c4e-0b02-6e1a-3f5c-0d5c0b1a2f3e".parse().unwrap();
        let table = [
            ("vm08", VmRef::Name("vm08".into())),
            ("web/1 & \"co\" ü", VmRef::Name("web/1 & \"co\" ü".into())),
            ("/DC/vm/a%2fb/c", VmRef::Path("/DC/vm/a%2fb/c".into())),
            (
                "uuid:564d1c4e-0b02-6e1a-3f5c-0d5c0b1a2f3e",
                VmRef::Uuid(uuid),
            ),
            (
                "instance-uuid:564d1c4e-0b02-6e1a-3f5c-0d5c0b1a2f3e",
                VmRef::InstanceUuid(uuid),
            ),
            ("moref:vm-42", VmRef::Moref("vm-42".into())),
        ];
        for (text, expected) in table {
            let parsed: VmRef = text.parse().unwrap();
            assert_eq!(parsed, expected);
            assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn empty_references_are_refused() {
        for text in ["", "  ", "/", "//", "/ /", "moref:", "moref: "] {
            assert_eq!(text.parse::<VmRef>(), Err(InvalidVmRef::Empty), "{text:?}");
        }
        assert!(matches!(
            "uuid:x".parse::<VmRef>(),
            Err(InvalidVmRef::Uuid(_))
        ));
    }
}

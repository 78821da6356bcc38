//! The consoles that a user may open, as glob patterns over the names of a VM.

use globset::{Glob, GlobMatcher};
use vsphere::{Uuid, Vm};

/// The prefixes of ids in the `vm` key of a console.
const ID_PREFIXES: [&str; 3] = ["uuid", "instance-uuid", "moref"];

/// The special characters of globs.
pub const WILDCARDS: [char; 6] = ['*', '?', '[', ']', '{', '}'];

/// One pattern of a users file: `PATTERN`, or `VSPHERE:PATTERN`.
#[derive(Debug, Clone)]
pub struct Right {
    /// As written in the users file.
    pub text: String,
    any_vsphere: GlobMatcher,
    /// The vSphere's name and the pattern for its consoles, for `VSPHERE:PATTERN`.
    qualified: Option<(String, GlobMatcher)>,
}

/// The names of a console.
#[derive(Debug, Clone, Copy)]
pub struct ConsoleNames<'a> {
    /// Its vSphere; `None` where it is at a URL.
    pub vsphere: Option<&'a str>,
    /// Its name in the configuration; empty for a VM without a port.
    pub configured: &'a str,
    /// The names of the VM, once it has been looked up.
    pub vm: Option<VmNames<'a>>,
}

/// The names of a VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VmNames<'a> {
    /// The managed object id.
    pub moref: &'a str,
    /// The display name.
    pub name: &'a str,
    /// The inventory path, where it is known.
    pub path: Option<&'a str>,
    /// The BIOS UUID, where it is known.
    pub uuid: Option<Uuid>,
    /// The instance UUID, where it is known.
    pub instance_uuid: Option<Uuid>,
}

impl<'a> From<&'a Vm> for VmNames<'a> {
    fn from(vm: &'a Vm) -> Self {
        Self {
            moref: &vm.moref,
            name: &vm.name,
            path: vm.path.as_deref(),
            uuid: vm.uuid,
            instance_uuid: vm.instance_uuid,
        }
    }
}

impl<'a> ConsoleNames<'a> {
    /// Whether both have been looked up and are different VMs.
    pub fn is_other_vm(&self, other: &Self) -> bool {
        match (self.vm, other.vm) {
            (Some(own), Some(other)) => own.moref != other.moref,
            _ => false,
        }
    }

    /// Its inventory path where that is known, else its configured name.
    pub fn path_or_name(&self) -> &'a str {
        let path = self.vm.and_then(|vm| vm.path);
        path.unwrap_or(self.configured)
    }

    /// Whether it is configured by its display name, not by path or id.
    pub fn has_display_name(&self) -> bool {
        let kind = self.configured.split_once(':').map(|(kind, _)| kind);
        !self.configured.starts_with('/') && !kind.is_some_and(|kind| ID_PREFIXES.contains(&kind))
    }
}

impl Right {
    /// Parses a pattern.
    ///
    /// # Errors
    /// A sentence: it is not a valid glob.
    pub fn parse(text: &str) -> Result<Self, String> {
        let glob = |pattern: &str| match Glob::new(pattern) {
            Ok(glob) => Ok(glob.compile_matcher()),
            Err(error) => Err(format!(
                "{text:?} is not a valid pattern ({})",
                error.kind()
            )),
        };
        let qualified = text.split_once(':').filter(|(vsphere, pattern)| {
            let is_name = !vsphere.is_empty() && !vsphere.contains(WILDCARDS);
            is_name && !ID_PREFIXES.contains(vsphere) && !pattern.is_empty()
        });
        Ok(Self {
            text: text.to_owned(),
            any_vsphere: glob(text)?,
            qualified: match qualified {
                Some((vsphere, pattern)) => Some((vsphere.to_owned(), glob(pattern)?)),
                None => None,
            },
        })
    }

    /// Whether it matches any name of the console.
    pub fn matches(&self, console: ConsoleNames<'_>) -> bool {
        let by_vsphere = self.qualified.as_ref().is_some_and(|(vsphere, pattern)| {
            console.vsphere == Some(vsphere) && matches(pattern, console)
        });
        by_vsphere || matches(&self.any_vsphere, console)
    }

    /// Whether it matches inventory paths.
    pub fn is_path(&self) -> bool {
        let pattern = self.qualified.as_ref().map(|(_, pattern)| pattern);
        is_path(&self.any_vsphere) || pattern.is_some_and(is_path)
    }

    /// Whether it matches ids.
    pub fn is_id(&self) -> bool {
        let pattern = self.qualified.as_ref().map(|(_, pattern)| pattern);
        let text = pattern.unwrap_or(&self.any_vsphere).glob().glob();
        let kind = text.split_once(':').map(|(kind, _)| kind);
        kind.is_some_and(|kind| ID_PREFIXES.contains(&kind))
    }

    /// The vSphere's name, for `VSPHERE:PATTERN`.
    pub fn vsphere(&self) -> Option<&str> {
        self.qualified.as_ref().map(|(vsphere, _)| vsphere.as_str())
    }

    /// Whether it has no wildcards.
    pub fn is_literal(&self) -> bool {
        !self.text.contains(WILDCARDS)
    }

    /// Whether it matches every console.
    pub fn matches_all(&self) -> bool {
        self.text.chars().all(|letter| letter == '*')
    }
}

/// A pattern that begins with a wildcard matches paths and ids only where the console is configured by them: `m*` means names
/// with an m, not every `moref:`.
fn matches(pattern: &GlobMatcher, console: ConsoleNames<'_>) -> bool {
    if pattern.is_match(console.configured) {
        return true;
    }
    let Some(vm) = console.vm else {
        return false;
    };
    let text = pattern.glob().glob();
    let by_id = |kind: &str, id: Option<String>| {
        text.strip_prefix(kind)
            .is_some_and(|rest| rest.starts_with(':'))
            && id.is_some_and(|id| pattern.is_match(format!("{kind}:{id}")))
    };
    let [uuid, instance_uuid, moref] = ID_PREFIXES;
    pattern.is_match(vm.name)
        || is_path(pattern) && vm.path.is_some_and(|path| pattern.is_match(path))
        || by_id(uuid, vm.uuid.map(|uuid| uuid.to_string()))
        || by_id(instance_uuid, vm.instance_uuid.map(|uuid| uuid.to_string()))
        || by_id(moref, Some(vm.moref.to_owned()))
}

fn is_path(pattern: &GlobMatcher) -> bool {
    pattern.glob().glob().starts_with('/')
}

#[cfg(test)]
mod tests {
    use vsphere::{ConnectionState, Power};

    use super::*;

    #[test]
    fn a_pattern_matches_each_name_of_a_vm_and_no_other() {
        let uuid = |last: char| {
            format!("564d1c4e-0b02-6e1a-3f5c-0d5c0b1a2f3{last}")
                .parse()
                .ok()
        };
        let vm = Vm {
            moref: "vm-42".into(),
            name: "web01".into(),
            power: Power::On,
            connection: ConnectionState::Connected,
            host: None,
            host_moref: None,
            path: Some("/DC/vm/web/web01".into()),
            uuid: uuid('a'),
            instance_uuid: uuid('b'),
        };
        let configured = ConsoleNames {
            vsphere: Some("lab"),
            configured: "moref:vm-42",
            vm: None,
        };
        let looked_up = ConsoleNames {
            vm: Some(VmNames::from(&vm)),
            ..configured
        };
        // Whether it matches before the VM is looked up, and after.
        for (pattern, before, after) in [
            ("moref:vm-42", true, true),
            ("moref:*", true, true),
            ("*", true, true),
            ("m*", true, true),
            ("web01", false, true),
            ("web*", false, true),
            ("db*", false, false),
            ("/DC/vm/web/*", false, true),
            ("/DC/vm/db/*", false, false),
            ("*/web/*", false, false),
            ("uuid:564d1c4e-0b02-6e1a-3f5c-0d5c0b1a2f3a", false, true),
            ("uuid:564d*", false, true),
            ("u*", false, false),
            ("i*", false, false),
            ("[iu]*", false, false),
            (
                "instance-uuid:564d1c4e-0b02-6e1a-3f5c-0d5c0b1a2f3b",
                false,
                true,
            ),
            (
                "instance-uuid:564d1c4e-0b02-6e1a-3f5c-0d5c0b1a2f3a",
                false,
                false,
            ),
            ("lab:moref:vm-42", true, true),
            ("lab:web01", false, true),
            ("lab:/DC/vm/web/web01", false, true),
            ("lab:*", true, true),
            ("other:web01", false, false),
            ("other:*", false, false),
            ("l*", false, false),
            ("lab*", false, false),
            ("*:web01", false, false),
            ("lab:", false, false),
        ] {
            let right = Right::parse(pattern).unwrap();
            let matches = (right.matches(configured), right.matches(looked_up));
            assert_eq!(matches, (before, after), "{pattern}");
        }
        let at_a_url = ConsoleNames {
            vsphere: None,
            configured: "198.51.100.7:443/vm",
            vm: None,
        };
        for (pattern, matches) in [
            ("198.51.100.7:443/*", true),
            ("198.51.100.7:*", true),
            ("lab:*", false),
        ] {
            assert_eq!(
                Right::parse(pattern).unwrap().matches(at_a_url),
                matches,
                "{pattern}"
            );
        }
    }
}

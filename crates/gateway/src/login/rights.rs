//! Which consoles a user may open: patterns over the names of a VM.

use globset::{Glob, GlobMatcher};
use vsphere::Vm;

/// How a VM is named other than by its name or path, as `vm` of a console has it.
const KINDS: [&str; 3] = ["uuid", "instance-uuid", "moref"];

/// What means something else than itself in a glob.
const WILD: [char; 6] = ['*', '?', '[', ']', '{', '}'];

/// One pattern of a users file: `PATTERN`, or `VSPHERE:PATTERN`.
#[derive(Debug, Clone)]
pub(crate) struct Right {
    /// As it is written.
    pub(crate) text: String,
    anywhere: GlobMatcher,
    /// The name of a vSphere, and what fits a console of that vSphere only.
    qualified: Option<(String, GlobMatcher)>,
}

/// How a console is named.
#[derive(Clone, Copy)]
pub(crate) struct Named<'a> {
    /// Its vSphere; `None` where it is at a URL.
    pub(crate) vsphere: Option<&'a str>,
    /// As the configuration has it.
    pub(crate) configured: &'a str,
    /// As it was looked up.
    pub(crate) vm: Option<&'a Vm>,
}

impl Named<'_> {
    /// Whether they are known to be two VMs.
    pub(crate) fn is_another_than(&self, other: &Self) -> bool {
        match (self.vm, other.vm) {
            (Some(own), Some(other)) => own.moref != other.moref,
            _ => false,
        }
    }

    /// Its path where that is known.
    pub(crate) fn in_full(&self) -> &str {
        let path = self.vm.and_then(|vm| vm.path.as_deref());
        path.unwrap_or(self.configured)
    }

    /// Whether the configuration has the name that people see.
    pub(crate) fn has_plain_name(&self) -> bool {
        let kind = self.configured.split_once(':').map(|(kind, _)| kind);
        !self.configured.starts_with('/') && !kind.is_some_and(|kind| KINDS.contains(&kind))
    }
}

impl Right {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let glob = |pattern: &str| match Glob::new(pattern) {
            Ok(glob) => Ok(glob.compile_matcher()),
            Err(error) => Err(format!("{text:?} is no console ({})", error.kind())),
        };
        let qualified = text.split_once(':').filter(|(vsphere, pattern)| {
            let is_name = !vsphere.is_empty() && !vsphere.contains(WILD);
            is_name && !KINDS.contains(vsphere) && !pattern.is_empty()
        });
        Ok(Self {
            text: text.to_owned(),
            anywhere: glob(text)?,
            qualified: match qualified {
                Some((vsphere, pattern)) => Some((vsphere.to_owned(), glob(pattern)?)),
                None => None,
            },
        })
    }

    /// Whether it means this console, by any of its names.
    pub(crate) fn fits(&self, console: Named<'_>) -> bool {
        let by_vsphere = self.qualified.as_ref().is_some_and(|(vsphere, pattern)| {
            console.vsphere == Some(vsphere) && fits(pattern, console)
        });
        by_vsphere || fits(&self.anywhere, console)
    }

    /// Whether it may mean a console by its inventory path.
    pub(crate) fn is_path(&self) -> bool {
        let pattern = self.qualified.as_ref().map(|(_, pattern)| pattern);
        is_path(&self.anywhere) || pattern.is_some_and(is_path)
    }

    /// Whether it may mean a console by one of its ids.
    pub(crate) fn is_id(&self) -> bool {
        let pattern = self.qualified.as_ref().map(|(_, pattern)| pattern);
        let text = pattern.unwrap_or(&self.anywhere).glob().glob();
        let kind = text.split_once(':').map(|(kind, _)| kind);
        kind.is_some_and(|kind| KINDS.contains(&kind))
    }

    /// Whether it names one VM, and not several by wildcards.
    pub(crate) fn is_plain(&self) -> bool {
        !self.text.contains(WILD)
    }

    /// Whether it means whatever there is.
    pub(crate) fn is_everything(&self) -> bool {
        self.text.chars().all(|letter| letter == '*')
    }
}

/// A wildcard in front reaches no path and no id that the configuration does not name: `m*` means names with an m, and
/// not every `moref:`.
fn fits(pattern: &GlobMatcher, console: Named<'_>) -> bool {
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
    let [uuid, instance_uuid, moref] = KINDS;
    pattern.is_match(&vm.name)
        || is_path(pattern) && vm.path.as_ref().is_some_and(|path| pattern.is_match(path))
        || by_id(uuid, vm.uuid.map(|uuid| uuid.to_string()))
        || by_id(instance_uuid, vm.instance_uuid.map(|uuid| uuid.to_string()))
        || by_id(moref, Some(vm.moref.clone()))
}

fn is_path(pattern: &GlobMatcher) -> bool {
    pattern.glob().glob().starts_with('/')
}

#[cfg(test)]
mod tests {
    use vsphere::{ConnectionState, Power};

    use super::*;

    #[test]
    fn a_pattern_means_a_vm_by_each_of_its_names_and_never_more() {
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
        let configured = Named {
            vsphere: Some("lab"),
            configured: "moref:vm-42",
            vm: None,
        };
        let looked_up = Named {
            vm: Some(&vm),
            ..configured
        };
        // Whether it fits before the VM is looked up, and after.
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
            let fits = (right.fits(configured), right.fits(looked_up));
            assert_eq!(fits, (before, after), "{pattern}");
        }
        let at_a_url = Named {
            vsphere: None,
            configured: "198.51.100.7:443/vm",
            vm: None,
        };
        for (pattern, fits) in [
            ("198.51.100.7:443/*", true),
            ("198.51.100.7:*", true),
            ("lab:*", false),
        ] {
            assert_eq!(
                Right::parse(pattern).unwrap().fits(at_a_url),
                fits,
                "{pattern}"
            );
        }
    }
}

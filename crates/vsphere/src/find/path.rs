//! Inventory paths: up the parents through folders, vApps and datacenters, all of them in one round trip.

use std::collections::{HashMap, HashSet};

use super::{Finder, Found};
use crate::{
    call::Failure,
    property::{self, Object, Source, Step, Wanted},
    soap::Reference,
    vm::unescape_name,
};

impl Finder<'_> {
    /// Fills in `path` and `host` of each; what the account may not see stays `None`.
    pub(super) async fn add_paths(&self, found: &mut [Found]) -> Result<(), Failure> {
        let parents = distinct(found.iter().filter_map(|found| found.parent.clone()));
        let hosts = distinct(found.iter().filter_map(|found| {
            let id = found.vm.host_moref.as_ref()?;
            Some(Reference::new("HostSystem", id))
        }));
        if parents.is_empty() && hosts.is_empty() {
            return Ok(());
        }
        let source = Source::Walk {
            from: &parents,
            steps: &UPWARDS,
            beside: &hosts,
        };
        let objects =
            property::retrieve(self.calls, self.open, source, &NAMED, self.patience).await?;
        let places = places(&objects);
        for found in found {
            found.vm.host = found
                .vm
                .host_moref
                .as_deref()
                .and_then(|id| host_name(&places, id));
            found.vm.path = path(&places, &self.open.service.root_folder, found);
        }
        Ok(())
    }
}

/// Whether two inventory paths lead to the same object: slashes at the ends and the case of escapes do not matter.
pub(super) fn same(a: &str, b: &str) -> bool {
    let names = |path: &str| -> Vec<String> {
        path.split('/')
            .filter(|name| !name.is_empty())
            .map(unescape_name)
            .collect()
    };
    names(a) == names(b)
}

/// An object on the way up.
struct Place {
    name: String,
    parent: Option<Reference>,
}

fn places(objects: &[Object]) -> HashMap<&str, Place> {
    let up = |object: &Object| {
        // A vApp's plain parent is a resource pool, which is on no VM's path.
        ["parentVApp", "parentFolder", "parent"]
            .iter()
            .find_map(|property| object.reference(property))
    };
    let place = |object: &Object| Place {
        name: object.text("name").unwrap_or_default().to_owned(),
        parent: up(object),
    };
    objects
        .iter()
        .map(|object| (object.reference.id.as_str(), place(object)))
        .collect()
}

fn host_name(places: &HashMap<&str, Place>, id: &str) -> Option<String> {
    let name = &places.get(id)?.name;
    (!name.is_empty()).then(|| unescape_name(name))
}

/// `None` where the chain does not reach the root: half a path would name something else.
fn path(places: &HashMap<&str, Place>, root: &Reference, found: &Found) -> Option<String> {
    let mut names = vec![found.raw_name.as_str()];
    let mut at = found.parent.as_ref()?;
    while at != root {
        if names.len() > MAX_LEVELS {
            return None;
        }
        let place = places.get(at.id.as_str())?;
        names.push(&place.name);
        at = place.parent.as_ref()?;
    }
    names.reverse();
    Some(format!("/{}", names.join("/")))
}

fn distinct(references: impl Iterator<Item = Reference>) -> Vec<Reference> {
    let mut seen = HashSet::new();
    references
        .filter(|reference| seen.insert(reference.clone()))
        .collect()
}

/// Whatever is on the way has a `parent`, but for vApps, whose way to their folder is another.
const UPWARDS: [Step; 3] = [
    Step {
        name: "up",
        from: "ManagedEntity",
        property: "parent",
    },
    Step {
        name: "outerVApp",
        from: "VirtualApp",
        property: "parentVApp",
    },
    Step {
        name: "vAppFolder",
        from: "VirtualApp",
        property: "parentFolder",
    },
];

const NAMED: [Wanted; 4] = [
    Wanted {
        kind: "Folder",
        properties: &["name", "parent"],
    },
    Wanted {
        kind: "Datacenter",
        properties: &["name", "parent"],
    },
    Wanted {
        kind: "VirtualApp",
        properties: &["name", "parentVApp", "parentFolder"],
    },
    Wanted {
        kind: "HostSystem",
        properties: &["name"],
    },
];

/// Ends a circle that a broken server might describe; people nest some ten.
const MAX_LEVELS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_path_may_be_written_in_several_ways() {
        assert!(same("/DC/vm/a%2Fb/c", "DC/vm/a%2fb/c/"));
        assert!(!same("/DC/vm/a/b/c", "/DC/vm/a%2fb/c"));
    }
}

//! The error for an unknown VM name, with suggestions.

use vsphere::{Vm, VmRef};

use super::CommandError;
use console::upstream::Upstream;

/// Maximum number of suggestions.
const OFFERED: usize = 3;

/// Minimum Jaro-Winkler similarity (0 to 1) of a suggestion.
const ALIKE: f64 = 0.75;

/// The error, with the most similar names of the vSpheres in `asked`.
pub(super) async fn no_such_vm(
    wanted: &VmRef,
    asked: impl Iterator<Item = &Upstream>,
) -> CommandError {
    let mut known = Vec::new();
    for upstream in asked {
        // Without a list there are no suggestions.
        known.extend(upstream.client().vms().await.unwrap_or_default());
    }
    let near = nearest(wanted, &known);
    let remedy = match near.split_last() {
        None => {
            "`mksgate vms` lists those that there are, as far as this account may see them".into()
        }
        Some((one, [])) => format!("did you mean {one}?"),
        Some((last, others)) => format!("did you mean {} or {last}?", others.join(", ")),
    };
    CommandError::Failed(format!("there is no VM {wanted}: {remedy}"))
}

/// Names similar to the wanted one, best first.
fn nearest(wanted: &VmRef, known: &[Vm]) -> Vec<String> {
    let (text, by_path) = match wanted {
        VmRef::Name(name) => (name, false),
        VmRef::Path(path) => (path, true),
        _ => return Vec::new(),
    };
    let called = |vm: &Vm| match by_path {
        true => vm.path.clone(),
        false => Some(vm.name.clone()),
    };
    let likeness = |name: &str| strsim::jaro_winkler(&name.to_lowercase(), &text.to_lowercase());
    let mut names: Vec<(f64, String)> = known
        .iter()
        .filter_map(called)
        .map(|name| (likeness(&name), name))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    names.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.cmp(other)));
    names.dedup_by(|(_, one), (_, other)| one == other);
    names
        .into_iter()
        .take(OFFERED)
        .map(|(_, name)| name)
        .collect()
}

//! The error for an unknown VM name, with suggestions.

use vsphere::{Vm, VmRef};

use super::CommandError;
use super::failure::Failure;
use super::unavailable::Unavailable;
use console::Blame;
use console::upstream::Upstream;

/// Maximum number of suggestions.
const MAX_SUGGESTIONS: usize = 3;

/// Minimum Jaro-Winkler similarity (0 to 1) of a suggestion.
const MIN_SIMILARITY: f64 = 0.75;

/// The error, with the most similar names of the vSpheres in `upstreams`. `not_asked` could not be asked.
pub(super) async fn no_such_vm(
    vm_ref: &VmRef,
    upstreams: impl Iterator<Item = &Upstream>,
    not_asked: &Unavailable,
) -> CommandError {
    let mut known = Vec::new();
    for upstream in upstreams {
        // Without a list there are no suggestions.
        known.extend(upstream.client().vms().await.unwrap_or_default());
    }
    let sentence = sentence(vm_ref, &known);
    let (code, message) = match not_asked.is_empty() {
        true => ("no-such-vm", sentence),
        // A vSphere that could not be asked may have it.
        false => (
            "vm-not-found",
            format!("{sentence} ({} could not be asked)", not_asked.names()),
        ),
    };
    CommandError::Failed(Failure {
        code,
        stage: Some("ticket".into()),
        blame: Some(Blame::Gateway),
        message,
        for_viewer: "there is no such VM: check its name",
    })
}

/// The sentence, with the names in `known` that are most similar.
pub(super) fn sentence(vm_ref: &VmRef, known: &[Vm]) -> String {
    let similar = similar_names(vm_ref, known);
    let remedy = match similar.split_last() {
        None => "`mksgate vms` lists the VMs that this account can see".into(),
        Some((one, [])) => format!("did you mean {one}?"),
        Some((last, others)) => format!("did you mean {} or {last}?", others.join(", ")),
    };
    format!("there is no VM {vm_ref}: {remedy}")
}

/// Names similar to that of `vm_ref`, most similar first.
fn similar_names(vm_ref: &VmRef, known: &[Vm]) -> Vec<String> {
    let (text, by_path) = match vm_ref {
        VmRef::Name(name) => (name, false),
        VmRef::Path(path) => (path, true),
        _ => return Vec::new(),
    };
    let name_of = |vm: &Vm| match by_path {
        true => vm.path.clone(),
        false => Some(vm.name.clone()),
    };
    let similarity = |name: &str| strsim::jaro_winkler(&name.to_lowercase(), &text.to_lowercase());
    let mut names: Vec<(f64, String)> = known
        .iter()
        .filter_map(name_of)
        .map(|name| (similarity(&name), name))
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .collect();
    names.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.cmp(other)));
    names.dedup_by(|(_, one), (_, other)| one == other);
    names
        .into_iter()
        .take(MAX_SUGGESTIONS)
        .map(|(_, name)| name)
        .collect()
}

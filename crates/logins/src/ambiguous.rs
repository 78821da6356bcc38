//! Patterns of a users file that match more than they seem to: warnings.

use super::rights::{ConsoleNames, Right};
use super::users::Users;

/// A sentence for each pattern that matches consoles of two vSpheres, or two VMs of one name.
pub fn ambiguous(users: &Users, consoles: &[ConsoleNames<'_>]) -> Vec<String> {
    users
        .rights()
        .filter_map(|(_, user, right)| sentence(user, right, consoles))
        .collect()
}

fn sentence(user: &str, right: &Right, consoles: &[ConsoleNames<'_>]) -> Option<String> {
    let pattern = &right.text;
    let matching: Vec<&ConsoleNames<'_>> = consoles
        .iter()
        .filter(|console| right.matches(**console))
        .collect();
    let first = matching.first()?;
    let elsewhere = matching.iter().find(|other| other.vsphere != first.vsphere);
    if let Some(other) = elsewhere.filter(|_| !right.matches_all()) {
        let [one, other] = [first, *other].map(|console| console.vsphere.unwrap_or("a URL"));
        let example = matching
            .iter()
            .find_map(|console| console.vsphere)
            .unwrap_or_default();
        return Some(format!(
            "{pattern:?} of the user {user} matches consoles of {one} and of {other}: write \"{example}:{pattern}\" to restrict it"
        ));
    }
    let another = matching.iter().find(|other| other.is_other_vm(first));
    another.filter(|_| right.is_literal()).map(|other| {
        let [one, other] = [first, *other].map(|console| console.path_or_name());
        format!("{pattern:?} of the user {user} matches two VMs, {one} and {other}: write the inventory path of one")
    })
}

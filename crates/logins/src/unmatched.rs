//! Patterns of a users file that match no console. They are errors: with a misspelt `view-only` the user could type.

#[cfg(test)]
mod tests;

use super::rights::{ConsoleNames, Right, WILDCARDS};
use super::users::{Users, VIEW_ONLY};

/// Minimum Jaro-Winkler similarity to `view-only` of a word that is taken for it.
const LIKE_VIEW_ONLY: f64 = 0.85;

/// What other programs call view-only, without punctuation.
const OTHER_WORDS: [&str; 4] = ["readonly", "lookonly", "view", "ro"];

/// Minimum Jaro-Winkler similarity of a console that is suggested.
const ALIKE: f64 = 0.7;

/// The most consoles that are listed where none is similar.
const LISTED: usize = 3;

/// A sentence, with the number of the line, for each pattern that matches none of `consoles`.
///
/// A pattern is left out while a console has not been looked up that it may still match.
pub fn unmatched(users: &Users, consoles: &[ConsoleNames<'_>]) -> Vec<String> {
    let mut sentences: Vec<(usize, String)> = users
        .rights()
        .filter(|(_, _, right)| !consoles.iter().any(|console| right.matches(*console)))
        .filter_map(|(line, user, right)| Some((line, sentence(line, user, right, consoles)?)))
        .collect();
    sentences.sort_by_key(|(line, _)| *line);
    sentences
        .into_iter()
        .map(|(_, sentence)| sentence)
        .collect()
}

fn sentence(
    line: usize,
    user: &str,
    right: &Right,
    consoles: &[ConsoleNames<'_>],
) -> Option<String> {
    let pattern = &right.text;
    if is_like_view_only(pattern) {
        return Some(format!(
            "line {line}: unknown word {pattern:?} of the user {user}: did you mean {VIEW_ONLY}?"
        ));
    }
    if may_match_later(right, consoles) {
        return None;
    }
    let remedy = match nearest(right, consoles) {
        Some(name) => format!("did you mean {name:?}?"),
        None => format!("there are {}", listed(consoles)),
    };
    Some(format!(
        "line {line}: {pattern:?} of the user {user} matches no console: {remedy}"
    ))
}

fn is_like_view_only(word: &str) -> bool {
    let plain = |word: &str| -> String {
        let letters = word.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let is_one_word = word
        .chars()
        .all(|c| c.is_alphanumeric() || "-_ .".contains(c));
    let plain_word = plain(word);
    is_one_word
        && (OTHER_WORDS.contains(&plain_word.as_str())
            || strsim::jaro_winkler(&plain_word, &plain(VIEW_ONLY)) > LIKE_VIEW_ONLY)
}

/// A path or an id may match a console that is configured by another name, and a name one that is configured by an id: that is
/// known when the VM is looked up.
fn may_match_later(right: &Right, consoles: &[ConsoleNames<'_>]) -> bool {
    let by_name = !right.is_path() && !right.is_id();
    let mut of_its_vsphere = consoles
        .iter()
        .filter(|console| right.vsphere().is_none() || right.vsphere() == console.vsphere);
    of_its_vsphere.any(|console| {
        let is_known = console.vm.is_some() || console.vsphere.is_none();
        !(is_known || by_name && console.has_display_name())
    })
}

/// The console whose name is most similar, written as the pattern is: with its vSphere or without.
fn nearest(right: &Right, consoles: &[ConsoleNames<'_>]) -> Option<String> {
    let plain = |text: &str| text.replace(WILDCARDS, "").to_lowercase();
    let wanted = plain(&right.text);
    let names = consoles.iter().flat_map(|console| {
        let vm = console.vm;
        let bare = [
            Some(console.configured),
            vm.map(|vm| vm.name),
            vm.and_then(|vm| vm.path),
        ];
        bare.into_iter()
            .flatten()
            .map(move |name| match (right.vsphere(), console.vsphere) {
                (Some(_), Some(vsphere)) => format!("{vsphere}:{name}"),
                _ => name.to_owned(),
            })
    });
    names
        .map(|name| (strsim::jaro_winkler(&plain(&name), &wanted), name))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|(a, one), (b, other)| a.total_cmp(b).then_with(|| other.cmp(one)))
        .map(|(_, name)| name)
}

fn listed(consoles: &[ConsoleNames<'_>]) -> String {
    let mut names: Vec<&str> = consoles.iter().map(|console| console.configured).collect();
    names.sort_unstable();
    names.dedup();
    match names.get(LISTED..) {
        None | Some([]) => names.join(", "),
        Some(rest) => format!(
            "{} and {} more",
            names.get(..LISTED).unwrap_or_default().join(", "),
            rest.len()
        ),
    }
}

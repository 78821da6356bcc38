//! Names and paths in the inventory, as the API escapes them.

/// Undoes the API's escapes in an entity's name: `%2f` is a slash, `%5c` a backslash, `%25` a percent sign (vim25,
/// `ManagedEntity.name`). Any other percent sign stands for itself.
pub(crate) fn unescape_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let escape = after.get(..2).unwrap_or_default();
        let (character, skip) = match escape {
            "2f" | "2F" => ('/', 2),
            "5c" | "5C" => ('\\', 2),
            "25" => ('%', 2),
            _ => ('%', 0),
        };
        out.push(character);
        rest = after.get(skip..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Whether two inventory paths lead to the same object: slashes at the ends and the case of escapes do not matter.
pub(crate) fn is_same_path(a: &str, b: &str) -> bool {
    canonical_path(a) == canonical_path(b)
}

/// The one form of all paths that lead to the same object.
pub fn canonical_path(path: &str) -> String {
    let names = path.split('/').filter(|name| !name.is_empty());
    let escaped = names.map(|name| unescape_name(name).replace('%', "%25").replace('/', "%2f"));
    escaped.flat_map(|name| ["/".to_owned(), name]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_apis_escapes_are_decoded() {
        for (api, shown) in [
            ("plain", "plain"),
            ("a%2fb%2Fc", "a/b/c"),
            ("a%5cb", "a\\b"),
            ("100%25", "100%"),
            ("%252f", "%2f"),
            ("50% off%", "50% off%"),
            ("%ü", "%ü"),
        ] {
            assert_eq!(unescape_name(api), shown, "{api:?}");
        }
    }

    #[test]
    fn paths_are_compared_without_escapes_and_outer_slashes() {
        assert!(is_same_path("/DC/vm/a%2Fb/c", "DC/vm/a%2fb/c/"));
        assert!(!is_same_path("/DC/vm/a/b/c", "/DC/vm/a%2fb/c"));
        assert_eq!(canonical_path("DC//vm/a%2Fb/100%/"), "/DC/vm/a%2fb/100%25");
    }
}

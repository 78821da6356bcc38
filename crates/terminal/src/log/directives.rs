//! The directives of `MKSGATE_LOG`.

/// The crates that a directive for `mksgate` applies to.
const CRATES: [&str; 6] = [
    "mksgate", "config", "gateway", "console", "dialect", "vsphere",
];

/// Repeats each directive for `mksgate` for all of [`CRATES`].
pub(super) fn directives(given: &str) -> String {
    let expanded = given.split(',').flat_map(|directive| {
        let (target, level) = match directive.split_once('=') {
            Some((target, level)) => (target, format!("={level}")),
            None => (directive, String::new()),
        };
        match target.trim() {
            "mksgate" => CRATES.map(|name| format!("{name}{level}")).to_vec(),
            _ => vec![directive.to_owned()],
        }
    });
    expanded.collect::<Vec<String>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mksgate_directive_applies_to_all_crates() {
        assert_eq!(directives("info"), "info");
        assert_eq!(
            directives("hyper=warn,mksgate=debug"),
            "hyper=warn,mksgate=debug,config=debug,gateway=debug,console=debug,dialect=debug,vsphere=debug"
        );
    }
}

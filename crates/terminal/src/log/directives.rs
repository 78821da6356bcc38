//! The directives of `MKSGATE_LOG`.

/// The crates that a directive for `mksgate` applies to.
const CRATES: [&str; 11] = [
    "mksgate",
    "config",
    "gateway",
    "logins",
    "reconnect",
    "web",
    "web_socket",
    "console",
    "dialect",
    "vsphere",
    "terminal",
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
            "hyper=warn,mksgate=debug,config=debug,gateway=debug,logins=debug,reconnect=debug,web=debug,web_socket=debug,console=debug,dialect=debug,\
             vsphere=debug,terminal=debug"
        );
    }

    #[test]
    fn every_crate_that_logs_is_listed() {
        let crates = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        // These are not part of the program, or log in the name of another host.
        let others = ["esxi-sim", "message-check", "relay-peers"];
        let mut seen = 0;
        for folder in std::fs::read_dir(crates).unwrap() {
            let folder = folder.unwrap();
            let name = folder.file_name().into_string().unwrap();
            let target = name.replace('-', "_");
            let manifest = std::fs::read_to_string(folder.path().join("Cargo.toml")).unwrap();
            let dependencies = manifest.split("[dev-dependencies]").next().unwrap();
            let logs = dependencies.contains("\ntracing.workspace");
            if logs && !others.contains(&name.as_str()) {
                assert!(CRATES.contains(&target.as_str()), "{name}");
                seen += 1;
            }
        }
        assert_eq!(seen, CRATES.len());
    }
}

//! Patterns in a users file that match no console, and how all mistakes of a file are listed.

use super::*;
use config::ConfigErrors;

/// An `[auth.staff]` with a users file, and a console for it.
const STAFF: &str = "[auth.staff]\nmethods = [\"x509-plain\"]\nusers_file = \"secrets/staff\"\n\
     certificate = \"secrets/one.pem\"\nprivate_key = \"secrets/one.key\"\n";

/// The errors of a configuration whose users file has these lines. Paths are relative to the folder.
fn errors(users: &str, text: &str) -> Vec<String> {
    let folder = folder();
    secret(&folder.path().join("secrets/staff"), users.as_bytes());
    let path = folder.path().join("gateway.toml");
    std::fs::write(&path, format!("{LAB}{text}")).unwrap();
    let errors: Option<ConfigErrors> = config::load_listing_errors(&path).err();
    let errors = errors.iter().flat_map(ConfigErrors::iter);
    let errors: Vec<String> = errors.map(ToString::to_string).collect();
    // `serve` prints the first.
    let first = config::load(&path).err().map(|error| error.to_string());
    assert_eq!(first.as_ref(), errors.first());
    let root = format!("{}/", folder.path().display());
    errors
        .iter()
        .map(|error| error.replace(&root, ""))
        .collect()
}

#[test]
fn unknown_word_in_a_users_file_is_an_error() {
    let console = format!("{STAFF}{CONSOLE}auth = \"staff\"\n");
    assert_eq!(
        errors(&format!("{ADA}:vm08,viewonly\n"), &console),
        [
            "gateway.toml:8:14: secrets/staff: line 1: unknown word \"viewonly\" of the user ada: did you mean view-only?"
        ]
    );
    assert!(errors(&format!("{ADA}:vm08,view-only\n"), &console).is_empty());
}

#[test]
fn pattern_that_matches_no_console_is_an_error_and_all_of_them_are_listed() {
    let bob = ADA.replace("ada:", "bob:");
    let users = format!("{ADA}:vm09,lab:vm08\n# looks\n{bob}:lba:vm08,view-only\n");
    let at = "gateway.toml:8:14: secrets/staff:";
    // Also where no console uses it yet.
    for auth in ["auth = \"staff\"\n", ""] {
        assert_eq!(
            errors(&users, &format!("{STAFF}{CONSOLE}{auth}")),
            [
                format!(
                    "{at} line 1: \"vm09\" of the user ada matches no console: did you mean \"vm08\"?"
                ),
                format!(
                    "{at} line 3: \"lba:vm08\" of the user bob matches no console: did you mean \"lab:vm08\"?"
                ),
            ]
        );
    }
}

#[test]
fn pattern_that_a_lookup_may_still_match_is_no_error() {
    let users = format!("{ADA}:/DC/vm/*,web*\n");
    let console = CONSOLE.replace("\"vm08\"", "\"moref:vm-42\"");
    assert!(errors(&users, &format!("{STAFF}{console}auth = \"staff\"\n")).is_empty());
}

#[test]
fn mistakes_of_all_tables_are_listed_and_patterns_are_checked_only_if_all_consoles_are_valid() {
    let text = format!(
        "[gateway]\nmax_sessions = 0\n{}[auth.ops]\nmethods = [\"vnc\"]\n\
         {CONSOLE}auth = \"staff\"\n\
         [[console]]\nport = 5902\nvsphere = \"lba\"\nvm = \"vm09\"\nauth = \"ops\"\n\
         [[console]]\nport = 0\nvsphere = \"lab\"\nvm = \"vm10\"\n",
        STAFF.replace("one.pem", "no.pem")
    );
    let errors = errors(&format!("{ADA}:vm09,vm10\nbob\n"), &text);
    let parts = [
        "gateway.toml:7:16: max_sessions = 0",
        "gateway.toml:10:14: secrets/staff: line 2: expected NAME:HASH",
        "gateway.toml:11:15: secrets/no.pem: it does not exist",
        "gateway.toml:14:12: unknown method \"vnc\"",
        "no [vsphere.lba] section",
        "viewers cannot connect to port 0",
    ];
    assert_eq!(errors.len(), parts.len(), "{errors:#?}");
    for (error, part) in errors.iter().zip(parts) {
        assert!(error.contains(part), "{part} in {errors:#?}");
    }
}

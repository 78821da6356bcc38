//! Parsing, verification, rights and warnings.

use std::cell::Cell;
use std::collections::BTreeSet;

use argon2::Params;

use super::*;

/// Parameters that are fast to compute.
pub(crate) fn line(name: &str, password: &str, rights: &str) -> String {
    line_of_passes(1, name, password, rights)
}

fn line_of_passes(passes: u32, name: &str, password: &str, rights: &str) -> String {
    let params = Params::new(8, passes, 1, None).unwrap();
    let hash = hashing::hash_with(params, password.as_bytes()).unwrap();
    format!("{name}:{hash}{rights}\n")
}

pub(crate) fn at_lab(configured: &str) -> ConsoleNames<'_> {
    ConsoleNames {
        vsphere: Some("lab"),
        configured,
        vm: None,
    }
}

async fn logs_in(users: &Users, name: &str, password: &str) -> Option<User> {
    users.verify(name, &Password::new(password)).await
}

#[tokio::test]
async fn name_and_password_must_both_be_right() {
    let text = format!(
        "# people\r\n\n{}{}",
        line("ada", "lovelace", ""),
        line("bob", "", "")
    );
    let users = Users::parse(&text).unwrap();
    let ada = logs_in(&users, "ada", "lovelace").await.unwrap();
    assert_eq!(ada.name, "ada");
    for (name, password) in [
        ("ada", "Lovelace"),
        ("ada", ""),
        ("Ada", "lovelace"),
        ("bob", "lovelace"),
        ("eve", "lovelace"),
        ("eve", ""),
        ("", ""),
        ("# people", ""),
    ] {
        let user = logs_in(&users, name, password).await;
        assert!(user.is_none(), "{name} {password}");
    }
}

#[tokio::test]
async fn every_login_computes_one_hash() {
    let users = Users::parse(&(line("ada", "x", "") + &line("bob", "y", ""))).unwrap();
    let hashed = Cell::new(0);
    for (name, password, may) in [
        ("ada", "x", true),
        ("ada", "y", false),
        ("eve", "x", false),
        ("", "", false),
    ] {
        let before = hashed.get();
        let counted = async |stored, password| {
            let right = hashing::matches(stored, password).await;
            hashed.set(hashed.get() + 1);
            right
        };
        let password = Password::new(password);
        let user = users.verify_by(name, &password, counted).await;
        assert_eq!(user.is_some(), may, "{name}");
        assert_eq!(hashed.get(), before + 1, "{name}");
    }
}

#[tokio::test]
async fn the_decoys_password_does_not_let_an_unknown_name_in() {
    let users = Users::parse(&line("ada", "x", "")).unwrap();
    for name in ["eve", "Ada", "ad", "adaa", ""] {
        assert!(logs_in(&users, name, "x").await.is_none(), "{name}");
    }
}

#[tokio::test]
async fn an_unknown_name_always_gets_the_same_decoy_and_any_user_may_be_one() {
    let text: String = (1..=8)
        .map(|passes| line_of_passes(passes, &format!("user{passes}"), "x", ""))
        .collect();
    let users = Users::parse(&text).unwrap();
    let of_users: Vec<_> = users
        .records
        .iter()
        .map(|record| Arc::clone(&record.hash))
        .collect();
    let cost_of = async |name: &str| {
        let cost = Cell::new(None);
        let see = async |stored: Arc<StoredHash>, _| {
            cost.set(of_users.iter().position(|hash| Arc::ptr_eq(hash, &stored)));
            true
        };
        let user = users.verify_by(name, &Password::new("x"), see).await;
        assert!(user.is_none(), "{name}");
        cost.get().unwrap()
    };
    let mut seen = BTreeSet::new();
    for name in (0..256).map(|number| format!("nobody{number}")) {
        let cost = cost_of(&name).await;
        assert_eq!(cost_of(&name).await, cost, "{name}");
        seen.insert(cost);
    }
    // The probability that one of eight is never chosen in 256 draws is below 10^-14.
    assert_eq!(seen.len(), 8);
}

#[tokio::test]
async fn rights_are_names_globs_and_a_word() {
    let text = line("ada", "x", ":web*, db01 ,view-only,/Lab/vm/[ab]/*,uuid:4*")
        + &line("bob", "x", ":")
        + &line("eve", "x", ":view-only")
        + &line("sam", "x", ": , ");
    let users = Users::parse(&text).unwrap();
    let ada = logs_in(&users, "ada", "x").await.unwrap();
    assert!(ada.view_only);
    for (console, may) in [
        ("web01", true),
        ("web", true),
        ("db01", true),
        ("/Lab/vm/a/x", true),
        ("uuid:42", true),
        ("db012", false),
        ("DB01", false),
        ("myweb", false),
        ("view-only", false),
        ("/Lab/vm/c/x", false),
        ("", false),
    ] {
        assert_eq!(ada.may_open(at_lab(console)), may, "{console}");
    }
    for (name, view_only) in [("bob", false), ("eve", true), ("sam", false)] {
        let user = logs_in(&users, name, "x").await.unwrap();
        assert_eq!(user.view_only, view_only, "{name}");
        assert!(user.may_open(at_lab("anything")), "{name}");
    }
}

#[test]
fn errors_have_the_line_number_and_repeat_no_hash() {
    let good = line("ada", "x", "");
    let greedy = good.replace("m=8", "m=4000000").replace("ada", "bob");
    let long = "b".repeat(MAX_CREDENTIAL + 1);
    for (bad, words) in [
        ("bob\n", "line 2: expected NAME:HASH"),
        (":x\n", "line 2: a user name has 1 to 255 bytes"),
        (&line(&long, "x", ""), "line 2: a user name has"),
        (&line("bob ", "x", ""), "line 2: a user name has"),
        (&line("b\tob", "x", ""), "line 2: a user name has"),
        ("bob:plain\n", "line 2: the second field is not an argon2id"),
        (&greedy, "line 2: the hash requires more"),
        (&good, "line 2: duplicate user ada"),
        (
            &line("bob", "x", ":we[b"),
            "line 2: \"we[b\" is not a valid pattern",
        ),
        ("\n#\nbob\n", "line 4: expected NAME:HASH"),
        (
            &line("bob", "x", &line("eve", "x", "")),
            "line 2: two hashes in one line (is a line break missing?): ",
        ),
        (
            &line("bob", "x", &format!(":web*{}", line("eve", "x", ""))),
            "line 2: two hashes in one line (is a line break missing?): ",
        ),
    ] {
        let [error] = Users::parse(&format!("{good}{bad}"))
            .unwrap_err()
            .try_into()
            .unwrap();
        let error: String = error;
        assert!(error.starts_with(words), "{bad} gives {error}");
        assert!(!error.contains('$') && !error.contains('\n'), "{error}");
    }
    for nobody in ["", "# nobody\n", "\n\n"] {
        let error = Users::parse(nobody).unwrap_err().concat();
        assert!(error.starts_with("the file contains no user"), "{error}");
    }
}

#[test]
fn all_wrong_lines_are_named() {
    let text = format!("bob\n{}eve:plain\n", line("ada", "x", ""));
    let errors = Users::parse(&text).unwrap_err();
    let begins: Vec<&str> = errors.iter().map(|error| &error[..6]).collect();
    assert_eq!(begins, ["line 1", "line 3"]);
}

#[test]
fn debug_output_contains_no_hash() {
    let users = Users::parse(&line("ada", "x", "")).unwrap();
    assert_eq!(format!("{users:?}"), "{\"ada\"}");
}

//! Sentences in the sources of all crates, the sample configuration, and the documentation.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use message_check::{MAX_LINE, unidiomatic};

/// The simulator and the relays that are measured against have no messages for operators.
const WITHOUT_MESSAGES: [&str; 3] = ["esxi-sim", "relay-peers", "message-check"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files below `folder`, in `found`, with this extension.
fn find(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path
            .file_stem()
            .is_some_and(|name| name == "tests" || name == "error_texts");
        if path.is_dir() && !is_test {
            find(&path, extension, found);
        } else if path.extension().is_some_and(|of_file| of_file == extension) && !is_test {
            found.push(path);
        }
    }
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let entry = entry.unwrap();
        let has_messages = WITHOUT_MESSAGES
            .iter()
            .all(|name| entry.file_name() != *name);
        if has_messages && entry.path().join("src").is_dir() {
            find(&entry.path().join("src"), "rs", &mut found);
        }
    }
    assert!(found.len() > 100, "{} sources", found.len());
    found
}

/// The string literals of a source, without those of its tests.
fn literals(source: &str) -> Vec<String> {
    let shipped = source.split("#[cfg(test)]\nmod ").next().unwrap();
    let code: Vec<&str> = shipped
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let code = code.join("\n").replace("'\"'", "");
    let mut literals = Vec::new();
    let mut rest = code.chars().peekable();
    while rest.by_ref().any(|c| c == '"') {
        let mut literal = String::new();
        while let Some(c) = rest.next().filter(|c| *c != '"') {
            match (c, rest.peek()) {
                ('\\', Some('\n')) => while rest.next_if(|c| c.is_whitespace()).is_some() {},
                ('\\', Some('n')) => {
                    rest.next();
                    literal.push('\n');
                }
                ('\\', Some(_)) => literal.extend(rest.next()),
                _ => literal.push(c),
            }
        }
        literals.push(literal);
    }
    literals
}

#[test]
fn literals_are_found() {
    let source = "// \"no\"\nlet a = \"one \\\n   two\";\nf('\"', \"a\\\"b\\nc\");\n#[cfg(test)]\nmod tests { \"no\" }";
    assert_eq!(literals(source), ["one two", "a\"b\nc"]);
}

#[test]
fn sentences_in_sources_are_short_and_idiomatic() {
    let mut wrong = Vec::new();
    for path in sources() {
        for literal in literals(&fs::read_to_string(&path).unwrap()) {
            let long = literal.lines().any(|line| line.chars().count() > MAX_LINE);
            if long || unidiomatic(&literal).is_some() {
                wrong.push(format!("{}: {literal}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn documentation_is_idiomatic() {
    let mut pages = vec![root().join("README.md"), root().join("gateway.toml")];
    find(&root().join("docs"), "md", &mut pages);
    find(&root().join("crates/mksgate/src"), "txt", &mut pages);
    let mut wrong = Vec::new();
    for path in pages {
        for line in fs::read_to_string(&path).unwrap().lines() {
            if let Some(phrase) = unidiomatic(line) {
                wrong.push(format!("{}: {phrase:?} in: {line}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

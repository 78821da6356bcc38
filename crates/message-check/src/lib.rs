//! For tests of error texts: an example of every variant, and what no text may have in it.

/// The most characters in a line.
pub const MAX_LINE: usize = 200;

/// What belongs into logs, documentation or a debugger: links, paths of Rust types, `Debug` forms.
const FORBIDDEN: [&str; 8] = [
    "http://", "https://", "::", "{", "}", "\\\"", "None", "docs.rs",
];

/// Phrases that are no idiomatic English.
const UNIDIOMATIC: [&str; 15] = [
    " is no ",
    " are no ",
    "cannot stand",
    "cannot be had",
    "can be had",
    "whom",
    "what is told",
    "so that nobody",
    " is none",
    " be none",
    "again and again",
    " names no ",
    "names nothing",
    "stands for no ",
    " broke the ",
];

/// A vector with an example of each variant of an enum, for a test that goes through all of them:
/// `every_variant!(Error { Error::Closed => Error::Closed, … })`. A new variant does not compile until it is listed.
#[macro_export]
macro_rules! every_variant {
    ($error:ty { $($variant:pat => $example:expr),+ $(,)? }) => {{
        let _every_variant_is_listed = |error: &$error| match error { $($variant => (),)+ };
        let examples: ::std::vec::Vec<$error> = ::std::vec![$($example),+];
        let mut rest = examples.iter();
        $(assert!(
            matches!(rest.next(), Some($variant)),
            "the example of {} is another variant",
            stringify!($variant)
        );)+
        examples
    }};
}

/// A phrase in the text that is not idiomatic English.
pub fn unidiomatic(text: &str) -> Option<&'static str> {
    let mut prose = text.to_owned();
    for idiom in [
        "here is no ",
        "here are no ",
        " is no longer",
        "here is none",
    ] {
        prose = prose.replace(idiom, "");
    }
    UNIDIOMATIC
        .into_iter()
        .find(|phrase| prose.contains(phrase))
}

/// Asserts that an operator can read the text: no link, no `Debug` form, no line of more than 200 characters.
///
/// # Panics
/// It has one of these.
#[track_caller]
pub fn assert_readable(text: &str) {
    assert!(!text.trim().is_empty(), "an empty text");
    for mark in FORBIDDEN {
        assert!(!text.contains(mark), "{mark:?} in: {text}");
    }
    assert_eq!(unidiomatic(text), None, "in: {text}");
    // As in `DnsName("esxi")`.
    let pairs = text.chars().zip(text.chars().skip(1));
    for (before, after) in pairs {
        assert!(
            !(before.is_alphanumeric() && after == '('),
            "a Debug form in: {text}"
        );
    }
    for line in text.lines() {
        let length = line.chars().count();
        assert!(length <= MAX_LINE, "{length} characters in: {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    enum Error {
        Closed,
        Status(u16),
    }

    #[test]
    fn every_variant_has_an_example() {
        let examples = every_variant!(Error {
            Error::Closed => Error::Closed,
            Error::Status(_) => Error::Status(404),
        });
        assert!(matches!(examples[..], [Error::Closed, Error::Status(404)]));
    }

    #[test]
    #[should_panic(expected = "the example of Error::Closed is another variant")]
    fn an_example_of_another_variant_is_refused() {
        let _ = every_variant!(Error {
            Error::Closed => Error::Status(1),
            Error::Status(_) => Error::Status(404),
        });
    }

    #[test]
    fn readable_texts_pass() {
        assert_readable("esxi01 has no console for this VM (HTTP 503): see the VM's log");
        assert_readable("there is no VM web10: did you mean web01?");
        assert_readable(&"x".repeat(MAX_LINE));
    }

    #[test]
    fn unreadable_texts_are_refused() {
        for text in [
            "",
            "see https://docs.example",
            "it is for DnsName(\"esxi\")",
            "Os { code: 2 }",
            "rustls::Error",
            "expected \\\"x\\\"",
            "this is no port",
            &"x".repeat(MAX_LINE + 1),
        ] {
            let checked = std::panic::catch_unwind(|| assert_readable(text));
            assert!(checked.is_err(), "{text}");
        }
    }
}

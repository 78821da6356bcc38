//! Plain words for the XML reader's errors, whose own texts quote the document.

use quick_xml::Error;
use quick_xml::errors::{IllFormedError, SyntaxError};
use quick_xml::escape::EscapeError;
use quick_xml::events::attributes::AttrError;

/// A character reference of no character (`&#xD800;`), or none at all (`&#x;`).
pub(super) const REFERENCE: &str = "it has an invalid character reference";

/// What is wrong with the document.
pub(super) fn reason(error: &Error) -> &'static str {
    match error {
        Error::Syntax(SyntaxError::InvalidBangMarkup) => "it has invalid markup after \"<!\"",
        Error::Syntax(_) => "it ends inside markup",
        Error::IllFormed(error) => ill_formed(error),
        Error::InvalidAttr(error) => attribute(error),
        Error::Escape(EscapeError::InvalidCharRef(_)) => REFERENCE,
        Error::Escape(_) => "it has a reference that is not complete",
        Error::Encoding(_) => "its text is in another encoding than it says",
        Error::Namespace(_) => "it misuses a namespace prefix",
        Error::Io(_) => "it cannot be read",
    }
}

fn ill_formed(error: &IllFormedError) -> &'static str {
    match error {
        IllFormedError::MissingDeclVersion(_) | IllFormedError::UnknownVersion => {
            "its XML declaration has an unknown version"
        }
        IllFormedError::MissingEndTag(_)
        | IllFormedError::UnmatchedEndTag(_)
        | IllFormedError::MismatchedEndTag { .. } => "a start tag and an end tag do not match",
        IllFormedError::UnclosedReference => "it has a reference that is not complete",
        IllFormedError::MissingDoctypeName | IllFormedError::DoubleHyphenInComment => {
            "a declaration or a comment in it is malformed"
        }
    }
}

/// What is wrong with an attribute.
pub(super) fn attribute(error: &AttrError) -> &'static str {
    match error {
        AttrError::Duplicated(..) => "an element has the same attribute twice",
        _ => "an attribute has no quoted value",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{XmlError, parse};

    #[test]
    fn syntax_errors_are_in_plain_words() {
        for (document, expected) in [
            ("<a", "it ends inside markup"),
            ("<a><![CDATA[x", "it ends inside markup"),
            ("<a><b></a></b>", "a start tag and an end tag do not match"),
            ("</a>", "a start tag and an end tag do not match"),
            (
                "<a b='1' b='2'/>",
                "an element has the same attribute twice",
            ),
            ("<a b=c/>", "an attribute has no quoted value"),
            ("<a b/>", "an attribute has no quoted value"),
            ("<a>&#xD800;</a>", REFERENCE),
            ("<a>&#x;</a>", REFERENCE),
            ("<a>&lt</a>", "it has a reference that is not complete"),
            ("<!a><b/>", "it has invalid markup after \"<!\""),
            ("<a/><b/>", "it has more than one root element"),
        ] {
            let refused = parse(document.as_bytes()).unwrap_err();
            assert_eq!(refused, XmlError::Syntax(expected), "{document}");
        }
    }
}

//! What a key does to the typed text.

/// What a pressed key does to the text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TextEdit {
    Append(String),
    Backspace,
}

//! Edits of the typed text.

/// The effect of a key on the typed text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TextEdit {
    Append(String),
    Backspace,
}

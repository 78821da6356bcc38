//! Places in a text.

/// Line and column of a byte, from 1; columns count characters.
pub(crate) fn position(text: &str, byte: usize) -> (usize, usize) {
    let preceding = text.get(..byte).unwrap_or(text);
    let line_start = preceding.rfind('\n').map_or(0, |newline| newline + 1);
    let column = preceding
        .get(line_start..)
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (preceding.matches('\n').count() + 1, column)
}

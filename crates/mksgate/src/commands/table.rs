//! Aligned columns.

use std::fmt::Write;

/// Rows under a heading, each column as wide as its widest cell; nothing after the last cell of a row.
pub(super) fn aligned(heading: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = heading.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let heading: Vec<String> = heading.iter().map(|&cell| cell.to_owned()).collect();
    let mut table = String::new();
    for row in std::iter::once(&heading).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a String cannot fail.
            let _ = write!(line, "{cell:width$}  ");
        }
        table.push_str(line.trim_end());
        table.push('\n');
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            vec!["vm08".into(), "on".into()],
            vec!["längster".into(), String::new()],
        ];
        assert_eq!(
            aligned(&["NAME", "POWER"], &rows),
            "NAME      POWER\nvm08      on\nlängster\n"
        );
    }
}

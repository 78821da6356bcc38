//! Aligned columns that fit the terminal.

use term::{measure_text_width, truncate_str};

use console::printable::printable;

/// Spaces between columns.
const GAP: usize = 2;

/// Minimum column width.
const MIN_WIDTH: usize = 6;

/// Rows under a heading.
pub struct Table<'a> {
    heading: Vec<&'a str>,
    rows: Vec<Vec<String>>,
}

impl<'a> Table<'a> {
    /// Control characters are removed from cells.
    pub fn new(heading: &[&'a str], rows: &[Vec<String>]) -> Self {
        Self {
            heading: heading.to_vec(),
            rows: rows
                .iter()
                .map(|row| row.iter().map(|cell| printable(cell)).collect())
                .collect(),
        }
    }

    /// Drops these columns, last first, while the table is wider than `width`.
    #[must_use]
    pub fn without_if_wider(mut self, width: Option<usize>, columns: &[&str]) -> Self {
        for column in columns.iter().rev() {
            let is_wider = width.is_some_and(|width| total(&self.widths()) > width);
            if !is_wider {
                break;
            }
            self.remove(column);
        }
        self
    }

    /// Leaves out the column of this heading.
    #[must_use]
    pub fn without(mut self, column: &str) -> Self {
        self.remove(column);
        self
    }

    fn remove(&mut self, column: &str) {
        let Some(at) = self.heading.iter().position(|name| *name == column) else {
            return;
        };
        self.heading.remove(at);
        for row in &mut self.rows {
            if at < row.len() {
                row.remove(at);
            }
        }
    }

    /// Formats the table. If it is wider than `width`, the widest columns are truncated. Lines have no trailing spaces.
    pub fn aligned(&self, width: Option<usize>) -> String {
        let mut widths = self.widths();
        while width.is_some_and(|width| total(&widths) > width) {
            match widths.iter_mut().max() {
                Some(widest) if *widest > MIN_WIDTH => *widest -= 1,
                _ => break,
            }
        }
        let heading = self.heading.iter().map(|&cell| cell.to_owned()).collect();
        let mut text = String::new();
        for row in std::iter::once(&heading).chain(&self.rows) {
            let mut line = String::new();
            for (cell, &width) in row.iter().zip(&widths) {
                let cell = truncate_str(cell, width, "…");
                line.push_str(&cell);
                let padding = width - measure_text_width(&cell) + GAP;
                line.extend(std::iter::repeat_n(' ', padding));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let heading = self.heading.iter().map(|cell| measure_text_width(cell));
        let mut widths: Vec<usize> = heading.collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = measure_text_width(cell).max(*width);
            }
        }
        widths
    }
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        vec![
            vec!["vm08".into(), "on".into(), "0123456789".into()],
            vec!["längster".into(), String::new(), "x".into()],
        ]
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let table = Table::new(&["NAME", "POWER", "ID"], &rows()).without("ID");
        assert_eq!(
            table.aligned(None),
            "NAME      POWER\nvm08      on\nlängster\n"
        );
    }

    #[test]
    fn cells_that_do_not_fit_are_truncated_or_their_column_omitted() {
        let table = || Table::new(&["NAME", "POWER", "ID"], &rows());
        assert_eq!(
            table().aligned(Some(23)),
            "NAME     POWER  ID\nvm08     on     012345…\nlängst…         x\n"
        );
        let short = table().without_if_wider(Some(23), &["ID"]);
        assert_eq!(short.aligned(Some(23)), table().without("ID").aligned(None));
        let long = table().without_if_wider(Some(27), &["ID"]);
        assert_eq!(long.aligned(Some(27)), table().aligned(None));
    }

    #[test]
    fn wide_characters_take_two_columns_and_control_characters_none() {
        let rows = [
            vec!["日本".into(), "a".into()],
            vec!["\u{1b}[2Jx".into(), "b".into()],
        ];
        assert_eq!(
            Table::new(&["N", "P"], &rows).aligned(None),
            "N     P\n日本  a\n[2Jx  b\n"
        );
    }
}

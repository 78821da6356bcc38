//! Filter and order of the list.

use clap::{Args, ValueEnum};
use globset::{GlobBuilder, GlobMatcher};

use super::row::Row;
use crate::commands::CommandError;

#[derive(Args)]
pub(super) struct Filter {
    /// Text in the name or path; with * (any characters) or ? (one character), the pattern must match the whole name or path
    pattern: Option<String>,
    /// Only VMs in this power state
    #[arg(long, value_enum)]
    power: Option<State>,
    /// Column to sort by
    #[arg(long, value_enum, default_value_t = Order::Path, value_name = "COLUMN")]
    sort: Order,
}

#[derive(Clone, Copy, ValueEnum)]
enum State {
    On,
    Off,
    Suspended,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Order {
    Path,
    Name,
    Power,
    Host,
    Port,
}

impl Filter {
    /// Filters and sorts the rows.
    pub(super) fn apply(&self, rows: &mut Vec<Row>) -> Result<(), CommandError> {
        if let Some(pattern) = &self.pattern {
            let pattern = Pattern::parse(pattern)?;
            let path_matches = |row: &Row| {
                row.path
                    .as_deref()
                    .is_some_and(|path| pattern.matches(path))
            };
            rows.retain(|row| pattern.matches(&row.name) || path_matches(row));
        }
        if let Some(state) = self.power {
            rows.retain(|row| row.power == state.word());
        }
        rows.sort_by(|one, other| {
            let first = match self.sort {
                Order::Path => one.path.cmp(&other.path),
                Order::Name => one.name.to_lowercase().cmp(&other.name.to_lowercase()),
                Order::Power => one.power.cmp(&other.power).reverse(),
                Order::Host => one.host.cmp(&other.host),
                // VMs with a port first.
                Order::Port => {
                    (one.port.is_none(), one.port).cmp(&(other.port.is_none(), other.port))
                }
            };
            first
                .then_with(|| one.vsphere.cmp(&other.vsphere))
                .then_with(|| one.path.cmp(&other.path))
        });
        Ok(())
    }
}

impl State {
    /// As in vim25's VirtualMachinePowerState.
    const fn word(self) -> &'static str {
        match self {
            Self::On => "poweredOn",
            Self::Off => "poweredOff",
            Self::Suspended => "suspended",
        }
    }
}

const WILDCARDS: [char; 2] = ['*', '?'];

/// Case-insensitive.
enum Pattern {
    /// Matches anywhere in the text.
    Part(String),
    /// Matches the whole text.
    Whole(GlobMatcher),
}

impl Pattern {
    fn parse(pattern: &str) -> Result<Self, CommandError> {
        if !pattern.contains(WILDCARDS) {
            return Ok(Self::Part(pattern.to_lowercase()));
        }
        // Brackets and braces are common in VM names: escape them as character classes.
        let mut escaped = String::new();
        for c in pattern.chars() {
            match c {
                '[' | ']' | '{' | '}' => escaped.extend(['[', c, ']']),
                c => escaped.push(c),
            }
        }
        let glob = GlobBuilder::new(&escaped)
            .case_insensitive(true)
            .backslash_escape(false)
            .build();
        let glob = glob.map_err(|error| {
            let why = error.kind();
            CommandError::Usage(format!(
                "{pattern:?} is not a pattern ({why}): write one as in 'web*'"
            ))
        })?;
        Ok(Self::Whole(glob.compile_matcher()))
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Part(part) => text.to_lowercase().contains(part),
            Self::Whole(glob) => glob.is_match(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_asterisk_and_question_mark_are_wildcards() {
        for (pattern, matching, other) in [
            ("vm[1]", "VM[1] of ours", "vm1"),
            ("vm[1]*", "vm[1]", "vm1"),
            ("m[", "vm[1]", "vm1"),
            ("*{a,b}", "vm{A,b}", "vma"),
            ("*]?", "vm[1]x", "vm[1]"),
            ("a\\*", "a\\b", "a*"),
            ("w?b*", "web01/DC", "wb01"),
        ] {
            let matches = |text| Pattern::parse(pattern).is_ok_and(|pattern| pattern.matches(text));
            assert!(matches(matching) && !matches(other), "{pattern}");
        }
    }
}

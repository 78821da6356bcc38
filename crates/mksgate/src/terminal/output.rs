//! Lines on stderr, and what the terminal can show.

use std::io::{IsTerminal, Write, stderr};

use console::printable::printable;

/// As wide as a terminal is that does not say.
const WIDTH: usize = 80;

/// Whoever sits there, or nobody.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// Wants to see nothing but answers and errors.
    pub(crate) quiet: bool,
    /// Has the log's lines coming in on stderr: what moves there would be torn by them.
    pub(crate) shows_log: bool,
}

impl Terminal {
    /// A remark for whoever is there, terminal or not.
    pub(crate) fn note(self, text: impl AsRef<str>) {
        if !self.quiet {
            print_stderr(text);
        }
    }
}

/// A line on stderr. Where nobody reads that, there is nobody to tell.
pub(crate) fn print_stderr(text: impl AsRef<str>) {
    // Names of VMs and the words of servers are in it: nothing of them may reach the terminal as a command.
    let mut line = printable(text.as_ref());
    line.push('\n');
    // Ignored on purpose, see above.
    let _ = stderr().lock().write_all(line.as_bytes());
}

/// Whether what goes to `stream` may have colours: on a terminal that has them, for people who want them
/// (no-color.org).
pub(crate) fn may_colour(stream: &impl IsTerminal) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    stream.is_terminal()
        && !set("NO_COLOR")
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// How many columns stdout has; `None` where it is no terminal, and a line may be as long as it likes.
pub(crate) fn width() -> Option<usize> {
    let terminal = term::Term::stdout();
    terminal.is_term().then(|| {
        terminal
            .size_checked()
            .map_or(WIDTH, |(_, columns)| columns.into())
    })
}

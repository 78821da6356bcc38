//! Messages on stderr, and the terminal's capabilities.

use std::io::{IsTerminal, Write, stderr};

use console::printable::printable;

/// Assumed width of a terminal that does not report one.
const WIDTH: usize = 80;

/// Output options.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    /// `--quiet`: only answers and errors.
    pub quiet: bool,
    /// Log lines go to stderr: a spinner would be torn by them.
    pub shows_log: bool,
}

impl Terminal {
    /// Prints a remark, unless quiet.
    pub fn note(self, text: impl AsRef<str>) {
        if !self.quiet {
            print_stderr(text);
        }
    }
}

/// Prints a line on stderr. Failures are ignored: there is nowhere to report them.
pub fn print_stderr(text: impl AsRef<str>) {
    // Untrusted text must not control the terminal.
    let mut line = printable(text.as_ref());
    line.push('\n');
    let _ = stderr().lock().write_all(line.as_bytes());
}

/// Whether `stream` is a terminal with colours and NO_COLOR is unset (no-color.org).
pub fn may_colour(stream: &impl IsTerminal) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    stream.is_terminal()
        && !set("NO_COLOR")
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Columns of stdout; `None` if it is not a terminal.
pub fn width() -> Option<usize> {
    let terminal = term::Term::stdout();
    terminal.is_term().then(|| {
        terminal
            .size_checked()
            .map_or(WIDTH, |(_, columns)| columns.into())
    })
}

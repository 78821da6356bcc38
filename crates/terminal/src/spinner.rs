//! A spinner or progress bar on stderr.

use std::future::pending;
use std::io::{ErrorKind, IsTerminal, stderr};
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use secrecy::SecretString;
use tokio::task::spawn_blocking;

use super::Terminal;
use super::password::{Echo, read_while_watched};
use console::printable::printable;
use console::progress::{Observer, Progress};

/// Interval between frames.
const TICK: Duration = Duration::from_millis(100);

/// Cleared when the last clone is dropped.
#[derive(Clone)]
pub struct Spinner(Arc<Line>);

struct Line(ProgressBar);

impl Terminal {
    /// Not a terminal, quiet, or stderr has the log.
    fn hides_progress(self) -> bool {
        self.quiet || self.shows_log || !stderr().is_terminal()
    }

    /// A spinner with a message.
    pub fn spinner(self, waiting_for: impl Into<String>) -> Spinner {
        if self.hides_progress() {
            return ProgressBar::hidden().into();
        }
        let bar = ProgressBar::new_spinner().with_message(waiting_for.into());
        bar.enable_steady_tick(TICK);
        bar.into()
    }

    /// A progress bar of `all` items.
    pub fn bar(self, all: usize) -> Spinner {
        if self.hides_progress() {
            return ProgressBar::hidden().into();
        }
        let style = ProgressStyle::with_template("{bar:30} {pos} of {len}  {wide_msg}");
        let bar = ProgressBar::new(all as u64);
        match style {
            Ok(style) => bar.with_style(style).into(),
            Err(_) => bar.into(),
        }
    }
}

impl From<ProgressBar> for Spinner {
    fn from(bar: ProgressBar) -> Self {
        Self(Arc::new(Line(bar)))
    }
}

impl Spinner {
    /// One that shows nothing.
    pub fn hidden() -> Self {
        ProgressBar::hidden().into()
    }

    /// Sets the message.
    pub fn set_message(&self, waiting_for: impl AsRef<str>) {
        // VM names are untrusted text.
        self.0.0.set_message(printable(waiting_for.as_ref()));
    }

    /// Clears the line.
    pub fn done(&self) {
        self.0.0.finish_and_clear();
    }

    /// Counts one more item.
    pub fn advance(&self) {
        self.0.0.inc(1);
    }

    /// Hides the line while `print` prints.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.0.suspend(print)
    }

    /// Hides the line during a password prompt. The caller watches signals.
    pub async fn ask_password(&self, prompt: String) -> Option<SecretString> {
        self.0.0.disable_steady_tick();
        // Not suspended, which would draw the line again at once: before the prompt.
        self.0.0.finish_and_clear();
        let _restore_echo = Echo::remember();
        // On a blocking thread, so that the caller can react to Ctrl-C.
        let asked = spawn_blocking(move || read_while_watched(&prompt));
        match asked.await.ok().flatten() {
            // Ctrl-C also raises a signal, which the caller handles.
            Some(Err(error)) if error.kind() == ErrorKind::Interrupted => pending().await,
            answer => {
                self.0.0.reset();
                self.0.0.enable_steady_tick(TICK);
                answer?.ok()
            }
        }
    }

    /// Shows the step that follows `progress`.
    pub fn show_next(&self, progress: &Progress<'_>) {
        self.set_message(next_step(progress));
    }

    /// An observer that shows the next step.
    pub fn observer(&self) -> Box<Observer> {
        let spinner = self.clone();
        Box::new(move |progress| spinner.show_next(&progress))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The step that follows `progress`.
fn next_step(progress: &Progress<'_>) -> String {
    match progress {
        Progress::LoggedIn { .. } => "looking for the VM".into(),
        Progress::Found { vm, .. } => format!("asking for a ticket for {}", vm.name),
        Progress::Ticket(_) | Progress::Located(_) => "connecting to the console".into(),
        Progress::Connected { host, .. } => format!("securing the connection to {host}"),
        Progress::Secured(_) => "opening the WebSocket".into(),
        Progress::Upgraded { .. } | Progress::Entered { .. } => "negotiating RFB".into(),
        Progress::Screen(_) => "requesting the screen".into(),
        Progress::Updated(_) => "waiting for further messages".into(),
    }
}

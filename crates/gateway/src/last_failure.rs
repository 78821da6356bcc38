//! The failure of the session that ended last, for commands that serve one viewer and show no log.

use tokio::sync::watch;

use console::Blame;

use crate::error::Stage;

/// How a session failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFailure {
    /// The code of the cause, for scripts.
    pub code: &'static str,
    /// The stage at which it failed.
    pub stage: Stage,
    /// The party that caused it.
    pub blame: Blame,
    /// The cause and its remedy.
    pub sentence: String,
}

/// The failure of the session that ended last; `None` if it did not fail.
#[derive(Clone, Default)]
pub struct LastFailure(watch::Sender<Option<SessionFailure>>);

impl LastFailure {
    /// Records how a session ended; `None` is an ordinary end.
    pub(crate) fn record(&self, failure: Option<SessionFailure>) {
        self.0.send_replace(failure);
    }

    /// The failure, unless the viewer is to blame: the viewer program shows that itself.
    pub fn beyond_viewer(&self) -> Option<SessionFailure> {
        self.failure()
            .filter(|failure| failure.blame != Blame::Viewer)
    }

    /// The failure, also where the viewer is to blame.
    pub fn failure(&self) -> Option<SessionFailure> {
        self.0.borrow().clone()
    }
}

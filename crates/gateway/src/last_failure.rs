//! The failure of the session that ended last, for commands that serve one viewer and show no log.

use tokio::sync::watch;

use console::Blame;

/// Blame and sentence of the session that ended last; `None` if it did not fail.
#[derive(Clone, Default)]
pub struct LastFailure(watch::Sender<Option<(Blame, String)>>);

impl LastFailure {
    /// Records how a session ended: blame and sentence, or `None` for an ordinary end.
    pub(crate) fn record(&self, fault: Option<(Blame, String)>) {
        self.0.send_replace(fault);
    }

    /// The sentence, unless the viewer is to blame: the viewer program shows that itself.
    pub fn beyond_viewer(&self) -> Option<String> {
        let failure = self.0.borrow().clone();
        failure.and_then(|(blame, sentence)| (blame != Blame::Viewer).then_some(sentence))
    }

    /// The sentence, also where the viewer is to blame.
    pub fn sentence(&self) -> Option<String> {
        self.0.borrow().clone().map(|(_, sentence)| sentence)
    }
}

//! Why the last viewer did not get its console, for a command that serves one viewer and shows no log.

use tokio::sync::watch;

use console::Blame;

/// The failure of the session that ended last, if it failed: whose fault it was, and a sentence.
#[derive(Clone, Default)]
pub struct LastFailure(watch::Sender<Option<(Blame, String)>>);

impl LastFailure {
    /// Records how a session ended: whose fault it was and a sentence, or `None` where nothing went wrong.
    pub(crate) fn record(&self, fault: Option<(Blame, String)>) {
        self.0.send_replace(fault);
    }

    /// The sentence for whoever has started a viewer program: what the viewer itself did wrong, it shows itself.
    pub fn beyond_viewer(&self) -> Option<String> {
        let failure = self.0.borrow().clone();
        failure.and_then(|(blame, sentence)| (blame != Blame::Viewer).then_some(sentence))
    }

    /// The sentence for whoever is the viewer.
    pub fn sentence(&self) -> Option<String> {
        self.0.borrow().clone().map(|(_, sentence)| sentence)
    }
}

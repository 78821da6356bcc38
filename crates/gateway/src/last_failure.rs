//! Why the last viewer did not get its console, for a command that serves one viewer and shows no log.

use tokio::sync::watch;

use crate::error::{Blame, Failure};
use crate::relay::Outcome;
use crate::session::Stopped;

/// The failure of the session that ended last, if it failed: whose fault it was, and a sentence.
#[derive(Clone, Default)]
pub struct LastFailure(watch::Sender<Option<(Blame, String)>>);

impl LastFailure {
    /// Records how a session ended. A viewer that leaves is no failure.
    pub(crate) fn record(&self, outcome: &Result<Outcome, Stopped>) {
        if matches!(outcome, Err((_, Failure::GatewayEnds))) {
            // No viewer waited for that session any more.
            return;
        }
        let sentence = match outcome {
            Ok(outcome) => outcome.fault(),
            Err((_, Failure::ViewerLeft | Failure::ViewerSilent | Failure::ViewerBroke(_))) => None,
            Err((_, failure)) => Some((failure.blame(), failure.to_string())),
        };
        self.0.send_replace(sentence);
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

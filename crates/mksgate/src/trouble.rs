//! Why the viewer that was here last did not get what it came for, for a command that has one viewer only and no log.

use tokio::sync::watch;

use crate::error::{Blame, Failure, Stage};
use crate::relay::End;

/// Nothing, or whose fault it was and a sentence.
#[derive(Clone, Default)]
pub(crate) struct Trouble(watch::Sender<Option<(Blame, String)>>);

impl Trouble {
    /// A session is over. That a viewer goes is no trouble.
    pub(crate) fn hear(&self, outcome: &Result<End, (Stage, Failure)>) {
        if matches!(outcome, Err((_, Failure::GatewayEnds))) {
            // Nobody waited for that one any more.
            return;
        }
        let failure = match outcome {
            Err((_, failure)) | Ok(End::Fault(failure)) => Some(failure),
            Ok(_) => None,
        };
        let trouble = failure
            .filter(|failure| {
                !matches!(
                    failure,
                    Failure::ViewerLeft | Failure::ViewerSilent | Failure::ViewerBroke(_)
                )
            })
            .map(|failure| (failure.blame(), failure.to_string()));
        self.0.send_replace(trouble);
    }

    /// The sentence, if any, for whoever has started a viewer: what that did wrong it knows itself.
    pub(crate) fn said(&self) -> Option<String> {
        let trouble = self.0.borrow().clone();
        trouble.and_then(|(blame, why)| (blame != Blame::Viewer).then_some(why))
    }

    /// The sentence, if any, for whoever is the viewer.
    pub(crate) fn said_to_viewer(&self) -> Option<String> {
        self.0.borrow().clone().map(|(_, why)| why)
    }
}

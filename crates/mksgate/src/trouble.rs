//! Why the viewer that was here last did not get what it came for, for a command that has one viewer only and no log.

use tokio::sync::watch;

use crate::error::{Blame, Failure, Stage};
use crate::relay::End;

/// Nothing, or a sentence.
#[derive(Clone, Default)]
pub(crate) struct Trouble(watch::Sender<Option<String>>);

impl Trouble {
    /// A session is over. What is the viewer's own doing is no trouble of ours.
    pub(crate) fn hear(&self, outcome: &Result<End, (Stage, Failure)>) {
        if matches!(outcome, Err((_, Failure::GatewayEnds))) {
            // Nobody waited for that one any more.
            return;
        }
        let failure = match outcome {
            Err((_, failure)) | Ok(End::Fault(failure)) => Some(failure),
            Ok(_) => None,
        };
        let ours = failure.filter(|failure| failure.blame() != Blame::Viewer);
        self.0.send_replace(ours.map(ToString::to_string));
    }

    /// The sentence, if any.
    pub(crate) fn said(&self) -> Option<String> {
        self.0.borrow().clone()
    }
}

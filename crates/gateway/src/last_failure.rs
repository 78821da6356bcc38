//! The failure of the session that ended last, for commands that serve one viewer and show no log.

use std::convert::Infallible;

use console::Blame;
use tokio::sync::watch;

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

/// The failure of the session that ended last.
#[derive(Clone, Default)]
pub struct LastFailure(watch::Sender<End>);

#[derive(Clone, Default)]
struct End {
    /// `None` if it did not fail.
    failure: Option<SessionFailure>,
    /// Whether the viewer of some session that ended had logged in.
    had_logged_in: bool,
}

impl LastFailure {
    /// Records how a session ended, whose viewer `had_logged_in` or not; `None` is an ordinary end. Once a viewer that had
    /// logged in has been served, one that is refused changes nothing.
    pub(crate) fn record(&self, failure: Option<SessionFailure>, had_logged_in: bool) {
        self.0.send_if_modified(|end| {
            if end.had_logged_in && !had_logged_in {
                return false;
            }
            *end = End {
                failure,
                had_logged_in,
            };
            true
        });
    }

    /// Completes when a session has ended whose viewer had logged in.
    pub async fn logged_in_and_ended(&self) {
        // The sender is ours: it is not closed.
        let _ = self.0.subscribe().wait_for(|end| end.had_logged_in).await;
    }

    /// Calls `report` with each failure from now on, unless the viewer is to blame. Of sessions that end at once, only the
    /// last is sure to be reported.
    pub async fn report_beyond_viewer(&self, report: impl Fn(SessionFailure)) -> Infallible {
        let mut ends = self.0.subscribe();
        loop {
            // The sender is ours: it is not closed.
            if ends.changed().await.is_ok()
                && let Some(failure) = self.beyond_viewer()
            {
                report(failure);
            }
        }
    }

    /// The failure, unless the viewer is to blame: the viewer program shows that itself.
    pub fn beyond_viewer(&self) -> Option<SessionFailure> {
        self.failure()
            .filter(|failure| failure.blame != Blame::Viewer)
    }

    /// The failure, also where the viewer is to blame.
    pub fn failure(&self) -> Option<SessionFailure> {
        self.0.borrow().failure.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_viewer_does_not_change_how_the_served_one_ended() {
        let failed = |sentence: &str| {
            Some(SessionFailure {
                code: "sessions-full",
                stage: Stage::Judge,
                blame: Blame::Gateway,
                sentence: sentence.into(),
            })
        };
        let last = LastFailure::default();
        last.record(failed("refused early"), false);
        assert!(last.failure().is_some());
        last.record(None, true);
        last.record(failed("refused late"), false);
        assert_eq!(last.failure(), None);
        last.record(failed("lost"), true);
        assert_eq!(last.failure(), failed("lost"));
    }
}

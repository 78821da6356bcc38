//! How a viewer's messages are treated on the way to the host.

use super::shared_dialogue::SharedDialogue;
use super::view_only_filter::ViewOnlyFilter;

/// How the viewer's messages are treated.
pub(super) enum InputPath<'a, 'd> {
    /// Sent as they are.
    Unchanged,
    /// Only what the filter lets through is sent.
    ViewOnly(ViewOnlyFilter),
    /// Translated into what ESXi accepts.
    Dialect(&'a SharedDialogue<'d>),
}

impl<'a, 'd> InputPath<'a, 'd> {
    pub(super) const fn dialogue(&self) -> Option<&'a SharedDialogue<'d>> {
        match self {
            Self::Dialect(dialogue) => Some(*dialogue),
            Self::Unchanged | Self::ViewOnly(_) => None,
        }
    }

    /// Whether a host before this one has been sent the viewer's ClientInit.
    pub(super) fn is_after_client_init(&self) -> bool {
        self.dialogue()
            .is_some_and(|dialogue| !dialogue.lock().expects_client_init())
    }
}

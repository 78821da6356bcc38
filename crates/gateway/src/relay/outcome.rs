//! Why a relay ended.

use std::fmt;
use std::io;

use console::Blame;
use console::host_link::close_text;
use reconnect::{GaveUp, VmChange, WatchedVm};
use rfb_proto::Encoding;
use rfb_proto::server_messages::ScanError;
use tokio_util::sync::CancellationToken;
use ws_proto::{Close, CloseCode};

use crate::error::{Failure, Stage};
use crate::last_failure::SessionFailure;

/// Who or what ended a relay.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The viewer's connection ended, by FIN or reset.
    ViewerLeft,
    /// The console is not there any more.
    ConsoleLost(LostConsole),
    /// The gateway ended the session, for this reason.
    Ended(&'static str),
    /// No key and no pointer event for `idle_timeout`.
    Idle,
    /// The session has lasted for `max_session_time`.
    TimeUp,
    /// The viewer sent invalid RFB.
    Violation(rfb_proto::Violation),
}

impl Outcome {
    /// Where the console was lost, adds what became of its VM, unless the gateway ends meanwhile.
    pub(crate) async fn explain(
        &mut self,
        vm: Option<Box<WatchedVm>>,
        gateway_ends: &CancellationToken,
    ) {
        if let (Self::ConsoleLost(lost), Some(mut vm)) = (self, vm)
            && lost.may_have_vm_change()
        {
            let change = gateway_ends.run_until_cancelled(vm.change());
            lost.vm = change.await.flatten();
        }
    }

    /// The code of the Close that a browser is sent.
    pub(crate) const fn close_code(&self) -> CloseCode {
        match self {
            Self::ViewerLeft => CloseCode::NORMAL,
            Self::ConsoleLost(lost) if lost.is_orderly() => CloseCode::NORMAL,
            Self::ConsoleLost(_) => CloseCode::INTERNAL,
            Self::Ended(_) => CloseCode::GOING_AWAY,
            Self::Idle | Self::TimeUp | Self::Violation(_) => CloseCode::POLICY,
        }
    }

    /// The failure; `None` for an ordinary end.
    pub(crate) fn failure(&self) -> Option<SessionFailure> {
        match self {
            Self::ConsoleLost(lost) => Some(SessionFailure {
                code: lost.code(),
                stage: Stage::Relay,
                blame: lost.blame(),
                sentence: lost.to_string(),
            }),
            Self::Violation(violation) => Some(Failure::NotAViewer(*violation).at(Stage::Relay)),
            Self::ViewerLeft | Self::Ended(_) | Self::Idle | Self::TimeUp => None,
        }
    }
}

/// A console that was lost. `Display` is one sentence, cause first and remedy second.
#[derive(Debug)]
pub(crate) struct LostConsole {
    /// How it ended.
    pub(crate) end: HostLost,
    /// What became of its VM; `None` where that is not known.
    pub(crate) vm: Option<VmChange>,
    /// Why it was not waited for any longer; `None` where it was not waited for.
    pub(crate) gave_up: Option<GaveUp>,
}

impl LostConsole {
    /// The console was waited for.
    pub(crate) fn gave_up(self, gave_up: GaveUp) -> Self {
        let vm = matches!(gave_up, GaveUp::Deleted).then_some(VmChange::Deleted);
        Self {
            vm: vm.or(self.vm),
            gave_up: Some(gave_up),
            ..self
        }
    }

    /// Whether the VM's state may explain the end.
    pub(crate) const fn may_have_vm_change(&self) -> bool {
        matches!(
            self.end,
            HostLost::Closed(_) | HostLost::Vanished | HostLost::Broke(_)
        )
    }

    /// Where the VM itself has changed, its vSphere, as for a VM that was off before.
    const fn blame(&self) -> Blame {
        match self.vm {
            Some(
                VmChange::PoweredOff | VmChange::Suspended | VmChange::Moved | VmChange::Deleted,
            ) => Blame::Vcenter,
            Some(VmChange::HostDisconnected | VmChange::Inaccessible(_) | VmChange::None)
            | None => Blame::Esxi,
        }
    }

    /// Whether the VM was switched off or suspended, which somebody wanted.
    pub(crate) const fn is_power_off(&self) -> bool {
        matches!(self.vm, Some(VmChange::PoweredOff | VmChange::Suspended))
    }

    /// Whether the host ended the console in order, or the VM took its console with it.
    pub(crate) const fn is_orderly(&self) -> bool {
        match self.vm {
            Some(VmChange::HostDisconnected | VmChange::Inaccessible(_)) => false,
            Some(VmChange::None) | None => matches!(self.end, HostLost::Closed(_)),
            Some(_) => true,
        }
    }
}

impl fmt::Display for LostConsole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.gave_up {
            Some(gave_up @ (GaveUp::Refused(_) | GaveUp::TooLong { .. } | GaveUp::Viewer(_))) => {
                write!(f, "{}, and was not opened again: {gave_up}", self.end)
            }
            Some(GaveUp::Deleted) | None => self.fmt_loss(f),
        }
    }
}

impl LostConsole {
    /// The loss alone.
    fn fmt_loss(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(vm) = self.vm else {
            return fmt::Display::fmt(&self.end, f);
        };
        let how = self.end.details();
        match vm {
            VmChange::PoweredOff => {
                write!(
                    f,
                    "the VM was powered off ({how}): start it and connect again"
                )
            }
            VmChange::Suspended => {
                write!(
                    f,
                    "the VM was suspended ({how}): resume it and connect again"
                )
            }
            VmChange::Moved => write!(f, "the VM was moved to another host ({how}): connect again"),
            VmChange::Deleted => write!(
                f,
                "the VM was deleted or unregistered ({how}): check the inventory"
            ),
            VmChange::HostDisconnected => write!(
                f,
                "the VM's host is disconnected or does not respond ({how}): check the host"
            ),
            VmChange::Inaccessible(state) => write!(
                f,
                "the VM is {state} ({how}): check its host and its datastore"
            ),
            VmChange::None if matches!(self.end, HostLost::Closed(_)) => write!(
                f,
                "the console's host closed it while the VM is on ({how}): connect again, since the VM may have been reset"
            ),
            VmChange::None => write!(
                f,
                "the connection to the console broke while the VM is on ({how}): connect again"
            ),
        }
    }
}

/// Why nothing more comes from the console's host, or goes there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostLost {
    /// It closed the WebSocket (RFC 6455 section 7.1.5).
    #[error("the console's host closed: {}", self.details())]
    Closed(Option<Close>),
    /// It ended the connection without a WebSocket Close.
    #[error("the console's host ended the connection without a WebSocket Close")]
    Vanished,
    /// Its connection broke.
    #[error("the connection to the console's host failed ({})", self.details())]
    Broke(#[source] io::Error),
    /// It broke the WebSocket protocol.
    #[error("the console's host violated the WebSocket protocol: {0}")]
    Framing(ws_proto::Violation),
    /// It sent a text message; RFB is binary.
    #[error("the console's host sent a WebSocket text message, and RFB needs binary ones")]
    Text,
    /// It sent RFB that cannot be parsed while the dialect was rewriting updates for the viewer.
    #[error(
        "the host's updates cannot be converted for this viewer ({0}): select full colour in the viewer, or set transparent = true for this console"
    )]
    Unfollowable(ScanError),
    /// It could not be opened when the viewer logged in.
    #[error("the console could not be opened ({0})")]
    NotOpened(#[source] Box<console::Error>),
    /// It has taken the place of a lost one, and its rectangles in this encoding cannot follow those of that one.
    #[error(
        "the new host's rectangles in encoding {} cannot follow those of the lost one: connect again, or select another encoding in the viewer",
        .0.0
    )]
    NotContinued(Encoding),
}

impl HostLost {
    /// The console, before its vSphere was asked what became of the VM.
    pub(crate) const fn unexplained(self) -> Outcome {
        Outcome::ConsoleLost(LostConsole {
            end: self,
            vm: None,
            gave_up: None,
        })
    }

    /// The host's RFB cannot be relayed any further.
    pub(super) const fn of_scan(error: ScanError) -> Self {
        match error {
            ScanError::Continuation(encoding) => Self::NotContinued(encoding),
            error => Self::Unfollowable(error),
        }
    }

    /// What the host sent at the end, or what the connection's error is.
    fn details(&self) -> String {
        match self {
            Self::Closed(Some(close)) => close_text(close),
            Self::Closed(None) => "a Close without a code".into(),
            Self::Vanished => "no WebSocket Close".into(),
            Self::Broke(error) => vsphere::io_in_words(error),
            Self::Framing(_)
            | Self::Text
            | Self::Unfollowable(_)
            | Self::NotContinued(_)
            | Self::NotOpened(_) => self.to_string(),
        }
    }

    /// The Close to send, where the connection still allows one.
    pub(super) fn answer(&self) -> Close {
        Close::new(match self {
            // RFC 6455 section 5.5.1: "the endpoint typically echos the status code it received".
            Self::Closed(Some(close)) => close.code,
            Self::Closed(None) => CloseCode::NORMAL,
            Self::Framing(violation) => violation.close_code(),
            Self::Text => CloseCode::UNSUPPORTED_DATA,
            Self::Unfollowable(_) | Self::NotContinued(_) => CloseCode::POLICY,
            Self::Vanished | Self::Broke(_) | Self::NotOpened(_) => CloseCode::GOING_AWAY,
        })
    }
}

//! Why a relay ended.

use std::io;

use console::Blame;
use console::host_link::close_text;
use rfb_proto::server_messages::ScanError;
use ws_proto::{Close, CloseCode};

use crate::error::{Failure, Stage};
use crate::last_failure::SessionFailure;

/// Who or what ended a relay.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The viewer's connection ended, by FIN or reset.
    ViewerLeft,
    /// The console's host is not there any more.
    HostLost(HostLost),
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
    /// The failure; `None` for an ordinary end.
    pub(crate) fn failure(&self) -> Option<SessionFailure> {
        match self {
            Self::HostLost(HostLost::Closed(_)) => None,
            Self::HostLost(lost) => Some(SessionFailure {
                code: "host-lost",
                stage: Stage::Relay,
                blame: Blame::Esxi,
                sentence: lost.to_string(),
            }),
            Self::Violation(violation) => Some(Failure::NotAViewer(*violation).at(Stage::Relay)),
            Self::ViewerLeft | Self::Ended(_) | Self::Idle | Self::TimeUp => None,
        }
    }
}

/// Why nothing more comes from the console's host, or goes there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostLost {
    /// It closed the WebSocket (RFC 6455 section 7.1.5).
    #[error("the console's host closed: {}", .0.as_ref().map_or_else(|| "a Close without a code".into(), close_text))]
    Closed(Option<Close>),
    /// It ended the connection without a WebSocket Close.
    #[error("the console's host ended the connection without a WebSocket Close")]
    Vanished,
    /// Its connection broke.
    #[error("the connection to the console's host failed ({})", vsphere::io_in_words(.0))]
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
}

impl HostLost {
    /// The Close to send, where the connection still allows one.
    pub(super) fn answer(&self) -> Close {
        Close::new(match self {
            // RFC 6455 section 5.5.1: "the endpoint typically echos the status code it received".
            Self::Closed(Some(close)) => close.code,
            Self::Closed(None) => CloseCode::NORMAL,
            Self::Framing(violation) => violation.close_code(),
            Self::Text => CloseCode::UNSUPPORTED_DATA,
            Self::Unfollowable(_) => CloseCode::POLICY,
            Self::Vanished | Self::Broke(_) => CloseCode::GOING_AWAY,
        })
    }
}

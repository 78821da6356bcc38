//! What a VNC viewer shows of a failure: short, without accounts and addresses, which only the log has.

use std::borrow::Cow;
use std::time::Duration;

use rfb_proto::Violation;

use reconnect::{GaveUp, VmChange};

use crate::error::Failure;
use crate::relay::{HostLost, LostConsole, Outcome, ViewerPolicy};

impl Failure {
    /// The failure for the user of a viewer, with the session's number, under which the log has the rest: at most 100
    /// characters, cause and remedy, without names, addresses and fingerprints.
    pub fn for_viewer(&self, session: u64) -> String {
        format!("{} (session {session})", self.short())
    }

    fn short(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Penalised(wait) => {
                return penalty("too many failed logins from your address", wait.as_secs());
            }
            Self::ConsolePenalised(wait) => {
                return penalty("too many failed logins to this console", wait.as_secs());
            }
            Self::ViewerSlow(limit) => {
                return format!("no login within {} s: connect again", limit.as_secs()).into();
            }
            Self::NotAllowed(_) => "your address may not use this console: ask the administrator",
            Self::NotProxied(_) => "no valid PROXY header: ask the administrator",
            Self::LoginQueueFull => "too many connections are waiting to log in: try again",
            Self::GatewayEnds => "the gateway is shutting down: try again when it is back",
            Self::GatewayFull { .. } => "all sessions of this gateway are in use: try again later",
            Self::VmFull { .. } => "all sessions of this VM are in use: close one",
            Self::ViewerTls(_) => "TLS with the viewer failed: ask the administrator",
            Self::NotForUser { .. } => "you may not open this console: ask the administrator",
            Self::NotAViewer(violation) => protocol_error(*violation),
            Self::ViewerLeft | Self::ViewerSilent | Self::ViewerBroke(_) => {
                "the viewer closed the connection: connect again"
            }
            Self::CheckSlow(_) => "the gateway is overloaded: try again later",
            Self::ViewerUnfinished(_) => {
                "the viewer did not finish its handshake: try another viewer"
            }
            Self::WrongPassword => "wrong password: try again (only the first 8 characters count)",
            Self::WrongLogin => "wrong user name or password: try again",
            Self::Console(error) => error.for_viewer(),
            Self::Setup(_) => "the gateway cannot serve this console: ask the administrator",
        })
    }
}

impl Outcome {
    /// The end of a session for the user of its viewer, as a [`Failure`] is. `None` where the viewer has ended the session
    /// itself, or where it is not known up to which byte the host's updates were valid.
    pub(crate) fn for_viewer(&self, policy: &ViewerPolicy, session: u64) -> Option<String> {
        let limit = |limit: Option<Duration>| in_words(limit.unwrap_or_default());
        let reason = match self {
            Self::Ended(reason) => format!("session ended: {reason}"),
            Self::Idle => {
                let limit = limit(policy.idle_timeout);
                format!("session ended: no input for {limit} (idle_timeout)")
            }
            Self::TimeUp => {
                let limit = limit(policy.max_session_time);
                format!("session ended: its {limit} are over (max_session_time)")
            }
            Self::ConsoleLost(LostConsole {
                end: HostLost::Unfollowable(_) | HostLost::NotContinued(_),
                ..
            })
            | Self::ViewerLeft
            | Self::Violation(_) => return None,
            Self::ConsoleLost(lost) => return Some(lost.for_viewer(session)),
        };
        Some(format!("{reason} (session {session})"))
    }
}

impl LostConsole {
    /// Likewise, for the user of a viewer whose console was lost.
    pub(crate) fn for_viewer(&self, session: u64) -> String {
        format!("{} (session {session})", self.short())
    }

    fn short(&self) -> &'static str {
        match &self.gave_up {
            Some(GaveUp::Refused(error)) => return error.for_viewer(),
            Some(GaveUp::TooLong { .. }) => {
                return "the console has not come back in time: try again later";
            }
            Some(GaveUp::Viewer(_)) => {
                return "the console is back, but not for this viewer: connect again";
            }
            Some(GaveUp::Deleted) | None => {}
        }
        match (self.vm, &self.end) {
            (Some(VmChange::PoweredOff), _) => "the VM was powered off: start it and connect again",
            (Some(VmChange::Suspended), _) => "the VM was suspended: resume it and connect again",
            (Some(VmChange::Moved), _) => "the VM was moved to another host: connect again",
            (Some(VmChange::Deleted), _) => "the VM was deleted: ask the administrator",
            (Some(VmChange::HostDisconnected), _) => {
                "the VM's host does not respond: try again later"
            }
            (Some(VmChange::Inaccessible(_)), _) => {
                "the VM is not accessible: ask the administrator"
            }
            (_, HostLost::Closed(_)) => "the console was closed by its host: connect again",
            (_, HostLost::Vanished | HostLost::Broke(_)) => {
                "the connection to the console broke: connect again"
            }
            (_, HostLost::Framing(_) | HostLost::Text) => {
                "the console's host violated the protocol: ask the administrator"
            }
            (_, HostLost::Unfollowable(_)) => "the picture cannot be converted: select full colour",
            (_, HostLost::NotOpened(error)) => error.for_viewer(),
            (_, HostLost::NotContinued(_)) => {
                "the console is back, but not for this viewer: connect again"
            }
        }
    }
}

/// A time in its largest whole unit.
fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        1.. if seconds.is_multiple_of(3600) => format!("{} h", seconds / 3600),
        1.. if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

fn penalty(cause: &str, seconds: u64) -> Cow<'static, str> {
    format!("{cause}: try again in {} s", seconds.saturating_add(1)).into()
}

/// After a handshake that succeeded it is a VNC viewer.
const fn protocol_error(violation: Violation) -> &'static str {
    match violation {
        Violation::TooOldToEncrypt => {
            "this console needs an encrypted login: use a viewer with VeNCrypt"
        }
        Violation::UnknownMessage { .. }
        | Violation::TooManyEncodings(_)
        | Violation::Malformed(_) => "the viewer sent an invalid message: try another viewer",
        _ => "this is a VNC port; the viewer violated the protocol: try another",
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use super::*;

    const LONG: &str = "svc-mksgate@vsphere.local.example-with-a-very-long-name.vcenter.example:8443 sha256:aabbccdd";

    /// A list with one failure per entry; a variant without an entry does not compile.
    macro_rules! each_variant {
        ($($pattern:pat => $failure:expr),* $(,)?) => {{
            let _complete = |failure: &Failure| match failure {
                $($pattern => {})*
            };
            vec![$($failure),*]
        }};
    }

    #[rustfmt::skip]
    fn each() -> Vec<Failure> {
        use Failure::{
            CheckSlow, Console, ConsolePenalised, GatewayEnds, GatewayFull, LoginQueueFull, NotAViewer, NotAllowed,
            NotForUser, NotProxied, Penalised, Setup, ViewerBroke, ViewerLeft, ViewerSilent, ViewerSlow, ViewerTls,
            ViewerUnfinished, VmFull, WrongLogin, WrongPassword,
        };
        let text = || LONG.to_owned();
        let year = Duration::from_secs(365 * 24 * 3600);
        each_variant![
            NotAllowed(_) => NotAllowed("2001:db8::aabb".parse().unwrap()),
            NotProxied(_) => NotProxied(text()),
            Penalised(_) => Penalised(year),
            ConsolePenalised(_) => ConsolePenalised(year),
            LoginQueueFull => LoginQueueFull,
            GatewayEnds => GatewayEnds,
            GatewayFull { .. } => GatewayFull { limit: usize::MAX },
            VmFull { .. } => VmFull { vm: text(), limit: usize::MAX },
            ViewerTls(_) => ViewerTls(text()),
            NotForUser { .. } => NotForUser { user: text() },
            NotAViewer(Violation::TooOldToEncrypt) => NotAViewer(Violation::TooOldToEncrypt),
            NotAViewer(Violation::Malformed(_)) => NotAViewer(Violation::Malformed(LONG)),
            NotAViewer(_) => NotAViewer(Violation::TooLong { what: LONG, length: u32::MAX }),
            ViewerLeft => ViewerLeft,
            ViewerSilent => ViewerSilent,
            ViewerBroke(_) => ViewerBroke(io::Error::other(LONG)),
            ViewerSlow(_) => ViewerSlow(year),
            CheckSlow(_) => CheckSlow(year),
            ViewerUnfinished(_) => ViewerUnfinished(year),
            WrongPassword => WrongPassword,
            WrongLogin => WrongLogin,
            Console(_) => Console(console::Error::UrlCommand(text())),
            Setup(_) => Setup(text()),
        ]
    }

    #[test]
    fn every_failure_has_a_short_text_without_names_for_viewers() {
        for failure in each() {
            let text = failure.for_viewer(u64::MAX);
            assert!((40..=100).contains(&text.len()), "{} {text}", text.len());
            for part in ["svc-", "example", "8443", "sha256", "aabb", "2001"] {
                assert!(!text.contains(part), "{text}");
            }
            assert!(text.ends_with(" (session 18446744073709551615)"), "{text}");
        }
    }

    /// Each change with an orderly end; each end without a known change.
    #[rustfmt::skip]
    fn each_loss() -> Vec<LostConsole> {
        use VmChange::{Deleted, HostDisconnected, Inaccessible, Moved, None, PoweredOff, Suspended};
        let invalid = Inaccessible(vsphere::ConnectionState::Invalid);
        let changes = [PoweredOff, Suspended, Moved, Deleted, HostDisconnected, invalid, None];
        let with_change = changes.map(|vm| LostConsole { end: HostLost::Closed(Option::None), vm: Some(vm), gave_up: Option::None });
        let broken = ws_proto::Violation::ReservedBits;
        let unfollowable = rfb_proto::server_messages::ScanError::Pixels(24);
        let ends = [
            HostLost::Closed(Option::None), HostLost::Vanished, HostLost::Broke(io::Error::other(LONG)),
            HostLost::Framing(broken), HostLost::Text, HostLost::Unfollowable(unfollowable),
            HostLost::NotContinued(rfb_proto::Encoding::ZRLE),
            HostLost::NotOpened(console::Error::Text.into()),
        ];
        let without = ends.map(|end| LostConsole { end, vm: Option::None, gave_up: Option::None });
        let given_up = [
            GaveUp::Deleted, GaveUp::Refused(console::Error::Text), GaveUp::Viewer(dialect::CannotContinue::Size),
            GaveUp::TooLong { within: Duration::from_secs(600), last: Option::None },
        ];
        let given_up = given_up.map(|gave_up| LostConsole { end: HostLost::Vanished, vm: Option::None, gave_up: Some(gave_up) });
        with_change.into_iter().chain(without).chain(given_up).collect()
    }

    #[test]
    fn every_lost_console_has_a_short_text_for_viewers() {
        for lost in each_loss() {
            let text = lost.for_viewer(u64::MAX);
            assert!((40..=100).contains(&text.len()), "{} {text}", text.len());
            assert!(text.ends_with(" (session 18446744073709551615)"), "{text}");
        }
    }

    #[test]
    fn reasons_of_the_gateway_are_short_and_name_the_limit() {
        let policy = ViewerPolicy {
            view_only: false,
            may_be_exclusive: true,
            input_settings: None,
            host: dialect::HostKind::Unknown,
            idle_timeout: Some(Duration::from_secs(900)),
            max_session_time: Some(Duration::from_secs(8 * 3600)),
        };
        for (outcome, expected) in [
            (
                Outcome::Ended("another viewer requested exclusive access"),
                "session ended: another viewer requested exclusive access (session 17)",
            ),
            (
                Outcome::Idle,
                "session ended: no input for 15 min (idle_timeout) (session 17)",
            ),
            (
                Outcome::TimeUp,
                "session ended: its 8 h are over (max_session_time) (session 17)",
            ),
        ] {
            assert_eq!(outcome.for_viewer(&policy, 17).as_deref(), Some(expected));
            let longest = outcome.for_viewer(&policy, u64::MAX).unwrap();
            assert!(longest.len() <= 100, "{longest}");
        }
        for silent in [
            Outcome::ViewerLeft,
            Outcome::Violation(Violation::Malformed(LONG)),
        ] {
            assert_eq!(silent.for_viewer(&policy, 17), None);
        }
        for lost in each_loss() {
            let is_unknown = matches!(
                lost.end,
                HostLost::Unfollowable(_) | HostLost::NotContinued(_)
            );
            let text = lost.for_viewer(17);
            let shown = Outcome::ConsoleLost(lost).for_viewer(&policy, 17);
            assert_eq!(shown, (!is_unknown).then_some(text));
        }
    }

    #[test]
    fn times_are_in_their_largest_whole_unit() {
        for (seconds, expected) in [
            (0, "0 s"),
            (90, "90 s"),
            (60, "1 min"),
            (5400, "90 min"),
            (7200, "2 h"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn viewer_of_a_powered_off_vm_shows_the_remedy_and_the_session() {
        let off = vsphere::Error::InvalidPowerState {
            vm: LONG.into(),
            state: Some(vsphere::Power::Off),
        };
        let failure = Failure::Console(off.into());
        assert_eq!(
            failure.for_viewer(17),
            "the VM is powered off: switch it on (session 17)"
        );
    }
}

//! Relays bytes between one viewer and one WebSocket, without login and without parsing RFB.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use console::dialer::{Dialer, TimeLimit};
use console::endpoint::Endpoint;
use console::socket;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::connection;
use crate::error::{Failure, Stage, Stopped};
use crate::metrics::Metrics;
use crate::registry::SessionInfo;
use crate::relay::{Outcome, ViewerPolicy, relay};
use crate::session_log;
use crate::traffic::Traffic;
use crate::viewer_link::ViewerLink;
use dialect::HostKind;

/// From the viewer's connection until the WebSocket is open.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// No restriction: every viewer that can connect has the host's full access.
const POLICY: ViewerPolicy = ViewerPolicy {
    view_only: false,
    may_be_exclusive: true,
    input_settings: None,
    host: HostKind::Unknown,
    idle_timeout: None,
    max_session_time: None,
};

/// Relays between `socket`, a viewer that has connected from `viewer`, and the WebSocket of `endpoint`, until either
/// ends or `cancelled` is. `id` is the session's number in the log.
///
/// The result is the error's sentence, if there was one; `None` where the viewer left before the dial had a result.
pub async fn relay_bytes(
    id: u64,
    (socket, viewer): (TcpStream, SocketAddr),
    endpoint: &Arc<Endpoint>,
    cancelled: &CancellationToken,
) -> Option<Result<(), String>> {
    let session = SessionInfo::new(id, viewer, &endpoint.name, Traffic::default(), cancelled);
    let span = session_log::span(&session);
    let dialer = Dialer::Url(Arc::clone(endpoint));
    let outcome = relayed(socket, &session, &dialer)
        .instrument(span.clone())
        .await;
    let how = match &outcome {
        Err((_, Failure::ViewerLeft | Failure::ViewerSilent)) => None,
        Err((_, failure)) => Some(Err(failure.to_string())),
        // RFB is not parsed, so either side may close in order at any time.
        Ok(Outcome::ConsoleLost(lost)) if lost.is_orderly() => Some(Ok(())),
        Ok(outcome) => Some(
            outcome
                .failure()
                .map_or(Ok(()), |failure| Err(failure.sentence)),
        ),
    };
    span.in_scope(|| session_log::closed(&session, outcome, &Metrics::default()));
    how
}

async fn relayed(
    socket: TcpStream,
    session: &SessionInfo,
    dialer: &Dialer,
) -> Result<Outcome, Stopped> {
    let prepared = socket::prepare(&socket).map_err(Failure::ViewerBroke);
    prepared.map_err(|failure| (Stage::Accept, failure))?;
    let mut viewer = ViewerLink::new(connection::tcp(socket), BytesMut::new(), session.id);
    let limit = TimeLimit::of(HANDSHAKE);
    let open = async { dialer.grant(limit).await?.open_web_socket(limit).await };
    let opened = tokio::select! {
        opened = open => opened.map_err(Failure::from),
        gone = viewer.gone() => Err(gone),
        () = session.ending.cancelled.cancelled() => return Ok(Outcome::Ended(session.ending.reason())),
    };
    let link = match opened {
        Ok(link) => link,
        Err(failure) => {
            viewer.close().await;
            return Err((Stage::Dial, failure));
        }
    };
    session_log::opened(session, &link.address);
    let end = relay(&mut viewer, link, None, POLICY, session).await;
    let host = async {
        if let Some(host) = end.host {
            host.close().await;
        }
    };
    tokio::join!(host, viewer.close());
    Ok(end.outcome)
}

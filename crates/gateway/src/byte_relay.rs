//! One viewer and one WebSocket, byte for byte: nothing is judged, and RFB is not looked at, its handshake neither.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use console::address::Address;
use console::endpoint::Endpoint;
use console::host_link::Wire;
use console::{Blame, socket};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::error::{Failure, Stage};
use crate::front_door::roll::Ending;
use crate::front_door::viewer::Viewer;
use crate::relay::{self, End, Rules, Traffic};
use crate::repair::HostKind;
use crate::visit::Visit;

/// From a viewer's arrival until the WebSocket is open.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// Whoever can connect may do all that the console's host allows.
const RULES: Rules = Rules {
    view_only: false,
    may_be_alone: true,
    habits: None,
    host: HostKind::Unknown,
    idle_timeout: None,
    max_session_time: None,
};

/// Relays between `socket`, a viewer that has connected from `viewer`, and the WebSocket of `endpoint`, until either
/// ends or `told` is cancelled. `id` is the session's number in the log.
///
/// The result says how it went; `None` where the viewer left before it was known whether the console can be had.
pub async fn relay_bytes(
    id: u64,
    (socket, viewer): (TcpStream, SocketAddr),
    endpoint: &Endpoint,
    told: &CancellationToken,
) -> Option<Result<(), String>> {
    let visit = Visit {
        id,
        viewer,
        user: None,
        vm: endpoint.name.clone(),
        metrics: Arc::default(),
    };
    let (begun, traffic) = (Instant::now(), Traffic::default());
    let span = visit.span();
    let outcome = relayed(socket, &visit, endpoint, told, &traffic)
        .instrument(span.clone())
        .await;
    let how = match &outcome {
        Err((_, Failure::ViewerLeft | Failure::ViewerSilent)) => None,
        Err((_, failure)) | Ok(End::Fault(failure)) => Some(Err(failure.to_string())),
        Ok(_) => Some(Ok(())),
    };
    span.in_scope(|| visit.closed(outcome, begun.elapsed(), &traffic));
    how
}

async fn relayed(
    socket: TcpStream,
    visit: &Visit,
    endpoint: &Endpoint,
    told: &CancellationToken,
    traffic: &Traffic,
) -> Result<End, (Stage, Failure)> {
    let ending = Ending::with(told);
    let prepared = socket::prepare(&socket).map_err(Failure::ViewerBroke);
    prepared.map_err(|failure| (Stage::Accept, failure))?;
    let mut viewer = Viewer::new(socket, BytesMut::new());
    let opened = tokio::select! {
        opened = timeout(HANDSHAKE, open(endpoint)) => opened.unwrap_or_else(|_| Err(slow(endpoint))),
        gone = viewer.gone() => Err(gone),
        () = told.cancelled() => return Ok(End::Told(ending.why())),
    };
    let (address, wire) = match opened {
        Ok(opened) => opened,
        Err(failure) => {
            viewer.close().await;
            return Err((Stage::Dial, failure));
        }
    };
    visit.opened(&address);
    let (Some(connection), early) = viewer.into_parts() else {
        return Ok(End::Viewer);
    };
    Ok(relay::relay(connection, early, wire, RULES, traffic, &ending).await)
}

async fn open(endpoint: &Endpoint) -> Result<(Address, Wire), Failure> {
    let target = endpoint.target(endpoint.place().await?).await?;
    let wire = Wire::open(&target).await?;
    Ok((target.address, wire))
}

fn slow(endpoint: &Endpoint) -> Failure {
    let slow = console::Error::Slow {
        what: endpoint.name.clone(),
        blame: Blame::Esxi,
        within: HANDSHAKE,
    };
    slow.into()
}

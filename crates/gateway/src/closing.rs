//! The end of a session after its relay: what became of its VM, the reason for the viewer, and both connections' closing.

use tokio::join;
use tokio_util::sync::CancellationToken;
use ws_proto::Close;

use crate::open_session::{EndedConsole, OpenSession};
use crate::reason_banner;
use crate::registry::SessionInfo;
use crate::relay::{Outcome, RelayEnd};

/// What remains of a session whose relay has ended.
pub(crate) struct Closing {
    /// Its dialogue is `None` where RFB was relayed unparsed: the viewer is not sent anything more. Its slot is freed
    /// before the viewer is shown the reason: another viewer may have its place.
    pub(crate) open: OpenSession,
    pub(crate) ended: EndedConsole,
}

impl Closing {
    /// Calls `record` with the outcome as soon as it is known, shows the viewer the reason, and closes both connections.
    pub(crate) async fn run(
        self,
        session: &SessionInfo,
        gateway_ends: &CancellationToken,
        record: impl FnOnce(Outcome),
    ) {
        let OpenSession {
            mut viewer,
            dialogue,
            policy,
            slot,
            ..
        } = self.open;
        let EndedConsole { end, vm, host_slot } = self.ended;
        let RelayEnd {
            mut outcome,
            host,
            unprocessed,
        } = end;
        let host = async {
            if let Some(host) = host {
                host.close().await;
            }
            drop(host_slot);
        };
        let viewer = async {
            outcome.explain(vm, gateway_ends).await;
            let reason = outcome.for_viewer(&policy, session.id);
            viewer.close_with(Close {
                code: outcome.close_code(),
                reason: reason.clone().unwrap_or_default(),
            });
            record(outcome);
            drop(slot);
            if let (Some(reason), Some(dialogue), Some(unprocessed), Some(connection)) =
                (reason, dialogue, unprocessed, viewer.parts().0)
            {
                let traffic = &session.traffic;
                reason_banner::show(&reason, dialogue, unprocessed, connection, traffic).await;
            }
            viewer.close().await;
        };
        join!(host, viewer);
    }
}

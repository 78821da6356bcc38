//! The reason of a session's end, shown in the viewer as a banner over its last picture before the connection is closed.
//!
//! RFB has no message for a reason after the login. What it has is a FramebufferUpdate, which answers a request of the
//! viewer (RFC 6143 section 7.6.1).

use std::time::Duration;

use bytes::BytesMut;
use dialect::Dialogue;
use reconnect::{Drawn, HostlessViewer, ViewerEnd};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use crate::traffic::Traffic;

/// How long the viewer may take to request the banner, and can show it.
const SHOWN: Duration = Duration::from_secs(3);

/// Shows `reason` until [`SHOWN`] is over or the viewer leaves. The caller closes the connection in either case. `input`
/// is what was read from the viewer and not processed.
pub(crate) async fn show(
    reason: &str,
    mut dialogue: Dialogue,
    mut input: BytesMut,
    connection: &mut (impl AsyncRead + AsyncWrite + Unpin),
    traffic: &Traffic,
) {
    let sent = |count| traffic.add_to_viewer(count);
    let shown = async {
        let viewer = HostlessViewer::new(&mut dialogue, &mut input, connection, &sent)?;
        send_and_wait(reason, viewer).await
    };
    let _ = timeout(SHOWN, shown).await;
}

/// An `Ok` is that there is nothing to show, an `Err` that the viewer has left or cannot be shown anything.
async fn send_and_wait<V: AsyncRead + AsyncWrite + Unpin>(
    reason: &str,
    mut viewer: HostlessViewer<'_, V>,
) -> Result<(), ViewerEnd> {
    if viewer.awaits_picture() {
        return Ok(());
    }
    viewer.complete().await?;
    loop {
        match viewer.show(reason).await? {
            Drawn::Now => break,
            Drawn::Never => return Ok(()),
            Drawn::NotYet if viewer.awaits_picture() => return Ok(()),
            Drawn::NotYet => viewer.receive().await?,
        }
    }
    // Further requests stay unanswered.
    loop {
        viewer.receive().await?;
    }
}

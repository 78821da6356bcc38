//! The server's side of the RFB 3.8 handshake with security None (RFC 6143 sections 7.1.1 to 7.1.3).

use bytes::{BufMut, BytesMut};
use tokio_tungstenite::tungstenite::Message;

use super::line::Line;
use crate::counts::End;
use crate::misbehaviour::Misbehaviour;

/// Runs it up to and including SecurityResult.
pub(super) async fn serve(line: &mut Line) -> Result<(), End> {
    send_version(line).await?;
    let version = line.take(VERSION.len()).await?;
    if version[..] != VERSION[..] {
        return Err(End::Violation("an RFB version other than 3.8".into()));
    }
    offer_security(line).await?;
    let chosen = line.take(1).await?;
    if chosen[..] != [NONE] {
        return Err(End::Violation(
            "a security type that was not offered".into(),
        ));
    }
    send_result(line).await
}

/// The version is a message of its own: VMware's client tells two sorts of servers apart by that
/// (`docs/webmks.md` 1.1).
pub(super) async fn send_version(line: &mut Line) -> Result<(), End> {
    let version = match &line.misbehaviour {
        Some(Misbehaviour::RfbVersion(version)) => *version,
        _ => *VERSION,
    };
    line.send_first(&version).await?;
    if line.misbehaviour == Some(Misbehaviour::Text) {
        line.put(Message::text("not binary")).await?;
    }
    Ok(())
}

async fn offer_security(line: &mut Line) -> Result<(), End> {
    let mut offer = BytesMut::new();
    match &line.misbehaviour {
        Some(Misbehaviour::NoSecurity(reason)) => {
            offer.put_u8(0);
            put_reason(reason, &mut offer);
            line.send(offer).await?;
            return Err(End::Misbehaved);
        }
        Some(Misbehaviour::VncAuthenticationOnly) => offer.put_slice(&[1, VNC_AUTHENTICATION]),
        _ => offer.put_slice(&[1, NONE]),
    }
    line.send(offer).await
}

async fn send_result(line: &mut Line) -> Result<(), End> {
    let mut result = BytesMut::new();
    if let Some(Misbehaviour::SecurityFailure(reason)) = &line.misbehaviour {
        result.put_u32(1);
        put_reason(reason, &mut result);
        line.send(result).await?;
        return Err(End::Misbehaved);
    }
    result.put_u32(0);
    line.send(result).await
}

fn put_reason(reason: &str, out: &mut BytesMut) {
    out.put_u32(u32::try_from(reason.len()).unwrap_or(u32::MAX));
    out.put_slice(reason.as_bytes());
}

pub(super) const VERSION: &[u8; 12] = b"RFB 003.008\n";
const NONE: u8 = 1;
const VNC_AUTHENTICATION: u8 = 2;

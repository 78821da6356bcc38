//! The server side of the RFB 3.8 handshake, with security None or VNC authentication (RFC 6143 sections 7.1.1 to
//! 7.1.3, 7.2).

use bytes::{BufMut, BytesMut};
use des::Des;
use des::cipher::{BlockCipherEncrypt, KeyInit};
use secrecy::{ExposeSecret, SecretString};
use tokio_tungstenite::tungstenite::Message;

use super::socket::ConsoleSocket;
use crate::counts::EndReason;
use crate::misbehaviour::Misbehaviour;
use crate::random;

/// Runs the handshake up to and including SecurityResult. With `password`, by VNC authentication.
pub(super) async fn serve(
    socket: &mut ConsoleSocket,
    password: Option<&SecretString>,
) -> Result<(), EndReason> {
    agree_on_version(socket).await?;
    let security = password.map_or(NONE, |_| VNC_AUTHENTICATION);
    offer_security(socket, security).await?;
    let chosen = socket.take(1).await?;
    if chosen[..] != [security] {
        return Err(EndReason::Violation(
            "a security type that was not offered".into(),
        ));
    }
    if let Some(password) = password {
        authenticate(socket, password).await?;
    }
    send_result(socket).await
}

/// Refuses the client: no security types, with a reason (RFC 6143 section 7.1.2).
pub(super) async fn refuse(socket: &mut ConsoleSocket, reason: &str) -> EndReason {
    let refused = async {
        agree_on_version(socket).await?;
        send_no_security(socket, reason).await
    };
    refused.await.err().unwrap_or(EndReason::LimitReached)
}

async fn agree_on_version(socket: &mut ConsoleSocket) -> Result<(), EndReason> {
    send_version(socket).await?;
    let version = socket.take(VERSION.len()).await?;
    if version[..] == VERSION[..] {
        Ok(())
    } else {
        Err(EndReason::Violation("an RFB version other than 3.8".into()))
    }
}

/// Sends the version as a message of its own, by which VMware's client tells server types apart (`docs/webmks.md` 1.1).
pub(super) async fn send_version(socket: &mut ConsoleSocket) -> Result<(), EndReason> {
    let version = match &socket.misbehaviour {
        Some(Misbehaviour::RfbVersion(version)) => *version,
        _ => *VERSION,
    };
    socket.send_first(&version).await?;
    if socket.misbehaviour == Some(Misbehaviour::TextMessage) {
        socket.feed_message(Message::text("not binary")).await?;
    }
    Ok(())
}

async fn offer_security(socket: &mut ConsoleSocket, security: u8) -> Result<(), EndReason> {
    let security = match socket.misbehaviour.clone() {
        Some(Misbehaviour::NoSecurity(reason)) => {
            send_no_security(socket, &reason).await?;
            return Err(EndReason::Misbehaved);
        }
        Some(Misbehaviour::VncAuthenticationOnly) => VNC_AUTHENTICATION,
        _ => security,
    };
    socket.send(BytesMut::from(&[1, security][..])).await
}

async fn send_no_security(socket: &mut ConsoleSocket, reason: &str) -> Result<(), EndReason> {
    let mut refusal = BytesMut::new();
    refusal.put_u8(0);
    put_reason(reason, &mut refusal);
    socket.send(refusal).await
}

/// VNC authentication; the text of the failure is a guess.
async fn authenticate(
    socket: &mut ConsoleSocket,
    password: &SecretString,
) -> Result<(), EndReason> {
    let challenge: [u8; 16] = random::bytes();
    socket.send(BytesMut::from(&challenge[..])).await?;
    let response = socket.take(challenge.len()).await?;
    if response[..] == encrypted(challenge, password.expose_secret())[..] {
        return Ok(());
    }
    let mut result = BytesMut::new();
    result.put_u32(1);
    put_reason("Authentication failed.", &mut result);
    socket.send(result).await?;
    Err(EndReason::WrongPassword)
}

/// The response to a challenge: DES with the first 8 bytes of the password, each with its bits reversed.
fn encrypted(mut challenge: [u8; 16], password: &str) -> [u8; 16] {
    let mut key = [0; 8];
    for (place, byte) in key.iter_mut().zip(password.bytes()) {
        *place = byte.reverse_bits();
    }
    let cipher = Des::new(&key.into());
    for block in challenge.as_chunks_mut::<8>().0 {
        cipher.encrypt_block(block.into());
    }
    challenge
}

async fn send_result(socket: &mut ConsoleSocket) -> Result<(), EndReason> {
    let mut result = BytesMut::new();
    if let Some(Misbehaviour::SecurityFailure(reason)) = &socket.misbehaviour {
        result.put_u32(1);
        put_reason(reason, &mut result);
        socket.send(result).await?;
        return Err(EndReason::Misbehaved);
    }
    result.put_u32(0);
    socket.send(result).await
}

fn put_reason(reason: &str, out: &mut BytesMut) {
    out.put_u32(u32::try_from(reason.len()).unwrap_or(u32::MAX));
    out.put_slice(reason.as_bytes());
}

pub(super) const VERSION: &[u8; 12] = b"RFB 003.008\n";
const NONE: u8 = 1;
const VNC_AUTHENTICATION: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected bytes from `openssl enc -des-ecb`.
    #[test]
    fn a_challenge_is_encrypted_as_other_implementations_do() {
        let challenge = std::array::from_fn(|at| at as u8);
        let expected = [
            0x98, 0x8c, 0x6e, 0x4e, 0x3d, 0x01, 0x00, 0x57, 0xc5, 0xc1, 0x6d, 0x69, 0xe4, 0x1c,
            0x6f, 0x85,
        ];
        for password in ["VMware1!", "VMware1! and more"] {
            assert_eq!(encrypted(challenge, password), expected);
        }
        assert_ne!(encrypted(challenge, "VMware1"), expected);
    }
}

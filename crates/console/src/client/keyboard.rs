//! Sends keys to a console: as scancodes where the host accepts VMware key events, else as keysyms.

use std::time::Duration;

use bytes::BytesMut;
use rfb_proto::client_messages::{self, set_encodings};
use rfb_proto::server_messages::{Kind, Message};
use rfb_proto::vmware::{Command, ServerCaps};
use rfb_proto::{Area, Encoding};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::console_client::ConsoleClient;
use super::keys::Chord;
use crate::error::Error;

/// How long ServerCaps is waited for after the first update; that a host sends it before the update is a guess.
const CAPS_TIMEOUT: Duration = Duration::from_millis(500);

/// One pixel, the smallest area that can be requested.
const CORNER: Area = Area {
    x: 0,
    y: 0,
    width: 1,
    height: 1,
};

/// How key events are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEncoding {
    /// VMware key events with scancodes; only the guest's layout decides which character results (`docs/webmks.md` 1.6).
    Scancode,
    /// RFB KeyEvents with the keysyms that the keys have on a US keyboard: VMware's server translates them to scancodes by
    /// that layout (`docs/webmks.md` 2.3, Q6).
    UsKeysym,
    /// RFB KeyEvents with the keysyms of the characters, as other servers expect (RFC 6143 section 7.5.4).
    Keysym,
}

impl KeyEncoding {
    /// The names of the chords that cannot be sent in this encoding, each once.
    pub fn cannot_send(self, chords: &[Chord]) -> Vec<&str> {
        let mut names = Vec::new();
        for chord in chords {
            let lacks = self == Self::UsKeysym && chord.us_keysyms.is_none();
            if lacks && !names.contains(&chord.name.as_str()) {
                names.push(&chord.name);
            }
        }
        names
    }
}

impl ConsoleClient {
    /// Asks for ServerCaps, and with them whether the host accepts scancodes; `otherwise` is the encoding if it does not.
    ///
    /// # Errors
    /// The connection ends, or RFB cannot be decoded.
    pub async fn negotiate_keys(&mut self, otherwise: KeyEncoding) -> Result<KeyEncoding, Error> {
        let mut message = BytesMut::new();
        set_encodings([Encoding::RAW, Encoding::VMWARE_SERVER_CAPS], &mut message);
        self.send(&message).await?;
        self.request(CORNER).await?;
        // The update is waited for even where ServerCaps comes first: it must not be taken for the answer to a later request.
        let (id, caps) = self.wait_for_update().await?;
        let caps = match caps {
            Some(caps) => Some(caps),
            None => timeout(CAPS_TIMEOUT, self.caps()).await.ok().transpose()?,
        };
        // A host that expects acknowledgements may send no further update without one (`docs/webmks.md` 7.1), and
        // `wait_until_read` needs an update.
        if caps.is_some_and(|caps| caps.has(ServerCaps::UPDATE_ACK)) {
            self.command(Command::UpdateAck { id, took: 0 }).await?;
        }
        Ok(match caps {
            Some(caps) if caps.has(ServerCaps::KEY) => KeyEncoding::Scancode,
            _ => otherwise,
        })
    }

    /// Sends chords, one every `pace`, with the keys down for half of it. When `cancel` is cancelled, it releases the keys that
    /// are down and returns. Chords that the encoding cannot send are passed over. Not cancel safe: dropping the future may leave keys down in the guest.
    ///
    /// # Errors
    /// The connection fails.
    pub async fn play(
        &mut self,
        chords: &[Chord],
        press: KeyEncoding,
        pace: Duration,
        cancel: &CancellationToken,
    ) -> Result<(), Error> {
        paced(chords, press, pace, cancel, async |keys| {
            self.send(keys).await
        })
        .await
    }

    /// Waits until the host has read everything sent so far: it requests an update, and the host answers messages in order.
    ///
    /// # Errors
    /// The connection ends, or RFB cannot be decoded.
    pub async fn wait_until_read(&mut self) -> Result<(), Error> {
        self.request(CORNER).await?;
        self.wait_for_update().await.map(drop)
    }

    async fn caps(&mut self) -> Result<ServerCaps, Error> {
        self.receive_until(|piece, _| match piece.message {
            Message::ServerCaps(caps) => Some(caps),
            _ => None,
        })
        .await
    }

    /// Waits for the end of an update and returns its id, with the ServerCaps that came before it.
    async fn wait_for_update(&mut self) -> Result<(u8, Option<ServerCaps>), Error> {
        let (mut latest_caps, mut last_id) = (None, 0);
        self.receive_until(|piece, update| match piece.message {
            Message::ServerCaps(caps) => {
                latest_caps = Some(caps);
                None
            }
            message => {
                if let Message::Update { id, .. } = message {
                    last_id = id;
                }
                let is_update = matches!(message.kind(), Kind::Update | Kind::Rectangle);
                (is_update && update.is_between_messages()).then_some(())
            }
        })
        .await?;
        Ok((last_id, latest_caps))
    }
}

/// Sends each chord when it is due. After `cancel` it releases the keys that are down at once and returns.
async fn paced<E>(
    chords: &[Chord],
    press: KeyEncoding,
    pace: Duration,
    cancel: &CancellationToken,
    mut send: impl AsyncFnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    for chord in chords {
        let (down, up) = chord.messages(press);
        if down.is_empty() {
            continue;
        }
        if cancel.is_cancelled() {
            break;
        }
        send(&down).await?;
        cancel.run_until_cancelled(sleep(pace / 2)).await;
        send(&up).await?;
        cancel.run_until_cancelled(sleep(pace / 2)).await;
    }
    Ok(())
}

impl Chord {
    /// The messages that press the chord, and those that release it.
    fn messages(&self, press: KeyEncoding) -> (BytesMut, BytesMut) {
        let (mut down, mut up) = (BytesMut::new(), BytesMut::new());
        match press {
            KeyEncoding::Scancode => {
                let key = |scan, down| Command::Key { scan, down };
                for &scan in &self.scancodes {
                    key(scan, true).write(&mut down);
                }
                for &scan in self.scancodes.iter().rev() {
                    key(scan, false).write(&mut up);
                }
            }
            KeyEncoding::UsKeysym | KeyEncoding::Keysym => {
                let key = |keysym, down| {
                    client_messages::Message::Key(client_messages::Key { down, keysym })
                };
                let keysyms = match press {
                    KeyEncoding::UsKeysym => self.us_keysyms.as_deref().unwrap_or_default(),
                    _ => &self.keysyms,
                };
                for &keysym in keysyms {
                    key(keysym, true).write(&mut down);
                }
                for &keysym in keysyms.iter().rev() {
                    key(keysym, false).write(&mut up);
                }
            }
        }
        (down, up)
    }
}

#[cfg(test)]
mod tests {
    use rfb_proto::keys::Layout;
    use tokio::time::Instant;

    use super::super::keys::chords_of;
    use super::*;

    /// The messages of a text with their times in milliseconds, and the total time.
    async fn played(
        text: &str,
        layout: Layout,
        press: KeyEncoding,
        cancel: &CancellationToken,
    ) -> (Vec<(u128, Vec<u8>)>, u128) {
        let chords = chords_of(text, layout).unwrap();
        let (began, mut sent) = (Instant::now(), Vec::new());
        let pace = Duration::from_millis(100);
        let played: Result<(), ()> = paced(&chords, press, pace, cancel, async |keys| {
            sent.push((began.elapsed().as_millis(), keys.to_vec()));
            Ok(())
        })
        .await;
        played.unwrap();
        (sent, began.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn keys_are_pressed_every_pace_and_released_after_half_of_it() {
        let key = |down: u8, character| vec![4, down, 0, 0, 0, 0, 0, character];
        let (sent, over) = played(
            "hi",
            Layout::Us,
            KeyEncoding::Keysym,
            &CancellationToken::new(),
        )
        .await;
        let expected = [
            (0, key(1, b'h')),
            (50, key(0, b'h')),
            (100, key(1, b'i')),
            (150, key(0, b'i')),
        ];
        assert_eq!((sent, over), (expected.into(), 200));
    }

    #[tokio::test(start_paused = true)]
    async fn each_stroke_of_a_dead_key_is_paced() {
        for press in [KeyEncoding::Scancode, KeyEncoding::UsKeysym] {
            let (sent, over) = played("ê", Layout::De, press, &CancellationToken::new()).await;
            let times: Vec<u128> = sent.into_iter().map(|(when, _)| when).collect();
            assert_eq!((times, over), (vec![0, 50, 100, 150], 200), "{press:?}");
        }
    }

    #[test]
    fn only_keysyms_lack_keys_that_a_us_keyboard_does_not_have() {
        let chords = chords_of("a<b>|<", Layout::De).unwrap();
        assert_eq!(
            KeyEncoding::UsKeysym.cannot_send(&chords),
            ["'<'", "'>'", "'|'"]
        );
        assert!(KeyEncoding::Scancode.cannot_send(&chords).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn cancelling_releases_keys_at_once_and_presses_no_more() {
        let cancel = CancellationToken::new();
        let cancelling = async {
            sleep(Duration::from_millis(120)).await;
            cancel.cancel();
        };
        let played = played("hij", Layout::Us, KeyEncoding::Keysym, &cancel);
        let ((sent, over), ()) = tokio::join!(played, cancelling);
        let times: Vec<u128> = sent.iter().map(|(when, _)| *when).collect();
        assert_eq!((times, over), (vec![0, 50, 100, 120], 120));
    }
}

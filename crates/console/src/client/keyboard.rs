//! Keys sent to a console: by their place where the host takes that, else by their meaning.

use std::time::Duration;

use bytes::BytesMut;
use rfb_proto::input::{self, set_encodings};
use rfb_proto::update::{Kind, Message};
use rfb_proto::vmware::{Command, ServerCaps};
use rfb_proto::{Area, Encoding};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Chord, ConsoleClient};
use crate::error::Error;

/// How much longer than an update the host's word for what it can do is waited for: that it comes before is a guess.
const PATIENCE: Duration = Duration::from_millis(500);

/// The least that can be asked for.
const CORNER: Area = Area {
    x: 0,
    y: 0,
    width: 1,
    height: 1,
};

/// How keys are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// VMware's own key events: the guest's layout alone decides what is written (`docs/webmks.md` 1.6).
    ByPlace,
    /// RFB's: VMware's server turns them into places by a layout of its own (`docs/webmks.md` 2.3, Q6).
    ByMeaning,
}

impl ConsoleClient {
    /// Asks the host whether it takes keys by their place.
    pub async fn ask_for_keys(&mut self) -> Result<Press, Error> {
        let mut message = BytesMut::new();
        set_encodings([Encoding::RAW, Encoding::VMWARE_SERVER_CAPS], &mut message);
        self.send(&message).await?;
        self.ask_for(CORNER).await?;
        // Not before the update: else that would be taken for the answer to what is asked later.
        let (id, caps) = self.answer().await?;
        let caps = match caps {
            Some(caps) => Some(caps),
            None => timeout(PATIENCE, self.caps()).await.ok().transpose()?,
        };
        // Else the host may send no further update (`docs/webmks.md` 7.1), and one tells that it has read all keys.
        if caps.is_some_and(|caps| caps.has(ServerCaps::UPDATE_ACK)) {
            self.command(Command::UpdateAck { id, took: 0 }).await?;
        }
        Ok(match caps {
            Some(caps) if caps.has(ServerCaps::KEY) => Press::ByPlace,
            _ => Press::ByMeaning,
        })
    }

    /// Plays one chord after the other, `pace` from one to the next, half of which the keys are down. Once it is
    /// `told` to end, it only lifts what is down. Must not be broken off in between: what is down would stay down.
    pub async fn play(
        &mut self,
        chords: &[Chord],
        press: Press,
        pace: Duration,
        told: &CancellationToken,
    ) -> Result<(), Error> {
        paced(chords, press, pace, told, async |keys| {
            self.send(keys).await
        })
        .await
    }

    /// Waits until the host has read all that was sent before: it answers in order.
    pub async fn has_been_heard(&mut self) -> Result<(), Error> {
        self.ask_for(CORNER).await?;
        self.answer().await.map(drop)
    }

    async fn caps(&mut self) -> Result<ServerCaps, Error> {
        self.until(|piece, _| match piece.message {
            Message::ServerCaps(caps) => Some(caps),
            _ => None,
        })
        .await
    }

    /// Waits for the end of an update; its id, and the host's capabilities where they have come before that.
    async fn answer(&mut self) -> Result<(u8, Option<ServerCaps>), Error> {
        let (mut said, mut last) = (None, 0);
        self.until(|piece, update| match piece.message {
            Message::ServerCaps(caps) => {
                said = Some(caps);
                None
            }
            message => {
                if let Message::Update { id, .. } = message {
                    last = id;
                }
                let is_update = matches!(message.kind(), Kind::Update | Kind::Rectangle);
                (is_update && update.is_between_messages()).then_some(())
            }
        })
        .await?;
        Ok((last, said))
    }
}

/// Sends one chord after the other, each when it is due, until it is `told` to end: then what is down goes up at once.
async fn paced<E>(
    chords: &[Chord],
    press: Press,
    pace: Duration,
    told: &CancellationToken,
    mut send: impl AsyncFnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    for chord in chords {
        let (down, up) = chord.messages(press);
        if down.is_empty() {
            continue;
        }
        if told.is_cancelled() {
            break;
        }
        send(&down).await?;
        told.run_until_cancelled(sleep(pace / 2)).await;
        send(&up).await?;
        told.run_until_cancelled(sleep(pace / 2)).await;
    }
    Ok(())
}

impl Chord {
    /// What presses it and what releases it.
    fn messages(&self, press: Press) -> (BytesMut, BytesMut) {
        let (mut down, mut up) = (BytesMut::new(), BytesMut::new());
        match press {
            Press::ByPlace => {
                let key = |scan, down| Command::Key { scan, down };
                for &scan in &self.by_place {
                    key(scan, true).write(&mut down);
                }
                for &scan in self.by_place.iter().rev() {
                    key(scan, false).write(&mut up);
                }
            }
            Press::ByMeaning => {
                let key = |keysym, down| input::Message::Key(input::Key { down, keysym });
                for &keysym in &self.by_meaning {
                    key(keysym, true).write(&mut down);
                }
                for &keysym in self.by_meaning.iter().rev() {
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

    use super::super::chords_of;
    use super::*;

    /// What is sent of a text, and when, in milliseconds; and when it is over.
    async fn played(
        text: &str,
        layout: Layout,
        press: Press,
        told: &CancellationToken,
    ) -> (Vec<(u128, Vec<u8>)>, u128) {
        let chords = chords_of(text, layout).unwrap();
        let (began, mut sent) = (Instant::now(), Vec::new());
        let pace = Duration::from_millis(100);
        let played: Result<(), ()> = paced(&chords, press, pace, told, async |keys| {
            sent.push((began.elapsed().as_millis(), keys.to_vec()));
            Ok(())
        })
        .await;
        played.unwrap();
        (sent, began.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_goes_down_at_each_pace_and_up_in_the_middle_of_it() {
        let key = |down: u8, character| vec![4, down, 0, 0, 0, 0, 0, character];
        let (sent, over) = played(
            "hi",
            Layout::Us,
            Press::ByMeaning,
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
    async fn each_of_two_strokes_for_one_character_has_its_time_and_one_that_is_not_sent_takes_none()
     {
        let times = async |press| {
            let (sent, over) = played("ê", Layout::De, press, &CancellationToken::new()).await;
            let times: Vec<u128> = sent.into_iter().map(|(when, _)| when).collect();
            (times, over)
        };
        assert_eq!(times(Press::ByPlace).await, (vec![0, 50, 100, 150], 200));
        assert_eq!(times(Press::ByMeaning).await, (vec![0, 50], 100));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_told_to_end_lets_go_at_once_and_presses_nothing_more() {
        let told = CancellationToken::new();
        let telling = async {
            sleep(Duration::from_millis(120)).await;
            told.cancel();
        };
        let played = played("hij", Layout::Us, Press::ByMeaning, &told);
        let ((sent, over), ()) = tokio::join!(played, telling);
        let times: Vec<u128> = sent.iter().map(|(when, _)| *when).collect();
        assert_eq!((times, over), (vec![0, 50, 100, 120], 120));
    }
}

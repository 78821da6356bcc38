//! A desktop's keys: the log of key events, implied Shift, and key repeat.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::keyboard::{self, Keyboard, LEFT_SHIFT, SHIFTS};
use super::keysym;
use super::text_edit::TextEdit;
use crate::quirks::{KeyRepeat, Layout};

/// A key event as the guest received it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyEvent {
    /// The PC set-1 scan code in VMware's nine bits, with 0x100 for the prefix E0 (`docs/webmks.md` 1.8). `None`: no
    /// key of a US keyboard has the keysym, so the guest received nothing.
    pub scan_code: Option<u16>,
    /// The X11 keysym that the client sent (RFC 6143 section 7.5.4). `None`: a scan code, or an event that the host
    /// generated.
    pub keysym: Option<u32>,
    /// Whether the key went down.
    pub down: bool,
    /// Whether it is a repetition by the host.
    pub repeated: bool,
}

/// A key as a client sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    ScanCode(u16),
    Keysym(u32),
}

/// A desktop's keys.
pub(super) struct Keys {
    pub(super) keyboard: Keyboard,
    log: VecDeque<KeyEvent>,
    repeat: Option<KeyRepeat>,
    held: Option<Held>,
}

/// The key that was pressed last and is still down.
struct Held {
    code: u16,
    due: Instant,
}

impl Keys {
    pub(super) fn new(layout: Layout, repeat: Option<KeyRepeat>) -> Self {
        Self {
            keyboard: Keyboard::new(layout),
            log: VecDeque::new(),
            repeat,
            held: None,
        }
    }

    /// Handles a key event; returns its effect on the text. `repeats`: whether the host repeats the key.
    pub(super) fn key_event(&mut self, key: Key, down: bool, repeats: bool) -> Option<TextEdit> {
        let (code, edit) = match key {
            Key::ScanCode(code) => (code, self.press_or_release(code, None, down)),
            Key::Keysym(keysym) => {
                let Some((code, shift)) = keysym::key(keysym) else {
                    self.record(KeyEvent {
                        scan_code: None,
                        keysym: Some(keysym),
                        down,
                        repeated: false,
                    });
                    return None;
                };
                (
                    code,
                    self.press_or_release_with_shift(code, shift.filter(|_| down), keysym, down),
                )
            }
        };
        self.hold(code, down, repeats);
        edit
    }

    /// When the held key repeats next, if it does.
    pub(super) fn due(&self) -> Option<Instant> {
        self.held.as_ref().map(|held| held.due)
    }

    /// Repeats the held key if it is due at `now`.
    pub(super) fn repeat(&mut self, now: Instant) -> Option<TextEdit> {
        let period = self.repeat?.period.max(SHORTEST_PERIOD);
        let held = self.held.as_mut().filter(|held| held.due <= now)?;
        held.due += period;
        let code = held.code;
        self.record(KeyEvent {
            scan_code: Some(code),
            keysym: None,
            down: true,
            repeated: true,
        });
        self.keyboard.press(code)
    }

    /// The latest events, oldest first.
    pub(super) fn log(&self) -> Vec<KeyEvent> {
        self.log.iter().copied().collect()
    }

    /// Presses or releases Shift around a key whose character a US keyboard has on the other level. That hosts do so is
    /// a guess.
    fn press_or_release_with_shift(
        &mut self,
        code: u16,
        shift: Option<bool>,
        keysym: u32,
        down: bool,
    ) -> Option<TextEdit> {
        let is_letter = char::from_u32(keysym).is_some_and(char::is_alphabetic);
        let wanted = shift.map(|shift| shift != (is_letter && self.keyboard.has_caps()));
        let Some(wanted) = wanted.filter(|wanted| *wanted != self.keyboard.has_shift()) else {
            return self.press_or_release(code, Some(keysym), down);
        };
        let shifts: Vec<u16> = if wanted {
            vec![LEFT_SHIFT]
        } else {
            self.keyboard
                .down()
                .filter(|down| SHIFTS.contains(down))
                .collect()
        };
        for shift in &shifts {
            self.press_or_release(*shift, None, wanted);
        }
        let edit = self.press_or_release(code, Some(keysym), down);
        for shift in &shifts {
            self.press_or_release(*shift, None, !wanted);
        }
        edit
    }

    fn press_or_release(&mut self, code: u16, keysym: Option<u32>, down: bool) -> Option<TextEdit> {
        self.record(KeyEvent {
            scan_code: Some(code),
            keysym,
            down,
            repeated: false,
        });
        if down {
            return self.keyboard.press(code);
        }
        self.keyboard.release(code);
        None
    }

    fn hold(&mut self, code: u16, down: bool, repeats: bool) {
        if !down {
            self.held.take_if(|held| held.code == code);
        } else if keyboard::is_typematic(code) {
            let due = self
                .repeat
                .filter(|_| repeats)
                .map(|repeat| Instant::now() + repeat.delay);
            self.held = due.map(|due| Held { code, due });
        }
    }

    fn record(&mut self, event: KeyEvent) {
        if self.log.len() >= KEYS_KEPT {
            self.log.pop_front();
        }
        self.log.push_back(event);
    }
}

/// The most key events kept: several screens full of text.
pub const KEYS_KEPT: usize = 64 * 1024;
/// Shorter periods would keep the simulator busy.
const SHORTEST_PERIOD: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn log(keys: &Keys) -> Vec<(u16, bool)> {
        let codes = keys.log().into_iter();
        codes
            .map(|event| (event.scan_code.unwrap(), event.down))
            .collect()
    }

    #[test]
    fn a_keysym_brings_the_shift_it_takes() {
        let mut keys = Keys::new(Layout::Us, None);
        let typed = keys.key_event(Key::Keysym(u32::from('!')), true, true);
        assert_eq!(typed, Some(TextEdit::Append("!".into())));
        assert_eq!(log(&keys), [(0x2a, true), (0x02, true), (0x2a, false)]);
        keys.key_event(Key::Keysym(0xffe2), true, true);
        let typed = keys.key_event(Key::Keysym(u32::from('a')), true, true);
        assert_eq!(typed, Some(TextEdit::Append("a".into())));
        assert_eq!(
            log(&keys)[3..],
            [(0x36, true), (0x36, false), (0x1e, true), (0x36, true)]
        );
    }

    #[test]
    fn with_caps_lock_on_a_capital_letter_needs_no_shift() {
        let mut keys = Keys::new(Layout::Us, None);
        keys.key_event(Key::Keysym(0xffe5), true, true);
        let typed = keys.key_event(Key::Keysym(u32::from('A')), true, true);
        assert_eq!(typed, Some(TextEdit::Append("A".into())));
        assert_eq!(log(&keys), [(0x3a, true), (0x1e, true)]);
        let typed = keys.key_event(Key::Keysym(u32::from('a')), true, true);
        assert_eq!(typed, Some(TextEdit::Append("a".into())));
    }

    #[test]
    fn a_keysym_on_no_us_key_is_logged_and_has_no_effect() {
        let mut keys = Keys::new(Layout::German, None);
        assert_eq!(keys.key_event(Key::Keysym(0xe4), true, true), None);
        let [event] = keys.log()[..] else { panic!() };
        assert_eq!((event.scan_code, event.keysym), (None, Some(0xe4)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_held_key_repeats_and_a_client_that_repeats_it_begins_the_delay_anew() {
        let repeat = KeyRepeat {
            delay: Duration::from_millis(500),
            period: Duration::from_millis(30),
        };
        let mut keys = Keys::new(Layout::Us, Some(repeat));
        let later = |millis| Instant::now() + Duration::from_millis(millis);
        keys.key_event(Key::ScanCode(0x1e), true, true);
        assert_eq!(keys.due(), Some(later(500)));
        assert_eq!(keys.repeat(later(499)), None);
        assert_eq!(keys.repeat(later(500)), Some(TextEdit::Append("a".into())));
        assert_eq!(keys.due(), Some(later(530)));
        tokio::time::advance(Duration::from_millis(100)).await;
        keys.key_event(Key::ScanCode(0x1e), true, true);
        assert_eq!(keys.due(), Some(later(500)));
        keys.key_event(Key::ScanCode(0x2a), true, true);
        keys.key_event(Key::ScanCode(0x2a), false, true);
        assert!(keys.due().is_some(), "another key went up");
        keys.key_event(Key::ScanCode(0x1e), false, true);
        assert_eq!(keys.due(), None);
        keys.key_event(Key::ScanCode(0x1e), true, false);
        assert_eq!(keys.due(), None, "the client repeats it");
    }
}

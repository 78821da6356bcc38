//! The keys that a viewer presses, as the host takes them (`docs/webmks.md` 1.8 and 2.3, Q6), and which are down.

use bytes::BytesMut;
use rfb_proto::input::{Key, QemuKey};
use rfb_proto::keys::{self, ALT_GR, Layout, SHIFT, Stroke, Typed};
use rfb_proto::vmware::VScancode;
use xkeysym::key;

use super::by_keysym::keysyms;
use super::host_key::HostKey;
use super::settings::{CtrlAltInsert, Habits};

/// The most keys that are down at once: more than anybody has fingers. The one that was pressed first makes room.
const MOST_HELD: usize = 24;

const CAPS_LOCK: VScancode = VScancode(0x3a);
const RIGHT_SHIFT: VScancode = VScancode(0x36);

/// The keys of Ctrl-Alt-Insert and Ctrl-Alt-Delete, by their scan codes and by their keysyms.
const CTRL: [VScancode; 2] = [VScancode(0x1d), VScancode(0x11d)];
const CTRL_KEYSYMS: [u32; 2] = [key::Control_L, key::Control_R];
const ALT: [VScancode; 2] = [VScancode(0x38), VScancode(0x138)];
const ALT_KEYSYMS: [u32; 2] = [key::Alt_L, key::Alt_R];
const INSERT: VScancode = VScancode(0x152);
const INSERT_KEYSYMS: [u32; 2] = [key::Insert, key::KP_Insert];
const DELETE: VScancode = VScancode(0x153);

/// One viewer's keyboard.
#[derive(Debug)]
pub(super) struct Keyboard {
    /// The layout that the guest has.
    layout: Layout,
    /// Whether the viewer's keys are to become scan codes.
    scancodes: bool,
    ctrl_alt_insert: CtrlAltInsert,
    /// Whether the host takes scan codes.
    use_scancodes: bool,
    /// In the order in which they were pressed.
    held: Vec<Held>,
    /// Modifiers that are not as the viewer has them, for the sake of the last key, and how they are instead.
    overridden: Vec<(VScancode, bool)>,
    caps_lock: bool,
}

/// A key that is down.
#[derive(Debug, Clone, Copy)]
struct Held {
    by: Name,
    pressed: HostKey,
    /// With which modifiers, where that matters.
    stroke: Option<Stroke>,
}

/// What the viewer calls a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Keysym(u32),
    Xt(u32),
}

impl Keyboard {
    pub(super) const fn new(habits: Habits) -> Self {
        Self {
            layout: habits.layout,
            scancodes: habits.scancodes,
            ctrl_alt_insert: habits.ctrl_alt_insert,
            use_scancodes: false,
            held: Vec::new(),
            overridden: Vec::new(),
            caps_lock: false,
        }
    }

    /// The host takes scan codes. Keys that are down go up as they went down.
    pub(super) const fn use_scancodes(&mut self) {
        self.use_scancodes = true;
    }

    /// The state of the Caps Lock LED, as the host has sent it.
    pub(super) const fn caps_lock(&mut self, on: bool) {
        self.caps_lock = on;
    }

    /// A KeyEvent.
    pub(super) fn key(&mut self, key: Key, host: &mut BytesMut) {
        let by = Name::Keysym(key.keysym);
        if !key.down {
            return self.release(by, host);
        }
        if self.repeats(by, host) {
            return;
        }
        self.restore_modifiers(host);
        if INSERT_KEYSYMS.contains(&key.keysym) && self.insert_is_delete() {
            return self.press(by, self.delete(), None, host);
        }
        match self.by_layout(key.keysym) {
            None => self.press(by, HostKey::Keysym(key.keysym), None, host),
            Some(Typed::Plain(scancode)) => self.press(by, HostKey::Scancode(scancode), None, host),
            Some(Typed::Stroke(stroke)) => self.strike(by, self.with_caps(stroke), host),
            Some(Typed::Dead(dead, stroke)) => {
                self.tap(dead, host);
                self.strike(by, self.with_caps(stroke), host);
            }
        }
    }

    /// A QEMU extended key event.
    pub(super) fn qemu_key(&mut self, key: QemuKey, host: &mut BytesMut) {
        let QemuKey {
            down,
            keysym,
            keycode,
        } = key;
        let scancode = keys::from_xt(keycode).filter(|_| self.sends_scancodes());
        let by = Name::Xt(keycode);
        match scancode {
            None if keysym != 0 => self.key(Key { down, keysym }, host),
            None => {}
            Some(_) if !down => {
                // It may have gone down before the viewer learned that it may send scan codes.
                let as_keysym = Name::Keysym(keysym);
                let earlier = !self.holds(by) && self.holds(as_keysym);
                self.release(if earlier { as_keysym } else { by }, host);
            }
            Some(_) if self.repeats(by, host) => {}
            Some(scancode) => {
                self.restore_modifiers(host);
                let insert = scancode == INSERT || keysym == key::KP_Insert;
                let key = match insert && self.insert_is_delete() {
                    true => self.delete(),
                    false => HostKey::Scancode(scancode),
                };
                self.press(by, key, None, host);
            }
        }
    }

    /// Whether there is something to press that writes `character`.
    pub(super) fn can_write(&self, character: char) -> bool {
        let typed = self.layout.types(character);
        typed.is_some_and(|typed| self.use_scancodes || keysyms(typed).is_some())
    }

    /// Presses and releases what writes `character`, if anything.
    pub(super) fn write(&mut self, character: char, host: &mut BytesMut) {
        self.restore_modifiers(host);
        match self.layout.types(character) {
            None => {}
            Some(typed) if !self.use_scancodes => {
                let keys = keysyms(typed).into_iter().flatten().flatten();
                keys.for_each(|key| key.tap(host));
            }
            Some(Typed::Plain(scancode)) => {
                HostKey::Scancode(scancode).send(true, host);
                HostKey::Scancode(scancode).send(false, host);
            }
            Some(Typed::Stroke(stroke)) => self.tap(self.with_caps(stroke), host),
            Some(Typed::Dead(dead, stroke)) => {
                self.tap(dead, host);
                self.tap(self.with_caps(stroke), host);
            }
        }
    }

    /// Lets go of everything.
    pub(super) fn release_all(&mut self, host: &mut BytesMut) {
        self.restore_modifiers(host);
        for held in self.held.drain(..) {
            held.pressed.send(false, host);
        }
    }

    /// Whether Insert, pressed now, is Delete in the guest. It goes up as what it went down as.
    fn insert_is_delete(&self) -> bool {
        self.ctrl_alt_insert == CtrlAltInsert::Delete
            && self.holds_one(&CTRL, &CTRL_KEYSYMS)
            && self.holds_one(&ALT, &ALT_KEYSYMS)
    }

    fn holds_one(&self, scancodes: &[VScancode], keysyms: &[u32]) -> bool {
        self.held.iter().any(|held| match held.pressed {
            // AltGr has the scan code of the right Alt, and is none.
            _ if held.by == Name::Keysym(key::ISO_Level3_Shift) => false,
            HostKey::Scancode(scancode) => scancodes.contains(&scancode),
            HostKey::Keysym(keysym) => keysyms.contains(&keysym),
        })
    }

    const fn delete(&self) -> HostKey {
        match self.sends_scancodes() {
            true => HostKey::Scancode(DELETE),
            false => HostKey::Keysym(key::Delete),
        }
    }

    /// Whether the viewer's keys become scan codes.
    const fn sends_scancodes(&self) -> bool {
        self.scancodes && self.use_scancodes
    }

    fn by_layout(&self, keysym: u32) -> Option<Typed> {
        self.layout.key(keysym).filter(|_| self.sends_scancodes())
    }

    /// A key that is down already is pressed once more. The host repeats keys by itself; that this restarts its
    /// clock, as it does on a PC's keyboard, is a guess.
    fn repeats(&mut self, by: Name, host: &mut BytesMut) -> bool {
        let Some(at) = self.held.iter().position(|held| held.by == by) else {
            return false;
        };
        let Some(&held) = self.held.get(at) else {
            return false;
        };
        if at + 1 != self.held.len() {
            self.restore_modifiers(host);
        }
        if let Some(stroke) = held.stroke {
            self.override_modifiers(stroke, host);
        }
        held.pressed.send(true, host);
        true
    }

    fn holds(&self, by: Name) -> bool {
        self.held.iter().any(|held| held.by == by)
    }

    fn release(&mut self, by: Name, host: &mut BytesMut) {
        let key = self.translate(by);
        let named = self.held.iter().position(|held| held.by == by);
        // One key can have two names: of Shift and a letter, whichever is let go first.
        let same = || self.held.iter().position(|held| Some(held.pressed) == key);
        match (named.or_else(same), key) {
            (Some(at), _) => self.lift(at, host),
            // Viewers release keys that they have not pressed, to be sure.
            (None, Some(key)) => key.send(false, host),
            (None, None) => {}
        }
        self.restore_modifiers(host);
    }

    /// The key that was pressed as number `at` of those that are down goes up, and stays there.
    fn lift(&mut self, at: usize, host: &mut BytesMut) {
        let Held { pressed, .. } = self.held.remove(at);
        pressed.send(false, host);
        self.overridden
            .retain(|(scancode, _)| pressed != HostKey::Scancode(*scancode));
    }

    fn translate(&self, by: Name) -> Option<HostKey> {
        match by {
            Name::Xt(code) => keys::from_xt(code).map(HostKey::Scancode),
            Name::Keysym(keysym) if !self.sends_scancodes() => Some(HostKey::Keysym(keysym)),
            Name::Keysym(keysym) => match self.layout.key(keysym) {
                Some(Typed::Plain(scancode)) => Some(HostKey::Scancode(scancode)),
                _ => None,
            },
        }
    }

    fn strike(&mut self, by: Name, stroke: Stroke, host: &mut BytesMut) {
        self.override_modifiers(stroke, host);
        self.press(by, HostKey::Scancode(stroke.scan), Some(stroke), host);
    }

    fn press(&mut self, by: Name, key: HostKey, stroke: Option<Stroke>, host: &mut BytesMut) {
        if matches!(key, HostKey::Scancode(CAPS_LOCK)) {
            self.caps_lock = !self.caps_lock;
        }
        if self.held.len() >= MOST_HELD {
            self.lift(0, host);
        }
        key.send(true, host);
        let pressed = key;
        self.held.push(Held {
            by,
            pressed,
            stroke,
        });
    }

    /// Presses and releases a key with its modifiers.
    fn tap(&mut self, stroke: Stroke, host: &mut BytesMut) {
        self.override_modifiers(stroke, host);
        HostKey::Scancode(stroke.scan).send(true, host);
        HostKey::Scancode(stroke.scan).send(false, host);
        self.restore_modifiers(host);
    }

    /// Makes the modifiers what the stroke takes.
    fn override_modifiers(&mut self, stroke: Stroke, host: &mut BytesMut) {
        if self.overridden.is_empty() {
            self.override_one(&[SHIFT, RIGHT_SHIFT], stroke.shift, host);
            self.override_one(&[ALT_GR], stroke.alt_gr, host);
        }
    }

    fn override_one(&mut self, keys: &[VScancode], wanted: bool, host: &mut BytesMut) {
        let is_one = |held: &&Held| match held.pressed {
            // The right Alt that a viewer calls so is no AltGr, and stays where it is.
            HostKey::Scancode(scancode) => {
                keys.contains(&scancode) && held.by != Name::Keysym(key::Alt_R)
            }
            HostKey::Keysym(_) => false,
        };
        let down: Vec<VScancode> = self
            .held
            .iter()
            .filter(is_one)
            .filter_map(|held| held.pressed.scancode())
            .collect();
        let change = match (wanted, down.is_empty()) {
            (true, true) => keys.first().copied().into_iter().collect(),
            (false, false) => down,
            _ => Vec::new(),
        };
        for scancode in change {
            HostKey::Scancode(scancode).send(wanted, host);
            self.overridden.push((scancode, wanted));
        }
    }

    /// Makes the modifiers what the viewer has.
    fn restore_modifiers(&mut self, host: &mut BytesMut) {
        for (scancode, down) in self.overridden.drain(..).rev() {
            HostKey::Scancode(scancode).send(!down, host);
        }
    }

    /// Caps Lock turns Shift round for letters that have two cases on their key.
    fn with_caps(&self, stroke: Stroke) -> Stroke {
        let shift = !stroke.shift;
        let other = Stroke { shift, ..stroke };
        match (self.layout.writes(stroke), self.layout.writes(other)) {
            (Some(one), Some(two))
                if self.caps_lock && one != two && one.to_lowercase().eq(two.to_lowercase()) =>
            {
                other
            }
            _ => stroke,
        }
    }
}

//! Key events in the form that the host takes (`docs/webmks.md` 1.8 and 2.3, Q6), and the keys that are pressed.

use bytes::BytesMut;
use rfb_proto::client_messages::{Key, QemuKey};
use rfb_proto::keys::{self, ALT_GR, Layout, SHIFT, Stroke, Typed};
use rfb_proto::vmware::VScancode;
use xkeysym::key;

use super::by_keysym::keysyms;
use super::host_key::HostKey;
use super::paste::CannotWrite;
use super::settings::{CtrlAltInsert, InputSettings};

/// The most keys that are pressed at once, more than a user can press. Beyond that, the oldest is released.
const MOST_HELD: usize = 24;

const CAPS_LOCK: VScancode = VScancode(0x3a);
const RIGHT_SHIFT: VScancode = VScancode(0x36);

/// The keys of Ctrl-Alt-Insert and Ctrl-Alt-Delete: scan codes and keysyms.
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
    /// The layout of the guest.
    layout: Layout,
    /// Whether the viewer's keys are to be sent as scan codes.
    scancodes: bool,
    ctrl_alt_insert: CtrlAltInsert,
    /// Whether the host takes scan codes.
    use_scancodes: bool,
    /// The pressed keys, the oldest first.
    held: Vec<Held>,
    /// Modifiers whose state differs from the viewer's for the last key, and their present state.
    overridden: Vec<(VScancode, bool)>,
    caps_lock: bool,
}

/// A key that is pressed.
#[derive(Debug, Clone, Copy)]
struct Held {
    by: Name,
    pressed: HostKey,
    /// The key with its modifiers, if the character depends on them.
    stroke: Option<Stroke>,
}

/// How the viewer identifies a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Keysym(u32),
    Xt(u32),
    Vmware(VScancode),
}

impl Keyboard {
    pub(super) const fn new(input_settings: InputSettings) -> Self {
        Self {
            layout: input_settings.layout,
            scancodes: input_settings.scancodes,
            ctrl_alt_insert: input_settings.ctrl_alt_insert,
            use_scancodes: false,
            held: Vec::new(),
            overridden: Vec::new(),
            caps_lock: false,
        }
    }

    /// The host takes scan codes. Keys that are pressed are released in the form in which they were pressed.
    pub(super) const fn use_scancodes(&mut self) {
        self.use_scancodes = true;
    }

    /// The state of the Caps Lock LED, as the host has sent it.
    pub(super) const fn set_caps_lock(&mut self, on: bool) {
        self.caps_lock = on;
    }

    /// A KeyEvent.
    pub(super) fn key(&mut self, key: Key, host: &mut BytesMut) {
        let by = Name::Keysym(key.keysym);
        if !key.down {
            return self.release(by, host);
        }
        if self.repeat(by, host) {
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
                // It may have been pressed by keysym, before the viewer knew that it can send scan codes.
                let as_keysym = Name::Keysym(keysym);
                let earlier = !self.holds(by) && self.holds(as_keysym);
                self.release(if earlier { as_keysym } else { by }, host);
            }
            Some(scancode) => {
                let insert = scancode == INSERT || keysym == key::KP_Insert;
                self.press_scancode(by, scancode, insert, host);
            }
        }
    }

    /// A key event of VMware's own client, to a host that takes scan codes.
    pub(super) fn vmware_key(&mut self, scan: VScancode, down: bool, host: &mut BytesMut) {
        let by = Name::Vmware(scan);
        match down {
            true => self.press_scancode(by, scan, scan == INSERT, host),
            false => self.release(by, host),
        }
    }

    /// Whether there are keys that write `character`.
    pub(super) fn check(&self, character: char) -> Result<(), CannotWrite> {
        match self.layout.types(character) {
            None => Err(CannotWrite::Layout),
            Some(typed) if !self.use_scancodes && keysyms(typed).is_none() => {
                Err(CannotWrite::Host)
            }
            Some(_) => Ok(()),
        }
    }

    /// Presses and releases the keys that write `character`, if there are any.
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

    /// Releases all keys.
    pub(super) fn release_all(&mut self, host: &mut BytesMut) {
        self.restore_modifiers(host);
        for held in self.held.drain(..) {
            held.pressed.send(false, host);
        }
    }

    /// Whether Insert, pressed now, becomes Delete in the guest.
    fn insert_is_delete(&self) -> bool {
        self.ctrl_alt_insert == CtrlAltInsert::Delete
            && self.holds_one(&CTRL, &CTRL_KEYSYMS)
            && self.holds_one(&ALT, &ALT_KEYSYMS)
    }

    fn holds_one(&self, scancodes: &[VScancode], keysyms: &[u32]) -> bool {
        self.held.iter().any(|held| match held.pressed {
            // AltGr has the scan code of the right Alt, but does not count as Alt.
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

    /// Whether the viewer's keys are sent as scan codes.
    const fn sends_scancodes(&self) -> bool {
        self.scancodes && self.use_scancodes
    }

    fn by_layout(&self, keysym: u32) -> Option<Typed> {
        self.layout.key(keysym).filter(|_| self.sends_scancodes())
    }

    /// Presses a key again that is pressed already; returns whether it was. The host repeats keys by itself; that this
    /// restarts its delay, as on a PC's keyboard, is a guess.
    fn repeat(&mut self, by: Name, host: &mut BytesMut) -> bool {
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

    fn press_scancode(&mut self, by: Name, scancode: VScancode, insert: bool, host: &mut BytesMut) {
        if self.repeat(by, host) {
            return;
        }
        self.restore_modifiers(host);
        let key = match insert && self.insert_is_delete() {
            true => HostKey::Scancode(DELETE),
            false => HostKey::Scancode(scancode),
        };
        self.press(by, key, None, host);
    }

    fn holds(&self, by: Name) -> bool {
        self.held.iter().any(|held| held.by == by)
    }

    fn release(&mut self, by: Name, host: &mut BytesMut) {
        let key = self.translate(by);
        let named = self.held.iter().position(|held| held.by == by);
        // The same key can have two keysyms: with Shift, if Shift was released before the letter.
        let same = || self.held.iter().position(|held| Some(held.pressed) == key);
        match (named.or_else(same), key) {
            (Some(at), _) => self.release_at(at, host),
            // Some viewers release keys that they have not pressed, as a precaution.
            (None, Some(key)) => key.send(false, host),
            (None, None) => {}
        }
        self.restore_modifiers(host);
    }

    /// Releases the pressed key number `at`. Its modifier state is not restored later.
    fn release_at(&mut self, at: usize, host: &mut BytesMut) {
        let Held { pressed, .. } = self.held.remove(at);
        pressed.send(false, host);
        self.overridden
            .retain(|(scancode, _)| pressed != HostKey::Scancode(*scancode));
    }

    fn translate(&self, by: Name) -> Option<HostKey> {
        match by {
            Name::Xt(code) => keys::from_xt(code).map(HostKey::Scancode),
            Name::Vmware(scancode) => Some(HostKey::Scancode(scancode)),
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
            self.release_at(0, host);
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

    /// Sets the modifiers to those of the stroke.
    fn override_modifiers(&mut self, stroke: Stroke, host: &mut BytesMut) {
        if self.overridden.is_empty() {
            self.override_one(&[SHIFT, RIGHT_SHIFT], stroke.shift, host);
            self.override_one(&[ALT_GR], stroke.alt_gr, host);
        }
    }

    fn override_one(&mut self, keys: &[VScancode], wanted: bool, host: &mut BytesMut) {
        let is_one = |held: &&Held| match held.pressed {
            // A right Alt with the keysym Alt_R is not AltGr and stays pressed.
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

    /// Sets the modifiers to their state at the viewer.
    fn restore_modifiers(&mut self, host: &mut BytesMut) {
        for (scancode, down) in self.overridden.drain(..).rev() {
            HostKey::Scancode(scancode).send(!down, host);
        }
    }

    /// With Caps Lock, Shift is inverted for letters with two cases on their key.
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

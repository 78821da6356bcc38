//! Translates text and key names to chords of scancodes and keysyms.

use rfb_proto::keys::{ALT_GR, Layout, SHIFT, Stroke, Typed, keysym};
use rfb_proto::vmware::VScancode;
use xkeysym::key;

/// Names of keys, and their X keysyms.
const NAMES: [(&[&str], u32); 40] = [
    (&["ctrl", "control", "lctrl"], key::Control_L),
    (&["rctrl"], key::Control_R),
    (&["alt", "lalt"], key::Alt_L),
    (&["altgr", "ralt"], key::ISO_Level3_Shift),
    (&["shift", "lshift"], key::Shift_L),
    (&["rshift"], key::Shift_R),
    (&["win", "super", "meta", "cmd", "lwin"], key::Super_L),
    (&["rwin"], key::Super_R),
    (&["menu", "apps"], key::Menu),
    (&["enter", "return", "ret"], key::Return),
    (&["esc", "escape"], key::Escape),
    (&["tab"], key::Tab),
    (&["backspace", "bsp", "bs"], key::BackSpace),
    (&["space", "spc"], key::space),
    (&["del", "delete"], key::Delete),
    (&["ins", "insert"], key::Insert),
    (&["home"], key::Home),
    (&["end"], key::End),
    (&["pgup", "pageup"], key::Page_Up),
    (&["pgdn", "pagedown"], key::Page_Down),
    (&["up"], key::Up),
    (&["down"], key::Down),
    (&["left"], key::Left),
    (&["right"], key::Right),
    (&["caps", "capslock"], key::Caps_Lock),
    (&["num", "numlock"], key::Num_Lock),
    (&["scroll", "scrolllock"], key::Scroll_Lock),
    (&["print", "prtsc", "printscreen"], key::Print),
    (&["sysrq"], key::Sys_Req),
    (&["pause", "break"], key::Pause),
    (&["minus"], key::minus),
    (&["plus"], key::plus),
    (&["slash"], key::slash),
    (&["backslash"], key::backslash),
    (&["comma"], key::comma),
    (&["dot", "period"], key::period),
    (&["kpenter"], key::KP_Enter),
    (&["kpplus"], key::KP_Add),
    (&["kpminus"], key::KP_Subtract),
    (&["kpequal", "kpequals"], key::KP_Equal),
];

/// Keys that are pressed in order and released in reverse order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chord {
    /// The character or the key names that it was made from, quoted for messages.
    pub(super) name: String,
    /// For hosts that accept VMware key events.
    pub(super) scancodes: Vec<VScancode>,
    /// The keysyms that the keys have on a US keyboard. `None` if it does not have them all.
    pub(super) us_keysyms: Option<Vec<u32>>,
    /// The keysyms of the characters that are written (RFC 6143 section 7.5.4). Empty for a dead key, whose accented
    /// character has a keysym of its own.
    pub(super) keysyms: Vec<u32>,
}

/// Why a text is not a chord.
#[derive(Debug, thiserror::Error)]
pub enum ChordError {
    /// No key has that name.
    #[error(
        "unknown key {0:?}: write one as in ctrl-alt-del, f2, enter, win-r, or a single character"
    )]
    UnknownKey(String),
    /// The layout has no such key.
    #[error(
        "no single key of the layout {layout} writes {name:?}: if the guest has another layout, choose it with --layout"
    )]
    NotInLayout {
        /// The name of the layout.
        layout: &'static str,
        /// The name of the key.
        name: String,
    },
}

/// The chords that type `text` in a guest with the keyboard layout `layout`.
///
/// # Errors
/// The characters that this layout cannot type, each once.
pub fn chords_of(text: &str, layout: Layout) -> Result<Vec<Chord>, Vec<char>> {
    let (mut chords, mut missing) = (Vec::new(), Vec::new());
    for character in text.replace("\r\n", "\n").chars() {
        let symbol = keysym(character);
        // Shift is sent with it: servers differ in how they treat a capital letter's keysym alone.
        let written = |shift: bool| [shift.then_some(key::Shift_L), Some(symbol)];
        let stroke = |stroke, written| Chord::of_stroke(character, stroke, written);
        match layout.types(character) {
            Some(Typed::Plain(scancode)) => chords.push(Chord {
                name: quoted(character),
                scancodes: vec![scancode],
                us_keysyms: Some(vec![symbol]),
                keysyms: vec![symbol],
            }),
            Some(Typed::Stroke(one)) => chords.push(stroke(one, written(one.shift))),
            Some(Typed::Dead(dead, then)) => {
                chords.extend([stroke(dead, [None; 2]), stroke(then, written(false))]);
            }
            None if missing.contains(&character) => {}
            None => missing.push(character),
        }
    }
    match missing.is_empty() {
        true => Ok(chords),
        false => Err(missing),
    }
}

/// A character in a message.
pub fn quoted(character: char) -> String {
    format!("'{}'", character.escape_debug())
}

impl Chord {
    /// Reads `ctrl-alt-del`, `F2`, `shift-a` and the like.
    ///
    /// # Errors
    /// The key that is unknown, or that the layout does not have.
    pub fn parse(text: &str, layout: Layout) -> Result<Self, ChordError> {
        let mut chord = Self::named(format!("{text:?}"));
        for name in parts(text) {
            let symbol =
                named_keysym(name).ok_or_else(|| ChordError::UnknownKey(name.to_owned()))?;
            match layout.key(symbol) {
                Some(Typed::Plain(scancode)) => {
                    chord.press(scancode, Some(symbol));
                    chord.keysyms.push(symbol);
                }
                Some(Typed::Stroke(stroke)) => {
                    let own = chord.press_stroke(stroke);
                    let written = match chord.scancodes.contains(&SHIFT) {
                        true => layout.writes(Stroke {
                            shift: true,
                            ..stroke
                        }),
                        false => None,
                    };
                    chord.keysyms.extend(own);
                    chord.keysyms.push(written.map_or(symbol, keysym));
                }
                _ => {
                    return Err(ChordError::NotInLayout {
                        layout: layout.name(),
                        name: name.to_owned(),
                    });
                }
            }
        }
        Ok(chord)
    }

    const fn named(name: String) -> Self {
        Self {
            name,
            scancodes: Vec::new(),
            us_keysyms: Some(Vec::new()),
            keysyms: Vec::new(),
        }
    }

    /// The chord of one stroke of a character, and the keysyms `written` for it.
    fn of_stroke(character: char, stroke: Stroke, written: [Option<u32>; 2]) -> Self {
        let mut chord = Self::named(quoted(character));
        chord.press_stroke(stroke);
        chord.keysyms.extend(written.into_iter().flatten());
        chord
    }

    /// Adds a key, with its keysym on a US keyboard.
    fn press(&mut self, scancode: VScancode, us_keysym: Option<u32>) {
        self.scancodes.push(scancode);
        match (&mut self.us_keysyms, us_keysym) {
            (Some(keysyms), Some(symbol)) => keysyms.push(symbol),
            _ => self.us_keysyms = None,
        }
    }

    /// Adds a key with its modifiers, unless those are down already. Returns the keysyms of the modifiers that it added.
    fn press_stroke(&mut self, stroke: Stroke) -> Vec<u32> {
        let mut modifiers = Vec::new();
        if stroke.shift && !self.scancodes.contains(&SHIFT) {
            self.press(SHIFT, Some(key::Shift_L));
            modifiers.push(key::Shift_L);
        }
        if stroke.alt_gr && !self.scancodes.contains(&ALT_GR) {
            self.press(ALT_GR, Some(key::Alt_R));
            modifiers.push(key::ISO_Level3_Shift);
        }
        // With Shift down the key has the keysym of its shifted character.
        let shift = self.scancodes.contains(&SHIFT);
        self.press(stroke.scan, Stroke { shift, ..stroke }.us_keysym());
        modifiers
    }
}

/// The names in `ctrl-alt-del` or `ctrl+alt+del`; a `-` or `+` at the end is a key itself.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let last = text.char_indices().next_back().map_or(0, |(at, _)| at);
    let is_separator = |(at, c): (usize, char)| matches!(c, '-' | '+') && at > 0 && at < last;
    let mut begin = 0;
    let mut cuts: Vec<usize> = text
        .char_indices()
        .filter(|&at| is_separator(at))
        .map(|(at, _)| at)
        .collect();
    cuts.push(text.len());
    cuts.into_iter().map(move |end| {
        let part = text.get(begin..end).unwrap_or_default();
        begin = end + 1;
        part
    })
}

fn named_keysym(name: &str) -> Option<u32> {
    let lower = name.to_lowercase();
    let named = NAMES
        .iter()
        .find(|(names, _)| names.contains(&lower.as_str()));
    if let Some((_, symbol)) = named {
        return Some(*symbol);
    }
    let mut characters = name.chars();
    if let (Some(one), None) = (characters.next(), characters.next()) {
        return Some(keysym(one));
    }
    let number: u32 = lower.strip_prefix('f')?.parse().ok()?;
    (1..=24).contains(&number).then(|| key::F1 + number - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scancodes_of(text: &str) -> Vec<u16> {
        let chord = Chord::parse(text, Layout::Us).unwrap();
        chord.scancodes.iter().map(|scancode| scancode.0).collect()
    }

    #[test]
    fn chords_are_parsed() {
        for (text, scancodes) in [
            ("ctrl-alt-del", vec![0x1d, 0x38, 0x153]),
            ("Ctrl+Alt+F1", vec![0x1d, 0x38, 0x3b]),
            ("F12", vec![0x58]),
            ("f", vec![0x21]),
            ("win-r", vec![0x15b, 0x13]),
            ("ctrl--", vec![0x1d, 0x0c]),
            ("-", vec![0x0c]),
            ("shift-a", vec![0x2a, 0x1e]),
            ("A", vec![0x2a, 0x1e]),
            ("shift-A", vec![0x2a, 0x1e]),
            ("printscreen", vec![0x137]),
            ("alt-sysrq", vec![0x38, 0x54]),
            ("kpequal", vec![0x0d]),
            ("f13", vec![0x64]),
            ("f24", vec![0x76]),
        ] {
            assert_eq!(scancodes_of(text), scancodes, "{text}");
        }
        let shifted = Chord::parse("shift-a", Layout::Us).unwrap();
        assert_eq!(shifted.us_keysyms, Some(vec![key::Shift_L, 0x41]));
        assert_eq!(shifted.keysyms, [key::Shift_L, 0x41]);
        for text in ["", "ctrl-", "ctrl-dle", "f25", "f0", "ß"] {
            assert!(Chord::parse(text, Layout::Us).is_err(), "{text}");
        }
    }

    #[test]
    fn text_is_translated_to_keys_with_modifiers() {
        let us = chords_of("aB\r\n", Layout::Us).unwrap();
        let scancodes: Vec<Vec<u16>> = us
            .iter()
            .map(|chord| chord.scancodes.iter().map(|scancode| scancode.0).collect())
            .collect();
        assert_eq!(scancodes, [vec![0x1e], vec![0x2a, 0x30], vec![0x1c]]);
        assert_eq!(us[1].us_keysyms, Some(vec![key::Shift_L, 0x42]));
        assert_eq!(us[1].keysyms, [key::Shift_L, 0x42]);
        // The guest's layout decides where a letter is.
        let de = chords_of("y@", Layout::De).unwrap();
        assert_eq!(de[0].scancodes, [VScancode(0x2c)]);
        assert_eq!(de[1].scancodes, [ALT_GR, VScancode(0x10)]);
        assert_eq!(de[1].keysyms, [0x40]);
        assert_eq!(chords_of("aßüß", Layout::Us), Err(vec!['ß', 'ü']));
    }

    #[test]
    fn keysyms_are_those_of_the_same_keys_on_a_us_keyboard() {
        let keysyms = |text| {
            let chords = chords_of(text, Layout::De).unwrap();
            let keysyms = chords.into_iter().map(|chord| chord.us_keysyms);
            keysyms.collect::<Option<Vec<Vec<u32>>>>()
        };
        let symbol = |character| vec![u32::from(character)];
        assert_eq!(keysyms("zü"), Some(vec![symbol('y'), symbol('[')]));
        assert_eq!(keysyms("ê"), Some(vec![symbol('`'), symbol('e')]));
        assert_eq!(
            keysyms("Ö@"),
            Some(vec![
                [vec![key::Shift_L], symbol(':')].concat(),
                [vec![key::Alt_R], symbol('q')].concat()
            ])
        );
        // The key beside the left Shift.
        assert_eq!(keysyms("<"), None);
        let ctrl_z = Chord::parse("ctrl-z", Layout::De).unwrap();
        let expected = [vec![key::Control_L], symbol('y')].concat();
        assert_eq!(ctrl_z.us_keysyms, Some(expected));
    }

    #[test]
    fn a_dead_key_has_a_scancode_and_no_keysym() {
        let chords = chords_of("ê", Layout::Fr).unwrap();
        assert_eq!(chords.len(), 2);
        assert!(chords[0].keysyms.is_empty() && !chords[0].scancodes.is_empty());
        assert_eq!(chords[1].keysyms, [0xea]);
    }
}

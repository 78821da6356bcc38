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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chord {
    /// For hosts that accept VMware key events.
    pub(super) scancodes: Vec<VScancode>,
    /// For hosts that accept only keysyms; empty for a dead key, whose accented character has a keysym of its own.
    pub(super) keysyms: Vec<u32>,
}

/// The chords that type `text` in a guest with the keyboard layout `layout`.
///
/// # Errors
/// The first character that this layout cannot type.
pub fn chords_of(text: &str, layout: Layout) -> Result<Vec<Chord>, char> {
    let mut chords = Vec::new();
    for character in text.replace("\r\n", "\n").chars() {
        let symbol = keysym(character);
        match layout.types(character).ok_or(character)? {
            Typed::Plain(scancode) => chords.push(Chord {
                scancodes: vec![scancode],
                keysyms: vec![symbol],
            }),
            Typed::Stroke(stroke) => chords.push(Chord {
                scancodes: scancodes(stroke),
                // Shift is sent with it: servers differ in how they treat a capital letter's keysym alone.
                keysyms: shifted(stroke.shift, symbol),
            }),
            Typed::Dead(dead, then) => {
                chords.push(Chord {
                    scancodes: scancodes(dead),
                    keysyms: Vec::new(),
                });
                chords.push(Chord {
                    scancodes: scancodes(then),
                    keysyms: vec![symbol],
                });
            }
        }
    }
    Ok(chords)
}

impl Chord {
    /// Reads `ctrl-alt-del`, `F2`, `shift-a` and the like.
    ///
    /// # Errors
    /// A sentence that names the unknown key.
    pub fn parse(text: &str, layout: Layout) -> Result<Self, String> {
        let mut chord = Self::default();
        for name in parts(text) {
            let symbol = named_keysym(name).ok_or_else(|| {
                format!(
                    "unknown key {name:?}: write one as in ctrl-alt-del, f2, enter, win-r, or a single character"
                )
            })?;
            match layout.key(symbol) {
                Some(Typed::Plain(scancode)) => chord.press(scancode, symbol),
                Some(Typed::Stroke(stroke)) => chord.press_stroke(stroke, symbol, layout),
                _ => {
                    return Err(format!(
                        "no single key of the layout {} writes {name:?}: choose another with --layout",
                        layout.name()
                    ));
                }
            }
        }
        Ok(chord)
    }

    fn press(&mut self, scancode: VScancode, symbol: u32) {
        self.scancodes.push(scancode);
        self.keysyms.push(symbol);
    }

    /// Adds a key with its modifiers, unless those are down already.
    fn press_stroke(&mut self, stroke: Stroke, symbol: u32, layout: Layout) {
        if stroke.shift && !self.scancodes.contains(&SHIFT) {
            self.press(SHIFT, key::Shift_L);
        }
        if stroke.alt_gr && !self.scancodes.contains(&ALT_GR) {
            self.press(ALT_GR, key::ISO_Level3_Shift);
        }
        // With Shift down the key's shifted character applies.
        let shifted = Stroke {
            shift: true,
            ..stroke
        };
        let symbol = match self.scancodes.contains(&SHIFT) {
            true => layout.writes(shifted).map_or(symbol, keysym),
            false => symbol,
        };
        self.press(stroke.scan, symbol);
    }
}

fn scancodes(stroke: Stroke) -> Vec<VScancode> {
    let modifiers = [(stroke.shift, SHIFT), (stroke.alt_gr, ALT_GR)];
    let held = modifiers.into_iter().filter(|(held, _)| *held);
    held.map(|(_, scancode)| scancode)
        .chain([stroke.scan])
        .collect()
}

fn shifted(shift: bool, symbol: u32) -> Vec<u32> {
    let shift = shift.then_some(key::Shift_L);
    shift.into_iter().chain([symbol]).collect()
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
        assert_eq!(us[1].keysyms, [key::Shift_L, 0x42]);
        // The guest's layout decides where a letter is.
        let de = chords_of("y@", Layout::De).unwrap();
        assert_eq!(de[0].scancodes, [VScancode(0x2c)]);
        assert_eq!(de[1].scancodes, [ALT_GR, VScancode(0x10)]);
        assert_eq!(de[1].keysyms, [0x40]);
        assert_eq!(chords_of("aß", Layout::Us), Err('ß'));
    }

    #[test]
    fn a_dead_key_has_a_scancode_and_no_keysym() {
        let chords = chords_of("ê", Layout::Fr).unwrap();
        assert_eq!(chords.len(), 2);
        assert!(chords[0].keysyms.is_empty() && !chords[0].scancodes.is_empty());
        assert_eq!(chords[1].keysyms, [0xea]);
    }
}

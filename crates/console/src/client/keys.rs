//! From text and names of keys to the keys themselves: which go down together, by their place and by their meaning.

use rfb_proto::keys::{ALT_GR, Layout, SHIFT, Stroke, Typed, keysym};
use rfb_proto::vmware::VScancode;
use xkeysym::key;

/// What keys are called, and X's number for each.
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

/// Keys that go down one after the other and up again the other way round.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chord {
    /// For a host that hears where keys are.
    pub(super) by_place: Vec<VScancode>,
    /// For one that hears what keys mean; none where that takes no key of its own, as an accent does.
    pub(super) by_meaning: Vec<u32>,
}

/// The chords that write `text` in a guest that has `layout`.
///
/// # Errors
/// The first character that this layout cannot write.
pub fn chords_of(text: &str, layout: Layout) -> Result<Vec<Chord>, char> {
    let mut chords = Vec::new();
    for character in text.replace("\r\n", "\n").chars() {
        let meaning = keysym(character);
        match layout.types(character).ok_or(character)? {
            Typed::Plain(place) => chords.push(Chord {
                by_place: vec![place],
                by_meaning: vec![meaning],
            }),
            Typed::Stroke(stroke) => chords.push(Chord {
                by_place: places(stroke),
                // What a server makes of a capital letter alone differs.
                by_meaning: shifted(stroke.shift, meaning),
            }),
            Typed::Dead(dead, then) => {
                chords.push(Chord {
                    by_place: places(dead),
                    by_meaning: Vec::new(),
                });
                chords.push(Chord {
                    by_place: places(then),
                    by_meaning: vec![meaning],
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
    /// A sentence that names the part which is no key.
    pub fn parse(text: &str, layout: Layout) -> Result<Self, String> {
        let mut chord = Self::default();
        for name in parts(text) {
            let meaning = meaning(name).ok_or_else(|| {
                format!(
                    "{name:?} is no key: write one as in ctrl-alt-del, f2, enter, win-r, or a single character"
                )
            })?;
            match layout.key(meaning) {
                Some(Typed::Plain(place)) => chord.press(place, meaning),
                Some(Typed::Stroke(stroke)) => chord.write(stroke, meaning, layout),
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

    fn press(&mut self, place: VScancode, meaning: u32) {
        self.by_place.push(place);
        self.by_meaning.push(meaning);
    }

    /// With its modifiers, unless they are down already.
    fn write(&mut self, stroke: Stroke, meaning: u32, layout: Layout) {
        if stroke.shift && !self.by_place.contains(&SHIFT) {
            self.press(SHIFT, key::Shift_L);
        }
        if stroke.alt_gr && !self.by_place.contains(&ALT_GR) {
            self.press(ALT_GR, key::ISO_Level3_Shift);
        }
        // With Shift down a key means what is written above, as on any keyboard.
        let above = Stroke {
            shift: true,
            ..stroke
        };
        let meaning = match self.by_place.contains(&SHIFT) {
            true => layout.writes(above).map_or(meaning, keysym),
            false => meaning,
        };
        self.press(stroke.scan, meaning);
    }
}

fn places(stroke: Stroke) -> Vec<VScancode> {
    let modifiers = [(stroke.shift, SHIFT), (stroke.alt_gr, ALT_GR)];
    let held = modifiers.into_iter().filter(|(held, _)| *held);
    held.map(|(_, place)| place).chain([stroke.scan]).collect()
}

fn shifted(shift: bool, meaning: u32) -> Vec<u32> {
    let shift = shift.then_some(key::Shift_L);
    shift.into_iter().chain([meaning]).collect()
}

/// The names in `ctrl-alt-del` or `ctrl+alt+del`; a sign at the end is a key of its own.
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

fn meaning(name: &str) -> Option<u32> {
    let lower = name.to_lowercase();
    let named = NAMES
        .iter()
        .find(|(names, _)| names.contains(&lower.as_str()));
    if let Some((_, meaning)) = named {
        return Some(*meaning);
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

    fn places_of(text: &str) -> Vec<u16> {
        let chord = Chord::parse(text, Layout::Us).unwrap();
        chord.by_place.iter().map(|place| place.0).collect()
    }

    #[test]
    fn chords_are_read_as_people_write_them() {
        for (text, places) in [
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
            assert_eq!(places_of(text), places, "{text}");
        }
        let shifted = Chord::parse("shift-a", Layout::Us).unwrap();
        assert_eq!(shifted.by_meaning, [key::Shift_L, 0x41]);
        for text in ["", "ctrl-", "ctrl-dle", "f25", "f0", "ß"] {
            assert!(Chord::parse(text, Layout::Us).is_err(), "{text}");
        }
    }

    #[test]
    fn text_becomes_keys_with_their_modifiers() {
        let us = chords_of("aB\r\n", Layout::Us).unwrap();
        let places: Vec<Vec<u16>> = us
            .iter()
            .map(|chord| chord.by_place.iter().map(|place| place.0).collect())
            .collect();
        assert_eq!(places, [vec![0x1e], vec![0x2a, 0x30], vec![0x1c]]);
        assert_eq!(us[1].by_meaning, [key::Shift_L, 0x42]);
        // The guest's layout decides where a letter is.
        let de = chords_of("y@", Layout::De).unwrap();
        assert_eq!(de[0].by_place, [VScancode(0x2c)]);
        assert_eq!(de[1].by_place, [ALT_GR, VScancode(0x10)]);
        assert_eq!(de[1].by_meaning, [0x40]);
        assert_eq!(chords_of("aß", Layout::Us), Err('ß'));
    }

    #[test]
    fn an_accent_is_a_key_of_its_own_by_place_and_none_by_meaning() {
        let chords = chords_of("ê", Layout::Fr).unwrap();
        assert_eq!(chords.len(), 2);
        assert!(chords[0].by_meaning.is_empty() && !chords[0].by_place.is_empty());
        assert_eq!(chords[1].by_meaning, [0xea]);
    }
}

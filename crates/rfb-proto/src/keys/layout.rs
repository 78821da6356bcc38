//! The keys that write a character in the layout of the guest.

use xkeysym::key;

use super::tables::{self, COMPOSED, SCANCODES, Table};
use super::{SPACE, character, keysym, named};
use crate::vmware::VScancode;

/// The layout of the guest's keyboard, as in Windows. A Linux guest may have other dead keys: there, what they write is
/// followed by a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// United States.
    Us,
    /// United Kingdom.
    Uk,
    /// Germany.
    De,
    /// France.
    Fr,
    /// Spain.
    Es,
    /// Japan.
    Jp,
}

/// A key with its modifiers. A modifier that is false has to be released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stroke {
    /// The key.
    pub scan: VScancode,
    /// Whether Shift is pressed.
    pub shift: bool,
    /// Whether AltGr is pressed.
    pub alt_gr: bool,
}

/// The keys that write a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// One key with its modifiers.
    Stroke(Stroke),
    /// A dead key and a second key: the space bar, if the accent is the character.
    Dead(Stroke, Stroke),
    /// A key that does not depend on modifiers, which stay as they are.
    Plain(VScancode),
}

impl Layout {
    /// All layouts.
    pub const ALL: [Self; 6] = [Self::Us, Self::Uk, Self::De, Self::Fr, Self::Es, Self::Jp];

    /// The name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::Uk => "uk",
            Self::De => "de",
            Self::Fr => "fr",
            Self::Es => "es",
            Self::Jp => "jp",
        }
    }

    /// The layout with that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| layout.name() == name)
    }

    /// The keys for a keysym that a viewer sent; `None` where this layout has none.
    ///
    /// For the keysym of a dead key, that key alone: the viewer sends the second key itself.
    pub fn key(self, keysym: u32) -> Option<Typed> {
        if let Some(scancode) = named::scancode(keysym) {
            return Some(Typed::Plain(scancode));
        }
        let typed = self.types(character(keysym)?)?;
        match typed {
            Typed::Dead(dead, _) if named::accent(keysym).is_some() => Some(Typed::Stroke(dead)),
            _ => Some(typed),
        }
    }

    /// The keys that write a character of a text; a line end is Return. `None` if the layout cannot write it.
    pub fn types(self, character: char) -> Option<Typed> {
        match character {
            ' ' => return Some(Typed::Stroke(Stroke::plain(SPACE))),
            '\n' | '\r' => return named::scancode(key::Return).map(Typed::Plain),
            '\t' => return named::scancode(key::Tab).map(Typed::Plain),
            _ => {}
        }
        if let Some(stroke) = self.find(character, false) {
            return Some(Typed::Stroke(stroke));
        }
        if let Some(dead) = self.find(character, true) {
            return Some(Typed::Dead(dead, Stroke::plain(SPACE)));
        }
        COMPOSED.iter().find_map(|(accent, letters, composed)| {
            let at = composed.chars().position(|one| one == character)?;
            let letter = letters.chars().nth(at)?;
            let dead = self.find(*accent, true)?;
            Some(Typed::Dead(dead, self.find(letter, false)?))
        })
    }

    /// The character that a key writes; for a dead key, its accent. `None` for a key that writes nothing.
    pub fn writes(self, stroke: Stroke) -> Option<char> {
        if stroke.scan == SPACE {
            return Some(' ');
        }
        let level = match (stroke.shift, stroke.alt_gr) {
            (false, false) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (true, true) => return None,
        };
        let mut keys = self.table().keys();
        let (.., written) = keys.find(|&(at, scan, _)| (at, scan) == (level, stroke.scan))?;
        Some(written)
    }

    /// The key that writes a character, among the dead keys or among all others.
    fn find(self, character: char, dead: bool) -> Option<Stroke> {
        let table = self.table();
        let mut keys = table.keys();
        let (level, scan, _) = keys.find(|&(level, _, written)| {
            written == character && table.dead.contains(&(level, written)) == dead
        })?;
        Some(Stroke {
            scan,
            shift: level == 1,
            alt_gr: level == 2,
        })
    }

    const fn table(self) -> &'static Table {
        match self {
            Self::Us => &tables::US,
            Self::Uk => &tables::UK,
            Self::De => &tables::DE,
            Self::Fr => &tables::FR,
            Self::Es => &tables::ES,
            Self::Jp => &tables::JP,
        }
    }
}

impl Stroke {
    /// The key without modifiers.
    pub const fn plain(scan: VScancode) -> Self {
        Self {
            scan,
            shift: false,
            alt_gr: false,
        }
    }

    /// The keysym that the key, with or without Shift, has on a US keyboard; `None` if such a keyboard does not have it. A
    /// VMware host that takes no scan codes presses the key with this keysym (`docs/webmks.md` 2.3, Q6).
    pub fn us_keysym(self) -> Option<u32> {
        let key = Self {
            alt_gr: false,
            ..self
        };
        Layout::Us.writes(key).map(keysym)
    }
}

impl Table {
    /// Every key that writes something: level, scan code, character.
    fn keys(&self) -> impl Iterator<Item = (usize, VScancode, char)> {
        let levels = self.levels.iter().enumerate();
        let rows = levels.flat_map(|(level, rows)| {
            let rows = rows.iter().zip(SCANCODES);
            rows.map(move |(row, codes)| (level, row, codes))
        });
        let keys = rows.flat_map(|(level, row, codes)| {
            let keys = row.chars().zip(codes);
            keys.map(move |(written, &code)| (level, VScancode(code), written))
        });
        keys.filter(|&(.., written)| written != ' ')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn us_keysym_is_that_of_the_same_key() {
        for (layout, character, expected) in [
            (Layout::De, 'z', Some('y')),
            (Layout::De, 'Ö', Some(':')),
            (Layout::De, '@', Some('q')),
            (Layout::De, '<', None),
            (Layout::Us, '<', Some('<')),
        ] {
            let Some(Typed::Stroke(stroke)) = layout.types(character) else {
                panic!("{character} is not one key");
            };
            assert_eq!(stroke.us_keysym(), expected.map(u32::from), "{character}");
        }
    }

    #[test]
    fn every_key_of_a_row_has_a_scan_code() {
        let mut rows_seen = 0;
        for layout in Layout::ALL {
            let table = layout.table();
            for (level, rows) in table.levels.iter().enumerate() {
                for (row, codes) in rows.iter().zip(SCANCODES) {
                    let keys = row.chars().count();
                    assert!(keys <= codes.len(), "{layout:?} {row}");
                    // The two lower levels of a row are whole; the Japanese key at its end may lack.
                    let missing = codes.len() - keys;
                    assert!(level == 2 || keys == 0 || missing <= 1, "{layout:?} {row}");
                    rows_seen += 1;
                }
            }
            for &(level, accent) in table.dead {
                let found = table
                    .keys()
                    .any(|(at, _, written)| (at, written) == (level, accent));
                assert!(found, "{layout:?} {accent}");
            }
        }
        assert_eq!(rows_seen, 6 * 3 * 4);
        for (_, letters, composed) in COMPOSED {
            assert_eq!(letters.chars().count(), composed.chars().count());
        }
    }
}

//! From what is to be written to the keys that write it, in the layout that the guest has.

use xkeysym::key;

use super::tables::{self, COMPOSED, PLACES, Table};
use super::{SPACE, character, named};
use crate::vmware::VScancode;

/// The layout of the guest's keyboard, as Windows has it: where a Linux guest differs in its dead keys, what they
/// write comes with a blank.
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

/// A key, with the modifiers that it takes. Others must be up: Shift where `shift` is false, AltGr where `alt_gr`
/// is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stroke {
    /// Which.
    pub scan: VScancode,
    /// Whether Shift is down.
    pub shift: bool,
    /// Whether AltGr is.
    pub alt_gr: bool,
}

/// What it takes to write a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// One key.
    Stroke(Stroke),
    /// A dead key, and then another, which is the space bar where the accent stands alone.
    Dead(Stroke, Stroke),
    /// A key that writes nothing or the same with any modifiers, which are to be left as they are.
    Plain(VScancode),
}

impl Layout {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Us, Self::Uk, Self::De, Self::Fr, Self::Es, Self::Jp];

    /// As the configuration writes it.
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

    /// The layout of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| layout.name() == name)
    }

    /// The keys for a keysym that a viewer sent; `None` where this layout has none.
    ///
    /// A dead key's own keysym is that key alone: what it waits for the viewer will send.
    pub fn key(self, keysym: u32) -> Option<Typed> {
        if let Some(place) = named::place(keysym) {
            return Some(Typed::Plain(place));
        }
        let typed = self.types(character(keysym)?)?;
        match typed {
            Typed::Dead(dead, _) if named::accent(keysym).is_some() => Some(Typed::Stroke(dead)),
            _ => Some(typed),
        }
    }

    /// The keys that write a character, for text that is to be typed: line ends are Return. `None` where this
    /// layout cannot write it.
    pub fn types(self, character: char) -> Option<Typed> {
        match character {
            ' ' => return Some(Typed::Stroke(Stroke::plain(SPACE))),
            '\n' | '\r' => return named::place(key::Return).map(Typed::Plain),
            '\t' => return named::place(key::Tab).map(Typed::Plain),
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

    /// What a key writes; `None` where nothing. For a dead key, its accent.
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

    /// The key that writes a character, of those that are dead or of those that are not.
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
    /// The key alone.
    pub const fn plain(scan: VScancode) -> Self {
        Self {
            scan,
            shift: false,
            alt_gr: false,
        }
    }
}

impl Table {
    /// Every key that writes something: the level, the place, and what.
    fn keys(&self) -> impl Iterator<Item = (usize, VScancode, char)> {
        let levels = self.levels.iter().enumerate();
        let rows = levels.flat_map(|(level, rows)| {
            let rows = rows.iter().zip(PLACES);
            rows.map(move |(row, places)| (level, row, places))
        });
        let keys = rows.flat_map(|(level, row, places)| {
            let keys = row.chars().zip(places);
            keys.map(move |(written, &place)| (level, VScancode(place), written))
        });
        keys.filter(|&(.., written)| written != ' ')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_has_more_keys_than_there_are_places() {
        let mut rows_seen = 0;
        for layout in Layout::ALL {
            let table = layout.table();
            for (level, rows) in table.levels.iter().enumerate() {
                for (row, places) in rows.iter().zip(PLACES) {
                    let keys = row.chars().count();
                    assert!(keys <= places.len(), "{layout:?} {row}");
                    // The two lower levels of a row are whole; the Japanese key at its end may lack.
                    let missing = places.len() - keys;
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

//! Dead keys: accents that combine with the next character.

/// Whether a character is a dead key, which layouts write as a combining accent.
pub(super) fn is_dead(character: char) -> bool {
    ACCENTS.iter().any(|accent| accent.combining == character)
}

/// The text of a dead key and the next character: the accented letter if it exists; the accent alone before a space or
/// itself; else both, as on Windows.
pub(super) fn compose(dead: char, next: char) -> String {
    let Some(accent) = ACCENTS.iter().find(|accent| accent.combining == dead) else {
        return next.into();
    };
    if next == ' ' || next == dead {
        return accent.alone.into();
    }
    let mut pairs = accent.letters.chars().zip(accent.accented.chars());
    if let Some((_, letter)) = pairs.find(|(plain, _)| *plain == next) {
        return letter.into();
    }
    let next = ACCENTS
        .iter()
        .find(|accent| accent.combining == next)
        .map_or(next, |accent| accent.alone);
    [accent.alone, next].iter().collect()
}

struct Accent {
    combining: char,
    alone: char,
    letters: &'static str,
    accented: &'static str,
}

const GRAVE: char = '\u{300}';
const ACUTE: char = '\u{301}';
const CIRCUMFLEX: char = '\u{302}';
const TILDE: char = '\u{303}';
const DIAERESIS: char = '\u{308}';

const ACCENTS: &[Accent] = &[
    Accent {
        combining: GRAVE,
        alone: '`',
        letters: "aeiouAEIOU",
        accented: "àèìòùÀÈÌÒÙ",
    },
    Accent {
        combining: ACUTE,
        alone: '´',
        letters: "aeiouyAEIOUY",
        accented: "áéíóúýÁÉÍÓÚÝ",
    },
    Accent {
        combining: CIRCUMFLEX,
        alone: '^',
        letters: "aeiouAEIOU",
        accented: "âêîôûÂÊÎÔÛ",
    },
    Accent {
        combining: TILDE,
        alone: '~',
        letters: "anoANO",
        accented: "ãñõÃÑÕ",
    },
    Accent {
        combining: DIAERESIS,
        alone: '¨',
        letters: "aeiouyAEIOU",
        accented: "äëïöüÿÄËÏÖÜ",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accent_joins_its_letter_or_stands_before_it() {
        assert_eq!(compose(CIRCUMFLEX, 'e'), "ê");
        assert_eq!(compose(DIAERESIS, 'I'), "Ï");
        assert_eq!(compose(ACUTE, ' '), "´");
        assert_eq!(compose(CIRCUMFLEX, CIRCUMFLEX), "^");
        assert_eq!(compose(GRAVE, 'x'), "`x");
        assert_eq!(compose(GRAVE, ACUTE), "`´");
    }

    #[test]
    fn each_letter_has_its_accented_one() {
        for accent in ACCENTS {
            assert_eq!(
                accent.letters.chars().count(),
                accent.accented.chars().count()
            );
        }
    }
}

//! Text from peers, such as VM names and server messages, made safe for terminals and single lines.

/// `text` without control characters, which could start an escape sequence or another line, and without those that change
/// the direction in which text is shown, which could make one name look like another.
pub fn printable(text: &str) -> String {
    let is_shown = |c: &char| !c.is_control() && !changes_direction(*c);
    text.chars().filter(is_shown).collect()
}

/// The characters of Unicode's property Bidi_Control.
const fn changes_direction(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// JSON with every control character but line feeds escaped: serde_json writes DEL and C1 controls, which terminals may
/// act on, unescaped.
pub fn printable_json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push(c),
            c if c.is_control() => shown.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_and_escape_sequences_are_removed() {
        let name = "a\r\nb\t\u{1b}[2J\u{9b}2J\u{7f}\u{85}ä日";
        assert_eq!(printable(name), "ab[2J2Jä日");
        assert_eq!(printable("\u{202e}gnp.exe\u{2066}"), "gnp.exe");
    }

    #[test]
    fn json_keeps_its_value_and_has_no_control_characters() {
        let value = serde_json::json!({ "name": "a\n\u{1b}[2J\u{9b}2J\u{7f}ä" });
        let shown = printable_json(&format!("{value:#}\n"));
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()));
        assert_eq!(shown.lines().count(), 3);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&shown).unwrap(),
            value
        );
    }
}

//! Writes XML. All values are escaped; there is no function that writes raw text.

/// Builds a document.
#[derive(Default)]
pub(crate) struct Writer {
    text: String,
}

impl Writer {
    /// Writes an element with the content that `inside` writes. Attribute values are escaped; names are constants.
    pub(crate) fn element(
        &mut self,
        name: &'static str,
        attributes: &[(&'static str, &str)],
        inside: impl FnOnce(&mut Self),
    ) {
        self.text.push('<');
        self.text.push_str(name);
        for (key, value) in attributes {
            self.text.push(' ');
            self.text.push_str(key);
            self.text.push_str("=\"");
            escape_into(&mut self.text, value);
            self.text.push('"');
        }
        self.text.push('>');
        inside(self);
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
    }

    /// Writes `<name>value</name>`.
    pub(crate) fn value(&mut self, name: &'static str, value: &str) {
        self.element(name, &[], |inside| escape_into(&mut inside.text, value));
    }

    /// Writes escaped character data.
    pub(crate) fn characters(&mut self, value: &str) {
        escape_into(&mut self.text, value);
    }

    /// The document.
    pub(crate) fn finish(self) -> String {
        self.text
    }
}

/// Escapes for both element content and double-quoted attributes. Line ends and tabs become references, so that no reader
/// normalizes them away; a character that XML 1.0 (section 2.2) cannot carry becomes U+FFFD, which matches nothing.
fn escape_into(out: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::parse;

    #[test]
    fn written_values_are_read_back_unchanged() {
        let nasty = "]]><a b=\"c\" d='e'>&amp;&#0; \r\n\t ü 漢 %2f \u{10ffff}";
        let mut writer = Writer::default();
        writer.element("r", &[("k", nasty)], |inside| inside.value("v", nasty));
        let root = parse(writer.finish().as_bytes()).unwrap();
        assert_eq!(root.attribute("k"), Some(nasty));
        assert_eq!(root.text_of("v"), Some(nasty));
        assert_eq!(root.elements().len(), 1);
    }

    #[test]
    fn a_character_that_xml_cannot_carry_is_replaced() {
        let mut writer = Writer::default();
        writer.value("v", "a\0b\u{b}c");
        assert_eq!(writer.finish(), "<v>a\u{fffd}b\u{fffd}c</v>");
    }
}

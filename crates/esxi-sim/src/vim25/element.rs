//! XML elements of a SOAP request, bounded in depth and number.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

/// An element with local names only: clients use different prefixes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Self>,
    pub(crate) text: String,
}

/// Describes why a document is rejected.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

impl Element {
    /// Parses a document; returns its root element.
    ///
    /// # Errors
    /// Ill-formed XML, a DTD, an unknown entity, more than [`DEPTH`] levels or [`ELEMENTS`] elements.
    pub(crate) fn read(xml: &str) -> Result<Self, Malformed> {
        let mut reader = Reader::from_str(xml);
        let mut open = vec![Self::default()];
        let mut budget = ELEMENTS;
        loop {
            match reader.read_event().map_err(|_| Malformed("not XML"))? {
                Event::Start(start) => open.push(Self::begin(&start, open.len(), &mut budget)?),
                Event::Empty(start) => {
                    let element = Self::begin(&start, open.len(), &mut budget)?;
                    top(&mut open)?.children.push(element);
                }
                Event::End(_) => {
                    let element = open.pop().ok_or(UNBALANCED)?;
                    top(&mut open)?.children.push(element);
                }
                Event::Text(text) => top(&mut open)?.text.push_str(&text.xml10_content()),
                Event::CData(text) => top(&mut open)?.text.push_str(&text.xml10_content()),
                Event::GeneralRef(entity) => {
                    let character = match entity.resolve_char_ref() {
                        Ok(Some(character)) => character,
                        _ => named(&entity.xml10_content())?,
                    };
                    top(&mut open)?.text.push(character);
                }
                Event::DocType(_) => return Err(Malformed("a document type declaration")),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof => break,
            }
        }
        let mut document = open.pop().filter(|_| open.is_empty()).ok_or(UNBALANCED)?;
        document.children.pop().ok_or(Malformed("empty"))
    }

    fn begin(start: &BytesStart<'_>, depth: usize, budget: &mut usize) -> Result<Self, Malformed> {
        if depth > DEPTH {
            return Err(Malformed("too deep"));
        }
        *budget = budget
            .checked_sub(1)
            .ok_or(Malformed("too many elements"))?;
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| Malformed("a bad attribute"))?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|_| Malformed("a bad attribute value"))?;
            let key = attribute.key.local_name().as_ref().to_owned();
            attributes.push((key, value.into_owned()));
        }
        Ok(Self {
            name: start.local_name().as_ref().to_owned(),
            attributes,
            ..Self::default()
        })
    }

    /// The first child called `name`.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children called `name`.
    pub(crate) fn children_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The trimmed text of the child called `name`.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }

    /// Whether the child called `name` is true; false if absent.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        matches!(self.text_of(name), Some("true" | "1"))
    }

    /// The attribute with this local name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

fn top(open: &mut [Element]) -> Result<&mut Element, Malformed> {
    open.last_mut().ok_or(UNBALANCED)
}

/// XML 1.0 section 4.6: the predefined entities.
fn named(entity: &str) -> Result<char, Malformed> {
    Ok(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return Err(Malformed("an unknown entity")),
    })
}

const UNBALANCED: Malformed = Malformed("unbalanced elements");
/// pyVmomi's and govmomi's deepest calls have 9 levels.
const DEPTH: usize = 32;
/// Enough for a filter over thousands of objects.
const ELEMENTS: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_dropped_and_entities_resolved() {
        let xml = r#"<?xml version="1.0"?><s:E xmlns:s="x"><m a="1&amp;2">a &lt;&#x41;<![CDATA[&]]></m><n/></s:E>"#;
        let root = Element::read(xml).unwrap();
        assert_eq!(root.name, "E");
        assert_eq!(root.text_of("m"), Some("a <A&"));
        assert_eq!(root.child("m").unwrap().attribute("a"), Some("1&2"));
        assert_eq!(root.text_of("n"), Some(""));
    }

    #[test]
    fn hostile_documents_are_refused() {
        let deep = "<a>".repeat(40) + &"</a>".repeat(40);
        let many = format!("<r>{}</r>", "<a/>".repeat(ELEMENTS));
        let refused = [
            r#"<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>"#,
            "<a>&b;</a>",
            "<a>",
            "</a>",
            "",
            "<a></b>",
            &deep,
            &many,
        ];
        for xml in refused {
            assert!(Element::read(xml).is_err(), "{:.40}", xml);
        }
    }
}

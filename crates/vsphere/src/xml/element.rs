//! A bounded tree of one XML document. Limits are checked before memory is allocated.

use std::borrow::Cow;

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesRef, BytesStart, Event},
};

use super::syntax;

/// Reads one whole document.
///
/// Refuses document type declarations (which SOAP 1.1 section 3 forbids), entities other than the five predefined ones, and
/// text that is not UTF-8; and documents nested deeper than [`MAX_DEPTH`], with more than [`MAX_ATTRIBUTES`] attributes
/// on one element, or with more than [`MAX_NODES`] elements and attributes.
pub(crate) fn parse(document: &[u8]) -> Result<Element, XmlError> {
    let text = std::str::from_utf8(document).map_err(|_| XmlError::NotUtf8)?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut tree = TreeBuilder::default();
    loop {
        let event = reader
            .read_event()
            .map_err(|error| XmlError::Syntax(syntax::reason(&error)))?;
        match event {
            Event::Start(start) => tree.open(&start)?,
            Event::Empty(start) => {
                tree.open(&start)?;
                tree.close();
            }
            Event::End(_) => tree.close(),
            Event::Text(text) => tree.text(&text.xml10_content()),
            Event::CData(text) => tree.text(&text.xml10_content()),
            Event::GeneralRef(reference) => tree.text(&resolve(&reference)?),
            Event::DocType(_) => return Err(XmlError::DocumentType),
            Event::Decl(declaration) => check_encoding(declaration.encoding())?,
            Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => return tree.finish(),
        }
    }
}

/// One element and its content. Names are local names: in vim25 no two names differ only in their prefix.
#[derive(Debug, Clone, Default)]
pub(crate) struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Self>,
}

impl Element {
    /// The local name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The first child of this local name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of this local name, in order.
    pub(crate) fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// All children, in order.
    pub(crate) fn elements(&self) -> &[Self] {
        &self.children
    }

    /// Takes the first child of this local name out of the tree.
    pub(crate) fn take_child(&mut self, name: &str) -> Option<Self> {
        let at = self.children.iter().position(|child| child.name == name)?;
        Some(self.children.swap_remove(at))
    }

    /// The first child.
    pub(crate) fn into_first(self) -> Option<Self> {
        self.children.into_iter().next()
    }

    /// The character data directly inside, white space included.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The text of the first child of this name.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(Self::text)
    }

    /// The value of an attribute without a prefix, such as `type` of a managed object reference.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The local name of the dynamic type: the value of `xsi:type`, with any prefix for `xsi`.
    pub(crate) fn dynamic_type(&self) -> Option<&str> {
        let (_, value) = self
            .attributes
            .iter()
            .find(|(key, _)| key.ends_with(":type"))?;
        Some(
            value
                .rsplit_once(':')
                .map_or(value.as_str(), |(_, local)| local),
        )
    }
}

/// Why a document was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum XmlError {
    #[error("it is not UTF-8")]
    NotUtf8,
    #[error("it has a document type declaration")]
    DocumentType,
    #[error("it uses an entity that XML does not predefine")]
    Entity,
    #[error("its elements are nested deeper than {MAX_DEPTH}")]
    TooDeep,
    #[error("it has more than {MAX_NODES} elements and attributes")]
    TooMany,
    #[error("it has an element with more than {MAX_ATTRIBUTES} attributes")]
    TooManyAttributes,
    #[error("it ends in the middle")]
    Truncated,
    #[error("it is not well-formed XML: {0}")]
    Syntax(&'static str),
}

/// The deepest answers of vSphere, updates with nested property values, have less than 20 levels.
pub(crate) const MAX_DEPTH: usize = 64;

/// The envelope has four or five, other elements two. The parser compares each with those before it, so the limit also bounds
/// the time for one element.
pub(crate) const MAX_ATTRIBUTES: usize = 16;

/// Elements and attributes together. A page of [`crate::property`] has some 30,000; a server that ignores the page size and
/// lists 5,000 VMs sends 300,000. Either takes at most 200 bytes besides long texts, so one answer takes at most
/// 100 MB, and twice its own length for long texts, while it is read.
pub(crate) const MAX_NODES: usize = 500_000;

/// Builds the tree from the parser's events.
#[derive(Default)]
struct TreeBuilder {
    /// From the root to the element that is being read.
    path: Vec<Element>,
    root: Option<Element>,
    count: usize,
}

impl TreeBuilder {
    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), XmlError> {
        if self.path.len() >= MAX_DEPTH {
            return Err(XmlError::TooDeep);
        }
        if self.root.is_some() {
            return Err(XmlError::Syntax("it has more than one root element"));
        }
        let attributes = attributes(start)?;
        self.count += 1 + attributes.len();
        if self.count > MAX_NODES {
            return Err(XmlError::TooMany);
        }
        self.path.push(Element {
            name: start.local_name().as_ref().to_owned(),
            attributes,
            ..Element::default()
        });
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(element) = self.path.last_mut() {
            element.text.push_str(text);
        }
    }

    fn close(&mut self) {
        let Some(mut element) = self.path.pop() else {
            return;
        };
        // A vector with one child has capacity for four.
        element.children.shrink_to_fit();
        match self.path.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
    }

    fn finish(self) -> Result<Element, XmlError> {
        if !self.path.is_empty() {
            return Err(XmlError::Truncated);
        }
        self.root.ok_or(XmlError::Truncated)
    }
}

fn attributes(start: &BytesStart<'_>) -> Result<Vec<(String, String)>, XmlError> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        if attributes.len() == MAX_ATTRIBUTES {
            return Err(XmlError::TooManyAttributes);
        }
        let attribute = attribute.map_err(|error| XmlError::Syntax(syntax::attribute(&error)))?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|_| XmlError::Entity)?;
        attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
    }
    attributes.shrink_to_fit();
    Ok(attributes)
}

fn resolve(reference: &BytesRef<'_>) -> Result<Cow<'static, str>, XmlError> {
    let character = reference
        .resolve_char_ref()
        .map_err(|_| XmlError::Syntax(syntax::REFERENCE))?;
    if let Some(character) = character {
        return Ok(Cow::Owned(character.to_string()));
    }
    let name = reference.xml10_content();
    quick_xml::escape::resolve_predefined_entity(&name)
        .map(Cow::Borrowed)
        .ok_or(XmlError::Entity)
}

/// Refuses a declared encoding other than UTF-8: another parser would read another text.
fn check_encoding<E>(encoding: Option<Result<Cow<'_, str>, E>>) -> Result<(), XmlError> {
    match encoding {
        None => Ok(()),
        Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") => Ok(()),
        // US-ASCII is a subset of UTF-8.
        Some(Ok(name)) if name.eq_ignore_ascii_case("us-ascii") => Ok(()),
        Some(_) => Err(XmlError::NotUtf8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_becomes_a_tree_of_local_names() {
        let root = parse(b"<?xml version='1.0' encoding='UTF-8'?>\n<a:r xmlns:a='u'><v type='VirtualMachine' xsi:type='x:Ref'>vm-1</v><v/></a:r>\n").unwrap();
        assert_eq!(root.name(), "r");
        assert_eq!(root.children("v").count(), 2);
        let first = root.child("v").unwrap();
        assert_eq!(first.text(), "vm-1");
        assert_eq!(first.attribute("type"), Some("VirtualMachine"));
        assert_eq!(first.dynamic_type(), Some("Ref"));
    }

    #[test]
    fn predefined_entities_and_character_references_are_resolved() {
        let root = parse("<a b='&lt;&#x41;'>x &amp;&#38;&quot;<![CDATA[<raw>]]> ü</a>".as_bytes())
            .unwrap();
        assert_eq!(root.text(), "x &&\"<raw> ü");
        assert_eq!(root.attribute("b"), Some("<A"));
    }

    #[test]
    fn a_document_type_declaration_is_refused() {
        let billion_laughs = b"<!DOCTYPE a [<!ENTITY b 'ha'><!ENTITY c '&b;&b;&b;'>]><a>&c;</a>";
        assert_eq!(parse(billion_laughs).unwrap_err(), XmlError::DocumentType);
    }

    #[test]
    fn entities_that_are_not_predefined_are_refused() {
        assert_eq!(parse(b"<a>&file;</a>").unwrap_err(), XmlError::Entity);
        assert_eq!(parse(b"<a b='&file;'/>").unwrap_err(), XmlError::Entity);
    }

    #[test]
    fn text_that_is_not_utf8_is_refused() {
        assert_eq!(parse(b"<a>\xff\xfe</a>").unwrap_err(), XmlError::NotUtf8);
        let claimed = b"<?xml version='1.0' encoding='UTF-16'?><a/>";
        assert_eq!(parse(claimed).unwrap_err(), XmlError::NotUtf8);
    }

    #[test]
    fn nesting_beyond_the_bound_is_refused() {
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        let error = parse(nested(MAX_DEPTH + 1).as_bytes()).unwrap_err();
        assert_eq!(error, XmlError::TooDeep);
    }

    #[test]
    fn more_elements_than_the_bound_are_refused() {
        let many = format!("<a>{}</a>", "<b/>".repeat(MAX_NODES));
        assert_eq!(parse(many.as_bytes()).err(), Some(XmlError::TooMany));
    }

    #[test]
    fn more_attributes_on_an_element_than_the_bound_are_refused() {
        assert!(parse(with_attributes(MAX_ATTRIBUTES).as_bytes()).is_ok());
        let error = parse(with_attributes(MAX_ATTRIBUTES + 1).as_bytes()).unwrap_err();
        assert_eq!(error, XmlError::TooManyAttributes);
    }

    #[test]
    fn attributes_count_towards_the_limit_of_elements() {
        let element = with_attributes(MAX_ATTRIBUTES);
        let enough = MAX_NODES / (MAX_ATTRIBUTES + 1);
        let few = format!("<a>{}</a>", element.repeat(enough - 1));
        assert!(parse(few.as_bytes()).is_ok());
        let many = format!("<a>{}</a>", element.repeat(enough + 1));
        assert_eq!(parse(many.as_bytes()).err(), Some(XmlError::TooMany));
    }

    #[test]
    fn largest_trees_take_no_more_memory_than_documented() {
        let attributed = "<b c='d' e='f' g='h' i='j' k='l' m='n' o='p'>q</b>";
        let worst = [
            ("<b/>".to_owned(), 1),
            ("<b>c</b>".to_owned(), 1),
            ("<b><c/></b>".to_owned(), 2),
            (nested(MAX_DEPTH - 1), MAX_DEPTH - 1),
            ("<b c='d'/>".to_owned(), 2),
            (attributed.to_owned(), 8),
        ];
        let mut most = 0;
        for (piece, nodes) in worst {
            let document = format!("<a>{}</a>", piece.repeat((MAX_NODES - 1) / nodes));
            let root = parse(document.as_bytes()).unwrap();
            let bytes = allocated(&root);
            assert!(bytes <= 100_000_000, "{piece}: {bytes} bytes");
            most = most.max(bytes);
        }
        assert!(
            most > 75_000_000,
            "the documented limit is too high: {most} bytes"
        );
    }

    #[test]
    fn document_truncated_anywhere_is_refused() {
        let whole = "<a b='c'>text<d>&amp;</d></a>";
        assert!(parse(whole.as_bytes()).is_ok());
        for cut in 0..whole.len() {
            assert!(parse(&whole.as_bytes()[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn a_second_root_is_refused() {
        assert!(matches!(parse(b"<a/><b/>"), Err(XmlError::Syntax(_))));
    }

    fn nested(depth: usize) -> String {
        format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth))
    }

    fn with_attributes(count: usize) -> String {
        let attributes: String = (0..count).map(|n| format!(" a{n}=''")).collect();
        format!("<b{attributes}/>")
    }

    /// The memory that glibc's allocator takes for a tree: 8 bytes more than requested, rounded up to 16, at least 32.
    fn allocated(element: &Element) -> usize {
        let block = |bytes: usize| match bytes {
            0 => 0,
            bytes => (bytes + 8).next_multiple_of(16).max(32),
        };
        let text = |text: &String| block(text.capacity());
        let attributes = element.attributes.iter();
        let attributes: usize = attributes.map(|(key, value)| text(key) + text(value)).sum();
        text(&element.name)
            + text(&element.text)
            + block(element.attributes.capacity() * size_of::<(String, String)>())
            + attributes
            + block(element.children.capacity() * size_of::<Element>())
            + element.children.iter().map(allocated).sum::<usize>()
    }
}

//! Managed objects with the properties that were asked for, as the PropertyCollector reports them.

use crate::{reference::Reference, xml::Element};

/// The properties to read of a type.
#[derive(Clone, Copy)]
pub(crate) struct PropertySpec {
    pub(crate) kind: &'static str,
    pub(crate) properties: &'static [&'static str],
}

/// One object with those of its properties that could be read.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) reference: Reference,
    properties: Vec<(&'static str, Value)>,
}

/// The value of a simple property or of a reference.
#[derive(Debug, Clone)]
struct Value {
    text: Box<str>,
    /// The managed object's type, if the value is a reference.
    kind: Option<Box<str>>,
}

impl Object {
    pub(crate) fn new(reference: Reference) -> Self {
        Self {
            reference,
            properties: Vec::new(),
        }
    }

    /// Reads an `ObjectContent`. Properties that nobody asked for are left out.
    pub(crate) fn read(content: &Element, wanted: &[PropertySpec]) -> Option<Self> {
        let mut object = Self::new(content.child("obj").and_then(Reference::read)?);
        for property in content.children("propSet") {
            object.set(property, property.child("val"), wanted);
        }
        Some(object)
    }

    /// Applies the changes of an `ObjectUpdate`. Every `PropertyChange` but an assignment (vim25, `PropertyChangeOp`) takes a
    /// simple property away, and so does an assignment without a value.
    pub(crate) fn apply(&mut self, update: &Element, wanted: &[PropertySpec]) {
        for change in update.children("changeSet") {
            let is_assigned = change.text_of("op") == Some("assign");
            let value = change.child("val").filter(|_| is_assigned);
            self.set(change, value, wanted);
        }
    }

    /// The property's text.
    pub(crate) fn text(&self, property: &str) -> Option<&str> {
        self.value(property).map(|value| &*value.text)
    }

    /// The property as a reference.
    pub(crate) fn reference(&self, property: &str) -> Option<Reference> {
        let value = self.value(property)?;
        Reference::of(value.kind.as_deref()?, &value.text)
    }

    fn value(&self, property: &str) -> Option<&Value> {
        let found = self.properties.iter().find(|(name, _)| *name == property);
        found.map(|(_, value)| value)
    }

    /// Sets the property that `named` has the name of, or removes it.
    fn set(&mut self, named: &Element, value: Option<&Element>, wanted: &[PropertySpec]) {
        let mut known = wanted.iter().flat_map(|spec| spec.properties);
        let name = named.text_of("name").unwrap_or_default();
        let Some(name) = known.find(|known| **known == name) else {
            return;
        };
        self.properties.retain(|(other, _)| other != name);
        self.properties
            .extend(value.and_then(Value::read).map(|value| (*name, value)));
    }
}

impl Value {
    fn read(value: &Element) -> Option<Self> {
        (value.text().len() <= MAX_TEXT).then(|| Self {
            text: value.text().into(),
            kind: value.attribute("type").map(Into::into),
        })
    }
}

/// A longer value counts as one that could not be read. The longest names have 80 characters (vim25, `ManagedEntity.name`),
/// of up to four bytes.
const MAX_TEXT: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::parse;

    const WANTED: [PropertySpec; 1] = [PropertySpec {
        kind: "VirtualMachine",
        properties: &["name", "parent"],
    }];

    fn object() -> Object {
        let content = "<objects><obj type='VirtualMachine'>vm-7</obj><propSet><name>name</name><val>vm08</val></propSet><propSet>\
             <name>parent</name><val type='Folder'>group-v3</val></propSet><propSet><name>other</name><val>1</val></propSet></objects>";
        Object::read(&parse(content.as_bytes()).unwrap(), &WANTED).unwrap()
    }

    fn apply(object: &mut Object, change: &str) {
        let update = format!("<objectSet><changeSet>{change}</changeSet></objectSet>");
        object.apply(&parse(update.as_bytes()).unwrap(), &WANTED);
    }

    #[test]
    fn properties_are_read_as_texts_and_references() {
        let object = object();
        assert_eq!(object.text("name"), Some("vm08"));
        assert_eq!(object.reference("name"), None);
        let parent = Reference::new("Folder", "group-v3");
        assert_eq!(object.reference("parent"), Some(parent));
        assert_eq!(object.text("other"), None);
    }

    #[test]
    fn a_change_assigns_or_removes_one_property() {
        let mut object = object();
        apply(
            &mut object,
            "<name>name</name><op>assign</op><val>new</val>",
        );
        assert_eq!(object.text("name"), Some("new"));
        apply(&mut object, "<name>name</name><op>indirectRemove</op>");
        assert_eq!(object.text("name"), None);
        apply(&mut object, "<name>parent</name><op>assign</op>");
        assert_eq!(object.text("parent"), None);
    }

    #[test]
    fn a_value_that_is_too_long_counts_as_unreadable() {
        let mut object = object();
        let long = "x".repeat(MAX_TEXT + 1);
        apply(
            &mut object,
            &format!("<name>name</name><op>assign</op><val>{long}</val>"),
        );
        assert_eq!(object.text("name"), None);
    }
}

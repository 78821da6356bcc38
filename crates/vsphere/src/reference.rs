//! Managed object references.

use crate::xml::{Element, Writer};

/// A managed object reference: its type and its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Reference {
    pub(crate) kind: String,
    pub(crate) id: String,
}

impl Reference {
    pub(crate) fn new(kind: &str, id: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            id: id.to_owned(),
        }
    }

    /// Reads `<x type="Kind">id</x>`.
    pub(crate) fn read(element: &Element) -> Option<Self> {
        Self::of(element.attribute("type")?, element.text())
    }

    /// A reference with white space around its id removed; `None` where the id cannot be one.
    pub(crate) fn of(kind: &str, id: &str) -> Option<Self> {
        let id = id.trim();
        (!id.is_empty() && id.len() <= MAX_ID).then(|| Self::new(kind, id))
    }

    /// Writes itself as the element `name`.
    pub(crate) fn write(&self, name: &'static str, out: &mut Writer) {
        out.element(name, &[("type", &self.kind)], |inside| {
            inside.characters(&self.id)
        });
    }
}

/// vSphere's own ids stay below 100 characters; they are sent back in requests and kept in the cache.
const MAX_ID: usize = 256;

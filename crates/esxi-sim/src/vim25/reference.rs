//! Managed object references in requests.

use super::element::Element;
use super::value::MoRef;

/// The managed object reference in the child called `name`.
pub(crate) fn reference(element: &Element, name: &str) -> Option<MoRef> {
    let child = element.child(name)?;
    Some(MoRef::new(child.attribute("type")?, child.text.trim()))
}

/// The managed object references in all children called `name`.
pub(crate) fn references(element: &Element, name: &'static str) -> Vec<MoRef> {
    let read = |child: &Element| Some(MoRef::new(child.attribute("type")?, child.text.trim()));
    element.children_of(name).filter_map(read).collect()
}

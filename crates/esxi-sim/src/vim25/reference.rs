//! Managed object references in requests.

use super::element::Element;
use super::value::MoRef;

/// The managed object reference in the child called `name`.
pub(crate) fn reference(element: &Element, name: &str) -> Option<MoRef> {
    let child = element.child(name)?;
    Some(MoRef::new(child.attribute("type")?, child.text.trim()))
}

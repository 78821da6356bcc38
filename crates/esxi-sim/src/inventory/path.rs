//! Inventory paths such as `/DC/vm/folder/name`.

use super::Inventory;
use crate::vim25::value::{MoRef, Value};

impl Inventory {
    /// The object at an inventory path.
    pub(crate) fn at_path(&self, path: &str) -> Option<MoRef> {
        let mut at = self.root();
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            at = self
                .children(&at)
                .into_iter()
                .find(|child| self.name(child).eq_ignore_ascii_case(segment))?;
        }
        Some(at).filter(|at| at.id != self.ids.root)
    }

    fn name(&self, object: &MoRef) -> String {
        match self
            .entity(object)
            .as_ref()
            .and_then(|entity| entity.at("name"))
        {
            Some(Value::Text(name)) => name.clone(),
            _ => String::new(),
        }
    }
}

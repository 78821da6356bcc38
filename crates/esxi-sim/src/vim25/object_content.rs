//! ObjectContent.

use quick_xml::escape::escape;

use super::value::{MoRef, Value};

/// An object and its properties that a filter requested.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ObjectContent {
    pub(crate) object: MoRef,
    pub(crate) values: Vec<(String, Value)>,
}

impl ObjectContent {
    pub(crate) fn to_xml(&self) -> String {
        let mut xml = String::new();
        Value::Ref(self.object.clone()).write("obj", &mut xml);
        for (path, value) in &self.values {
            xml.push_str(&format!("<propSet><name>{}</name>", escape(path.as_str())));
            value.write_typed("val", &mut xml);
            xml.push_str("</propSet>");
        }
        xml
    }
}

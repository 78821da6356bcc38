//! The subset of XML that SOAP needs: a bounded parser and an escaping writer.

mod element;
mod syntax;
mod write;

pub(crate) use element::{Element, XmlError, parse};
pub(crate) use write::Writer;

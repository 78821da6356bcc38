//! XML, as little of it as SOAP needs: a bounded reader into a tree, and a writer that escapes.

mod element;
mod write;

pub(crate) use element::{Element, Refused, parse};
pub(crate) use write::Writer;

//! The data types of vim25 and their XML.

pub(crate) mod element;
pub(crate) mod fault;
pub(crate) mod object_content;
pub(crate) mod value;
pub(crate) mod version;

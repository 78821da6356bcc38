//! The data types of vim25 and their XML.

pub(crate) mod element;
pub(crate) mod fault;
pub(crate) mod managed_type;
pub(crate) mod reference;
pub(crate) mod value;
pub(crate) mod version;

//! The front door: who a viewer is, whether it may come in, and where it waits until that is known.
//!
//! | who | where |
//! |---|---|
//! | the viewer's side of a session, up to its welcome | [`viewer`] |
//! | where it comes from, and who a load balancer says it is | [`source`], [`proxy_header`] |
//! | whether what it claims lets it in | [`judge`], [`users`], [`rights`], [`hashing`] |
//! | those who have not logged in, what failed logins cost, those who are in | [`crowd`], [`penalties`], [`roll`] |
//! | what one port has, and what all have | [`port`], [`door`] |

pub mod certificate;
pub(crate) mod crowd;
pub(crate) mod door;
pub mod hashing;
pub(crate) mod judge;
pub(crate) mod penalties;
pub(crate) mod port;
pub(crate) mod proxy_header;
pub(crate) mod rights;
pub(crate) mod roll;
pub(crate) mod source;
pub mod users;
pub(crate) mod viewer;

//! Who a viewer is, and whether it may come in.
//!
//! | what | where |
//! |---|---|
//! | the viewer's address, and the one that a load balancer says it has | [`source`], [`proxy_header`] |
//! | whether its claim lets it in | [`judge`], [`users`], [`rights`], [`hashing`] |
//! | how many connections may wait to log in, and what failed logins cost | [`pre_login_limit`], [`penalties`] |
//! | the gateway's own certificate | [`certificate`] |

pub mod certificate;
pub mod hashing;
pub(crate) mod judge;
pub(crate) mod penalties;
pub(crate) mod pre_login_limit;
pub(crate) mod proxy_header;
pub(crate) mod rights;
pub(crate) mod source;
pub mod users;

//! Viewers before their session: source address, authentication, rights and limits.
//!
//! | subject | modules |
//! |---|---|
//! | source addresses, and those that a load balancer reports | [`source`], [`proxy_header`] |
//! | authentication and rights | [`judge`], [`users`], [`rights`], [`hashing`] |
//! | patterns of a users file that match no console, or too many | [`unmatched`], [`ambiguous`] |
//! | the limit on connections before login, and penalties for failed logins | [`pre_login_limit`], [`penalties`] |
//! | the gateway's TLS certificate | [`certificate`] |

pub(crate) mod ambiguous;
pub mod certificate;
pub mod hashing;
pub(crate) mod judge;
pub(crate) mod penalties;
pub(crate) mod pre_login_limit;
pub(crate) mod proxy_header;
pub(crate) mod rights;
pub(crate) mod source;
pub(crate) mod unmatched;
pub mod users;

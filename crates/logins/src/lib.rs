//! Who may log in, from where and how often.
//!
//! | subject | modules |
//! |---|---|
//! | source addresses, and those that a load balancer reports | [`source`], [`proxy_header`] |
//! | users and their rights | [`users`], [`rights`], [`hashing`] |
//! | keys of the API | [`api_keys`] |
//! | patterns of a users file that match no console, or too many | [`unmatched`], [`ambiguous`] |
//! | the limit on connections before login, and penalties for failed logins | [`pre_login_limit`], [`penalties`] |
//! | the gateway's TLS certificate | [`certificate`] |

pub mod ambiguous;
pub mod api_keys;
pub mod certificate;
pub mod hashing;
pub mod penalties;
pub mod pre_login_limit;
pub mod proxy_header;
pub mod rights;
pub mod source;
pub mod unmatched;
pub mod users;

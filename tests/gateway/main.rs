//! The whole testbed in one process: viewers that follow a script, the gateway, and a host behind it.
//!
//! | module | what it is about |
//! |---|---|
//! | [`desktop`] | a viewer sees and drives a VM, in every version of RFB |
//! | [`order`] | what happens before what, and what does not happen at all |
//! | [`reasons`] | what a viewer reads when it is not let in |
//! | [`addresses`] | which host is dialled, and which certificate is believed |
//! | [`closing`] | every way in which a session ends |
//! | [`door`] | who may in, from where, how many, and what it costs to try |
//! | [`identity`] | one VM behind several ports |
//! | [`penalties`] | which failed logins a success takes back |
//! | [`encrypted`] | logging in through TLS |
//! | [`proxied`] | everything upstream through an HTTP proxy |
//! | [`repairs`] | what viewers send, as hosts in every quirk take it, and back |
//! | [`reloading`] | a new configuration while the gateway runs |
//! | [`at_url`] | consoles at a URL instead of a vSphere |
//! | [`hostile`] | peers that mean no good |
//!
//! Nothing here sleeps: tests wait for what happens, and fail when it does not within [`support::LIMIT`].

#![cfg(unix)]

mod addresses;
mod at_url;
mod closing;
mod desktop;
mod door;
mod hostile;
mod http_proxy;
mod identity;
mod penalties;
mod reasons;
mod reload;
mod stages;
mod support;
mod translation;
mod vencrypt;

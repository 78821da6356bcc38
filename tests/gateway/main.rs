//! End-to-end tests in one process: scripted viewers, the gateway, and a simulated or scripted host.
//!
//! | module | subject |
//! |---|---|
//! | [`desktop`] | pictures, keys and pointer in every version of RFB |
//! | [`stages`] | the order of a session's stages |
//! | [`reasons`] | the reasons that refused viewers get |
//! | [`addresses`] | which host is dialled, and how its certificate is verified |
//! | [`closing`] | every way in which a session ends |
//! | [`access`] | who may open a console, limits, view-only and exclusive access, metrics |
//! | [`pre_login`] | connections before their login |
//! | [`proxy_protocol`] | the PROXY protocol |
//! | [`identity`] | one VM behind several ports |
//! | [`penalties`] | penalties for failed logins |
//! | [`vencrypt`] | logins over TLS |
//! | [`http_proxy`] | upstream connections through an HTTP proxy |
//! | [`translation`] | the dialect end to end, with every quirk of hosts |
//! | [`reload`] | reloads of the configuration |
//! | [`page`] | what the page needs: logins, tokens, and consoles over a browser's WebSocket |
//! | [`reconnect`] | consoles that are lost and opened again |
//! | [`at_url`] | consoles at a URL instead of a vSphere |
//! | [`hostile`] | malicious and misdirected peers |
//!
//! Tests wait for events and fail when one does not happen within [`support::LIMIT`].

#![cfg(unix)]

mod access;
mod addresses;
mod at_url;
mod closing;
mod desktop;
mod hostile;
mod http_proxy;
mod identity;
mod page;
mod penalties;
mod pre_login;
mod proxy_protocol;
mod reasons;
mod reconnect;
mod reload;
mod reload_of_page;
mod stages;
mod support;
mod translation;
mod vencrypt;

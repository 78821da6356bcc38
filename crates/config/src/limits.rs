//! Checks of `[gateway]`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnet::IpNet;

use crate::document::Document;
use crate::error::ConfigError;
use crate::file;
use gateway::settings::Limits;

impl Document<'_> {
    pub(crate) fn bind(&self, gateway: &file::Gateway) -> Result<IpAddr, ConfigError> {
        let Some(bind) = &gateway.bind else {
            return Ok(Ipv4Addr::LOCALHOST.into());
        };
        let text = bind.get_ref();
        text.parse().map_err(|_| {
            let sentence = match text.parse::<SocketAddr>() {
                Ok(_) => format!(
                    "bind = {text:?} has a port: write the address only, and the port in each [[console]]"
                ),
                Err(_) => format!(
                    "bind = {text:?} is not an IP address: write one, as \"127.0.0.1\" or \"::1\""
                ),
            };
            self.error_at(bind.span(), sentence)
        })
    }

    pub(crate) fn limits(&self, gateway: &file::Gateway) -> Limits {
        let default = Limits::default();
        Limits {
            max_sessions: self.at_least_one(
                gateway.max_sessions.as_ref(),
                "max_sessions",
                default.max_sessions,
            ),
            max_sessions_per_vm: self.at_least_one(
                gateway.max_sessions_per_vm.as_ref(),
                "max_sessions_per_vm",
                default.max_sessions_per_vm,
            ),
            max_unauthenticated: self.at_least_one(
                gateway.max_unauthenticated.as_ref(),
                "max_unauthenticated",
                default.max_unauthenticated,
            ),
            idle_timeout: gateway.idle_timeout.filter(|timeout| !timeout.is_zero()),
            max_session_time: gateway.max_session_time.filter(|time| !time.is_zero()),
            proxy_from: self.proxy_from(gateway),
            login_timeout: self.longer_than_zero(
                gateway.login_timeout.as_ref(),
                "login_timeout",
                default.login_timeout,
            ),
            handshake_timeout: self.longer_than_zero(
                gateway.handshake_timeout.as_ref(),
                "handshake_timeout",
                default.handshake_timeout,
            ),
            reconnect: self.reconnect(gateway),
            drain_timeout: gateway.drain_timeout.unwrap_or(default.drain_timeout),
        }
    }

    /// PROXY headers are accepted only from these networks: any other peer could forge them.
    fn proxy_from(&self, gateway: &file::Gateway) -> Option<Vec<IpNet>> {
        match (&gateway.proxy_from, gateway.proxy_protocol) {
            (None, false) => None,
            (Some(from), true) => Some(self.networks(from.get_ref())),
            (None, true) => Some(vec![IpNet::from(IpAddr::from(Ipv4Addr::LOCALHOST))]),
            (Some(from), false) => {
                let sentence =
                    "proxy_from has no effect without PROXY protocol: add proxy_protocol = true";
                self.record(self.error_at(from.span(), sentence).missing());
                None
            }
        }
    }
}

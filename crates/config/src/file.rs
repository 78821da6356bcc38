//! The syntax of `gateway.toml`: refuses unknown keys, and leaves the checks of values, and of keys that
//! must be there, to the other files.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use crate::scalar;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    #[serde(default)]
    pub(crate) gateway: Gateway,
    pub(crate) admin: Option<Spanned<Admin>>,
    pub(crate) web: Option<Spanned<Web>>,
    #[serde(default)]
    pub(crate) vsphere: BTreeMap<String, Spanned<VSphere>>,
    #[serde(default)]
    pub(crate) auth: BTreeMap<String, Spanned<Auth>>,
    #[serde(default)]
    pub(crate) console: Vec<Spanned<Console>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gateway {
    pub(crate) bind: Option<Spanned<String>>,
    pub(crate) max_sessions: Option<Spanned<usize>>,
    pub(crate) max_sessions_per_vm: Option<Spanned<usize>>,
    pub(crate) max_unauthenticated: Option<Spanned<usize>>,
    #[serde(default, deserialize_with = "scalar::duration")]
    pub(crate) idle_timeout: Option<Duration>,
    #[serde(default, deserialize_with = "scalar::duration")]
    pub(crate) max_session_time: Option<Duration>,
    #[serde(default)]
    pub(crate) proxy_protocol: bool,
    pub(crate) proxy_from: Option<Spanned<Vec<Spanned<String>>>>,
    pub(crate) login_timeout: Option<Spanned<scalar::Time>>,
    pub(crate) handshake_timeout: Option<Spanned<scalar::Time>>,
    pub(crate) reconnect_for: Option<Spanned<scalar::Time>>,
    pub(crate) wait: Option<Spanned<bool>>,
    pub(crate) power_on: Option<Spanned<String>>,
    #[serde(default, deserialize_with = "scalar::duration")]
    pub(crate) drain_timeout: Option<Duration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Admin {
    pub(crate) listen: Option<Spanned<String>>,
    pub(crate) token_file: Option<Spanned<PathBuf>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Web {
    pub(crate) listen: Option<Spanned<String>>,
    pub(crate) certificate: Option<Spanned<PathBuf>>,
    pub(crate) private_key: Option<Spanned<PathBuf>>,
    pub(crate) auth: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) hosts: Vec<Spanned<String>>,
    pub(crate) proxy_from: Option<Vec<Spanned<String>>>,
    pub(crate) novnc: Option<PathBuf>,
    pub(crate) user_header: Option<Spanned<String>>,
    pub(crate) viewer_host: Option<Spanned<String>>,
    pub(crate) api_keys_file: Option<Spanned<PathBuf>>,
    #[serde(default)]
    pub(crate) frame_ancestors: Vec<Spanned<String>>,
    pub(crate) max_connections_per_source: Option<Spanned<usize>>,
    pub(crate) rate_limit_factor: Option<NonZero<u16>>,
    pub(crate) thumbnails_per_host: Option<Spanned<usize>>,
    #[serde(default, deserialize_with = "scalar::duration")]
    pub(crate) thumbnail_every: Option<Duration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VSphere {
    pub(crate) address: Option<Spanned<String>>,
    pub(crate) username: Option<Spanned<String>>,
    pub(crate) password_file: Option<Spanned<PathBuf>>,
    pub(crate) password_env: Option<Spanned<String>>,
    pub(crate) trust: Option<Spanned<String>>,
    pub(crate) console_trust: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) console_address: BTreeMap<String, Spanned<String>>,
    pub(crate) max_consoles: Option<Spanned<usize>>,
    pub(crate) tls_records: Option<Spanned<String>>,
    pub(crate) proxy: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Auth {
    pub(crate) methods: Option<Spanned<Vec<Spanned<String>>>>,
    pub(crate) users_file: Option<Spanned<PathBuf>>,
    pub(crate) password_file: Option<Spanned<PathBuf>>,
    pub(crate) certificate: Option<Spanned<PathBuf>>,
    pub(crate) private_key: Option<Spanned<PathBuf>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Console {
    pub(crate) port: Option<Spanned<u16>>,
    pub(crate) listen: Option<Spanned<String>>,
    pub(crate) vsphere: Option<Spanned<String>>,
    pub(crate) vm: Option<Spanned<String>>,
    pub(crate) vnc_password_file: Option<Spanned<PathBuf>>,
    pub(crate) vnc_password_env: Option<Spanned<String>>,
    pub(crate) url: Option<Spanned<String>>,
    pub(crate) url_command: Option<Spanned<Vec<String>>>,
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) trust: Option<Spanned<String>>,
    pub(crate) subprotocol: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub(crate) headers_env: BTreeMap<String, Spanned<String>>,
    pub(crate) headers_file: Option<Spanned<PathBuf>>,
    pub(crate) cookie: Option<Spanned<String>>,
    pub(crate) cookie_file: Option<Spanned<PathBuf>>,
    pub(crate) cookie_env: Option<Spanned<String>>,
    pub(crate) password_file: Option<Spanned<PathBuf>>,
    pub(crate) password_env: Option<Spanned<String>>,
    pub(crate) allow_plain: Option<Spanned<bool>>,
    pub(crate) auth: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) allow: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) view_only: bool,
    pub(crate) exclusive: Option<Spanned<String>>,
    pub(crate) keyboard: Option<Spanned<String>>,
    pub(crate) layout: Option<Spanned<String>>,
    pub(crate) paste: Option<Spanned<String>>,
    pub(crate) ctrl_alt_insert: Option<Spanned<String>>,
    pub(crate) transparent: Option<bool>,
    pub(crate) reconnect_for: Option<Spanned<scalar::Time>>,
    pub(crate) wait: Option<Spanned<bool>>,
    pub(crate) power_on: Option<Spanned<String>>,
}

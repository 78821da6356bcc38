//! The syntax of `gateway.toml`: refuses unknown keys, and leaves the checks of values to the other files.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::scalar;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) gateway: Gateway,
    pub(super) admin: Option<Admin>,
    #[serde(default)]
    pub(super) vsphere: BTreeMap<String, Spanned<VSphere>>,
    #[serde(default)]
    pub(super) auth: BTreeMap<String, Spanned<Auth>>,
    #[serde(default)]
    pub(super) console: Vec<Spanned<Console>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Gateway {
    pub(super) bind: Option<Spanned<String>>,
    pub(super) max_sessions: Option<Spanned<usize>>,
    pub(super) max_sessions_per_vm: Option<Spanned<usize>>,
    pub(super) max_unauthenticated: Option<Spanned<usize>>,
    #[serde(default, deserialize_with = "scalar::duration")]
    pub(super) idle_timeout: Option<Duration>,
    #[serde(default, deserialize_with = "scalar::duration")]
    pub(super) max_session_time: Option<Duration>,
    #[serde(default)]
    pub(super) proxy_protocol: bool,
    pub(super) proxy_from: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) login_timeout: Option<Spanned<scalar::Time>>,
    pub(super) handshake_timeout: Option<Spanned<scalar::Time>>,
    #[serde(default, deserialize_with = "scalar::duration")]
    pub(super) drain_timeout: Option<Duration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Admin {
    pub(super) listen: Spanned<String>,
    pub(super) token_file: Option<Spanned<PathBuf>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VSphere {
    pub(super) address: Spanned<String>,
    pub(super) username: Spanned<String>,
    pub(super) password_file: Option<Spanned<PathBuf>>,
    pub(super) password_env: Option<Spanned<String>>,
    pub(super) trust: Option<Spanned<String>>,
    pub(super) console_trust: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) console_address: BTreeMap<String, Spanned<String>>,
    pub(super) max_consoles: Option<Spanned<usize>>,
    pub(super) tls_records: Option<Spanned<String>>,
    pub(super) proxy: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Auth {
    pub(super) methods: Spanned<Vec<Spanned<String>>>,
    pub(super) users_file: Option<Spanned<PathBuf>>,
    pub(super) password_file: Option<Spanned<PathBuf>>,
    pub(super) certificate: Option<Spanned<PathBuf>>,
    pub(super) private_key: Option<Spanned<PathBuf>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Console {
    pub(super) port: Option<Spanned<u16>>,
    pub(super) listen: Option<Spanned<String>>,
    pub(super) vsphere: Option<Spanned<String>>,
    pub(super) vm: Option<Spanned<String>>,
    pub(super) vnc_password_file: Option<Spanned<PathBuf>>,
    pub(super) vnc_password_env: Option<Spanned<String>>,
    pub(super) url: Option<Spanned<String>>,
    pub(super) url_command: Option<Spanned<Vec<String>>>,
    pub(super) name: Option<Spanned<String>>,
    pub(super) trust: Option<Spanned<String>>,
    pub(super) subprotocol: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub(super) headers_env: BTreeMap<String, Spanned<String>>,
    pub(super) headers_file: Option<Spanned<PathBuf>>,
    pub(super) cookie: Option<Spanned<String>>,
    pub(super) cookie_file: Option<Spanned<PathBuf>>,
    pub(super) cookie_env: Option<Spanned<String>>,
    pub(super) password_file: Option<Spanned<PathBuf>>,
    pub(super) password_env: Option<Spanned<String>>,
    pub(super) allow_plain: Option<Spanned<bool>>,
    pub(super) auth: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) allow: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) view_only: bool,
    pub(super) exclusive: Option<Spanned<String>>,
    pub(super) keyboard: Option<Spanned<String>>,
    pub(super) layout: Option<Spanned<String>>,
    pub(super) paste: Option<Spanned<String>>,
    pub(super) ctrl_alt_insert: Option<Spanned<String>>,
    pub(super) transparent: Option<bool>,
}

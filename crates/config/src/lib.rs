//! The configuration: reads `gateway.toml`, or govc's environment variables, into a valid [`gateway::settings::Config`].

mod admin;
mod auth;
pub mod client;
mod consoles;
mod dialect;
mod document;
mod endpoint;
mod error;
mod errors;
mod file;
pub mod file_owner;
pub mod govc;
mod govc_trust;
pub mod known_hosts;
mod limits;
mod omitted;
mod position;
mod reconnect;
mod rights;
mod scalar;
mod sdk_url;
pub mod secret_file;
pub mod secret_variables;
pub mod session_cache;
mod syntax;
mod toml_error;
pub mod user_files;
mod vsphere;
mod web;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read;
use std::mem;
use std::path::Path;

use console::named_file;
use gateway::settings::Config;

use client::ClientFile;
use consoles::Others;
use document::Document;
pub use error::ConfigError;
pub use errors::ConfigErrors;
use omitted::Omitted;
use rights::{users_files, without_page};
pub use scalar::parse_duration;
pub use sdk_url::sdk_url;
use syntax::Syntax;

/// Reads and checks a configuration file and the secrets that it names.
///
/// # Errors
/// [`ConfigError`] of the first mistake. No part of the file has taken effect then.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let read = read(path, MissingPassword::Error);
    read.map(|file| file.config)
        .map_err(ConfigErrors::into_first)
}

/// As [`load`], for commands that can ask for the password of a vSphere: the file may omit it.
///
/// # Errors
/// As [`load`].
pub fn load_for_client(path: &Path) -> Result<ClientFile, ConfigError> {
    read(path, MissingPassword::Allowed).map_err(ConfigErrors::into_first)
}

/// As [`load`], for `check`.
///
/// # Errors
/// All mistakes; an error of TOML's syntax is returned alone.
pub fn load_listing_errors(path: &Path) -> Result<Config, ConfigErrors> {
    read(path, MissingPassword::Error).map(|file| file.config)
}

/// What a vSphere without a password is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MissingPassword {
    Error,
    Allowed,
}

fn read(path: &Path, missing: MissingPassword) -> Result<ClientFile, ConfigErrors> {
    let mut text = String::new();
    let read = named_file::open(path).and_then(|file| {
        file.take(named_file::MAX_SIZE + 1)
            .read_to_string(&mut text)
    });
    match read.map_err(|error| ConfigError::unreadable(path, &error))? {
        read if u64::try_from(read).is_ok_and(|read| read <= named_file::MAX_SIZE) => {
            check(&text, path, missing)
        }
        _ => Err(ConfigError::in_file(
            path,
            format!(
                "it has more than {} bytes: name another with --config FILE",
                named_file::MAX_SIZE
            ),
        )
        .into()),
    }
}

/// Checks configuration text as if it were at `path`, to whose directory other paths in it are relative.
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
    check(text, path, MissingPassword::Error)
        .map(|file| file.config)
        .map_err(ConfigErrors::into_first)
}

fn check(text: &str, path: &Path, missing: MissingPassword) -> Result<ClientFile, ConfigErrors> {
    let mut syntax = syntax::read(text, path)?;
    let document = Document {
        text,
        path,
        missing_password: missing,
        errors: RefCell::new(mem::take(&mut syntax.errors)),
        incomplete: mem::take(&mut syntax.incomplete),
        left_out: RefCell::default(),
    };
    let tables = syntax.file.vsphere.iter();
    let omitted: BTreeMap<String, Omitted> = tables
        .map(|(name, table)| (name.clone(), document.omitted(table)))
        .collect();
    let config = document.config(syntax);
    match ConfigErrors::of(document.errors.into_inner()) {
        Some(errors) => Err(errors),
        None => Ok(ClientFile { config, omitted }),
    }
}

impl Document<'_> {
    /// Records every error. With one, the configuration is incomplete and must not be used.
    fn config(&self, syntax: Syntax) -> Config {
        let file = syntax.file;
        let bind = self.keep(self.bind(&file.gateway));
        let gateway = self.limits(&file.gateway);
        let admin = file.admin.as_ref();
        let admin_listen = admin.and_then(|admin| self.admin_listen(admin));
        let web = file.web.as_ref();
        let web_listen = web.and_then(|web| self.web_listen(web, admin_listen));
        let vspheres = self.check_each(file.vsphere, syntax.vspheres, Document::vsphere);
        let users_files = users_files(&file.auth);
        self.keep(self.check_auth_names(&file.auth));
        let auths = self.check_each(file.auth, syntax.auths, Document::auth);
        if !syntax.has_console && web.is_none() {
            self.record(ConfigError::in_file(
                self.path,
                "it has no console: add a [[console]] with port, vsphere and vm (or url)",
            ));
        }
        let others = Others {
            bind,
            reserved: [("[admin]", admin_listen), ("[web]", web_listen)],
            limits: &gateway,
            vspheres: &vspheres,
            auths: &auths,
        };
        let total = file.console.len();
        let consoles = self.consoles(file.console, &others);
        // The page leads to VMs without a console of their own, too, which a pattern of its users may match.
        let users_files = without_page(users_files, web);
        // A pattern may match an invalid console, which is not in the list.
        if consoles.len() == total {
            self.check_rights(&users_files, &auths, &consoles);
        }
        let admin = admin.zip(admin_listen);
        let admin = admin.and_then(|(admin, listen)| self.keep(self.admin(admin, listen)));
        let web = web.zip(web_listen);
        let web = web.and_then(|(web, listen)| self.web(web, listen, &auths));
        let vspheres = vspheres.into_iter();
        Config {
            gateway,
            admin,
            web,
            vspheres: vspheres
                .filter_map(|(name, vsphere)| Some((name, vsphere?)))
                .collect(),
            consoles,
        }
    }
}

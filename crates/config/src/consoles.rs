//! Checks of each `[[console]]`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;

use toml::Spanned;

use crate::document::{Document, no_such_section};
use crate::error::ConfigError;
use crate::file;
use console::settings::{Backend, VSphere};
use gateway::overlap::overlap;
use gateway::settings::{Auth, ConsoleSettings, Limits};

/// Listen addresses of the consoles, by port.
type ListenersByPort = BTreeMap<u16, Vec<SocketAddr>>;

/// The other tables, as far as they could be read.
pub(crate) struct Others<'a> {
    pub(crate) bind: Option<IpAddr>,
    /// The addresses of other sections.
    pub(crate) reserved: [(&'static str, Option<SocketAddr>); 2],
    pub(crate) limits: &'a Limits,
    pub(crate) vspheres: &'a BTreeMap<String, Option<VSphere>>,
    pub(crate) auths: &'a BTreeMap<String, Option<Auth>>,
}

impl Document<'_> {
    /// The valid consoles; records the errors of all others.
    pub(crate) fn consoles(
        &self,
        tables: Vec<Spanned<file::Console>>,
        others: &Others<'_>,
    ) -> Vec<ConsoleSettings> {
        let mut used = ListenersByPort::new();
        let consoles = tables
            .into_iter()
            .filter_map(|table| self.console(table, others, &mut used));
        consoles.collect()
    }

    fn console(
        &self,
        table: Spanned<file::Console>,
        others: &Others<'_>,
        used: &mut ListenersByPort,
    ) -> Option<ConsoleSettings> {
        let span = table.span();
        self.enter(&span);
        let table = table.into_inner();
        let bind = others.bind.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let listen = self.keep(self.listen(&table, span.clone(), bind));
        if let Some((listen, position)) = &listen {
            self.keep(self.check_overlap(*listen, position, &others.reserved, used));
            used.entry(listen.port()).or_default().push(*listen);
        }
        let position = listen
            .as_ref()
            .map_or(span, |(_, position)| position.clone());
        let backend = self.backend(&table, position.clone(), others.vspheres);
        // Without a valid address it is not known whether a login is required.
        let is_private = listen
            .as_ref()
            .is_none_or(|(listen, _)| others.limits.is_local_only(*listen));
        let address = listen.map_or_else(|| SocketAddr::new(bind, 0), |(listen, _)| listen);
        let auth = self.console_auth(&table, address, is_private, position, others.auths);
        let auth = self.keep(auth);
        let allow = self.networks(&table.allow);
        let exclusive = self.keep(self.exclusive(table.exclusive.as_ref()));
        let input_settings = self.dialect_settings(&table);
        let is_translated = table.vm.is_some() && input_settings.is_some();
        let reconnect = self.reconnect_of(&table, is_translated, others.limits.reconnect);
        Some(ConsoleSettings {
            allow,
            view_only: table.view_only,
            exclusive: exclusive?,
            input_settings,
            reconnect: Some(reconnect),
            ..ConsoleSettings::with_defaults(backend?, address, auth?)
        })
    }

    /// The same port is allowed on two addresses unless one includes the other.
    fn check_overlap(
        &self,
        listen: SocketAddr,
        position: &Range<usize>,
        reserved: &[(&'static str, Option<SocketAddr>)],
        used: &ListenersByPort,
    ) -> Result<(), ConfigError> {
        let same_port = used.get(&listen.port()).into_iter().flatten();
        let mut others = same_port.filter(|other| overlap(&listen, other));
        let reserved = reserved
            .iter()
            .filter_map(|(name, other)| Some((name, (*other)?)));
        let section = { reserved }.find(|(_, other)| overlap(&listen, other));
        let sentence = match (others.next(), section) {
            (Some(same), _) if *same == listen => {
                format!("another console listens on {listen} already: give each its own port")
            }
            (Some(other), _) => format!(
                "{listen} overlaps with {other}, where another console listens: give each its own port"
            ),
            (None, Some((name, other))) => {
                format!("{name} listens on {other} already: give each its own port")
            }
            (None, None) => return Ok(()),
        };
        Err(self.error_at(position.clone(), sentence))
    }

    /// A VM of a vSphere, or a URL.
    fn backend(
        &self,
        table: &file::Console,
        position: Range<usize>,
        vspheres: &BTreeMap<String, Option<VSphere>>,
    ) -> Option<Backend> {
        let missing = |beside: &Spanned<String>, key: &str| {
            let sentence = format!("this console has no {key}: add it");
            self.record(self.error_at(beside.span(), sentence).missing());
        };
        match (&table.vsphere, &table.vm) {
            (None, None) => return self.endpoint(table, position).map(Backend::Url),
            (Some(vsphere), None) => missing(vsphere, "vm"),
            (None, Some(vm)) => missing(vm, "vsphere"),
            (Some(_), Some(_)) => {}
        }
        self.reject_url_keys(table);
        let vsphere = table.vsphere.as_ref();
        let vsphere = vsphere.and_then(|name| self.keep(self.vsphere_name(name, vspheres)));
        let vm = table.vm.as_ref().and_then(|vm| {
            let parsed = vm.get_ref().parse();
            self.keep(parsed.map_err(|error| self.error_at(vm.span(), format!("{error}"))))
        });
        let password = self.keep(self.vm_password(table));
        Some(Backend::Vm {
            vsphere: vsphere?,
            vm: vm?,
            password: password?,
        })
    }

    fn vsphere_name(
        &self,
        name: &Spanned<String>,
        vspheres: &BTreeMap<String, Option<VSphere>>,
    ) -> Result<String, ConfigError> {
        if vspheres.contains_key(name.get_ref()) {
            return Ok(name.get_ref().clone());
        }
        let known: Vec<&str> = vspheres.keys().map(String::as_str).collect();
        let keys = "address, username and password_file";
        let sentence = no_such_section("vsphere", name.get_ref(), &known, keys);
        Err(self.error_at(name.span(), sentence))
    }

    fn listen(
        &self,
        table: &file::Console,
        span: Range<usize>,
        bind: IpAddr,
    ) -> Result<(SocketAddr, Range<usize>), ConfigError> {
        let (listen, position) = match (&table.port, &table.listen) {
            (Some(port), None) => (SocketAddr::new(bind, *port.get_ref()), port.span()),
            (None, Some(listen)) => {
                let wrong = || {
                    format!(
                        "listen = {:?} is not ADDRESS:PORT, as \"0.0.0.0:5901\" or \"[::1]:5901\"",
                        listen.get_ref()
                    )
                };
                (
                    listen
                        .get_ref()
                        .parse()
                        .map_err(|_| self.error_at(listen.span(), wrong()))?,
                    listen.span(),
                )
            }
            (None, None) => {
                let sentence = "this console has no port: add port or listen";
                return Err(self.error_at(span, sentence).missing());
            }
            (Some(_), Some(listen)) => {
                return Err(self.error_at(
                    listen.span(),
                    "this console has port and listen: keep one of them",
                ));
            }
        };
        match listen.port() {
            0 => Err(self.error_at(position, "viewers cannot connect to port 0: choose another")),
            _ => Ok((listen, position)),
        }
    }

    fn exclusive(&self, word: Option<&Spanned<String>>) -> Result<bool, ConfigError> {
        match word.map(|word| (word.get_ref().as_str(), word)) {
            None | Some(("ignore", _)) => Ok(false),
            Some(("honour", _)) => Ok(true),
            Some((other, word)) => Err(self.error_at(
                word.span(),
                format!("{other:?} is not a value of exclusive: write \"ignore\" or \"honour\""),
            )),
        }
    }
}

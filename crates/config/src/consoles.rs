//! Checks of each `[[console]]`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;

use toml::Spanned;

use crate::error::ConfigError;
use crate::file;
use crate::source::{Source, no_such_section};
use console::settings::{Backend, VSphere};
use gateway::overlap::overlap;
use gateway::settings::{Auth, ConsoleSettings, Limits};

/// Listen addresses of the consoles, by port.
type ListenersByPort = BTreeMap<u16, Vec<SocketAddr>>;

/// The other tables, as far as they could be read.
pub(crate) struct Others<'a> {
    pub(crate) bind: Option<IpAddr>,
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) limits: &'a Limits,
    pub(crate) vspheres: &'a BTreeMap<String, Option<VSphere>>,
    pub(crate) auths: &'a BTreeMap<String, Option<Auth>>,
}

impl Source<'_> {
    /// Those that are right; records an error for each other.
    pub(crate) fn consoles(
        &self,
        tables: Vec<Spanned<file::Console>>,
        others: &Others<'_>,
    ) -> Vec<ConsoleSettings> {
        let mut used = ListenersByPort::new();
        let consoles = tables
            .into_iter()
            .filter_map(|table| self.keep(self.console(table, others, &mut used)));
        consoles.collect()
    }

    fn console(
        &self,
        table: Spanned<file::Console>,
        others: &Others<'_>,
        used: &mut ListenersByPort,
    ) -> Result<ConsoleSettings, ConfigError> {
        let span = table.span();
        let table = table.into_inner();
        let bind = others.bind.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let (listen, position) = self.listen(&table, span, bind)?;
        self.check_overlap(listen, &position, others.admin, used)?;
        used.entry(listen.port()).or_default().push(listen);
        let backend = self.backend(&table, position.clone(), others.vspheres)?;
        let is_private = others.limits.is_local_only(listen);
        let auth = self.console_auth(&table, listen, is_private, position, others.auths)?;
        Ok(ConsoleSettings {
            allow: self.networks(&table.allow)?,
            view_only: table.view_only,
            exclusive: self.exclusive(table.exclusive.as_ref())?,
            input_settings: self.dialect_settings(&table)?,
            ..ConsoleSettings::with_defaults(backend, listen, auth)
        })
    }

    /// The same port is allowed on two addresses unless one includes the other.
    fn check_overlap(
        &self,
        listen: SocketAddr,
        position: &Range<usize>,
        admin: Option<SocketAddr>,
        used: &ListenersByPort,
    ) -> Result<(), ConfigError> {
        let same_port = used.get(&listen.port()).into_iter().flatten();
        let mut others = same_port.filter(|other| overlap(&listen, other));
        let sentence = match (others.next(), admin.filter(|admin| overlap(&listen, admin))) {
            (Some(same), _) if *same == listen => {
                format!("another console listens on {listen} already: give each its own port")
            }
            (Some(other), _) => format!(
                "{listen} overlaps with {other}, where another console listens: give each its own port"
            ),
            (None, Some(admin)) => {
                format!("[admin] listens on {admin} already: give each its own port")
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
    ) -> Result<Backend, ConfigError> {
        let (vsphere, vm) = match (&table.vsphere, &table.vm) {
            (None, None) => return self.endpoint(table, position).map(Backend::Url),
            (Some(vsphere), Some(vm)) => (vsphere, vm),
            (Some(vsphere), None) => {
                return Err(self.error_at(vsphere.span(), "this console has no vm: add it"));
            }
            (None, Some(vm)) => {
                return Err(self.error_at(vm.span(), "this console has no vsphere: add it"));
            }
        };
        self.reject_url_keys(table)?;
        let name = vsphere.get_ref();
        if !vspheres.contains_key(name) {
            let known: Vec<&str> = vspheres.keys().map(String::as_str).collect();
            return Err(self.error_at(
                vsphere.span(),
                no_such_section(
                    "vsphere",
                    name,
                    &known,
                    "address, username and password_file",
                ),
            ));
        }
        let parsed = vm.get_ref().parse();
        Ok(Backend::Vm {
            vsphere: name.clone(),
            vm: parsed.map_err(|error| self.error_at(vm.span(), format!("{error}")))?,
            password: self.vm_password(table)?,
        })
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
                return Err(self.error_at(span, "this console has no port: add port or listen"));
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

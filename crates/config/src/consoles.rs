//! Checks of each `[[console]]`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use toml::Spanned;

use crate::error::ConfigError;
use crate::file;
use crate::source::{Source, unknown};
use console::settings::{Backend, VSphere};
use gateway::overlap::overlap;
use gateway::settings::{Auth, ConsoleSettings, Limits};

/// Listen addresses of the consoles, by port.
type ListenersByPort = BTreeMap<u16, Vec<SocketAddr>>;

impl Source<'_> {
    pub(crate) fn consoles(
        &self,
        tables: Vec<Spanned<file::Console>>,
        bind: IpAddr,
        admin: Option<SocketAddr>,
        limits: &Limits,
        vspheres: &BTreeMap<String, VSphere>,
        auths: &BTreeMap<String, Auth>,
    ) -> Result<Vec<ConsoleSettings>, ConfigError> {
        let mut taken = ListenersByPort::new();
        let mut consoles = Vec::new();
        for table in tables {
            let span = table.span();
            let table = table.into_inner();
            let (listen, place) = self.listen(&table, span, bind)?;
            self.check_overlap(listen, &place, admin, &taken)?;
            taken.entry(listen.port()).or_default().push(listen);
            let backend = self.backend(&table, place.clone(), vspheres)?;
            let auth =
                self.console_auth(&table, listen, limits.is_local_only(listen), place, auths)?;
            consoles.push(ConsoleSettings {
                allow: self.networks(&table.allow)?,
                view_only: table.view_only,
                exclusive: self.exclusive(table.exclusive.as_ref())?,
                habits: self.habits(&table)?,
                ..ConsoleSettings::with_defaults(backend, listen, auth)
            });
        }
        Ok(consoles)
    }

    /// The same port is allowed on two addresses unless one includes the other.
    fn check_overlap(
        &self,
        listen: SocketAddr,
        place: &Range<usize>,
        admin: Option<SocketAddr>,
        taken: &ListenersByPort,
    ) -> Result<(), ConfigError> {
        let same_port = taken.get(&listen.port()).into_iter().flatten();
        let mut others = same_port.filter(|other| overlap(&listen, other));
        let sentence = match (others.next(), admin.filter(|admin| overlap(&listen, admin))) {
            (Some(same), _) if *same == listen => {
                format!("{listen} has a console already: give each its own port")
            }
            (Some(other), _) => format!(
                "{listen} and {other}, which has a console already, overlap: give each its own port"
            ),
            (None, Some(admin)) => {
                format!("[admin] listens on {admin} already: give each its own port")
            }
            (None, None) => return Ok(()),
        };
        Err(self.wrong(place.clone(), sentence))
    }

    /// A VM of a vSphere, or a URL.
    fn backend(
        &self,
        table: &file::Console,
        place: Range<usize>,
        vspheres: &BTreeMap<String, VSphere>,
    ) -> Result<Backend, ConfigError> {
        let (vsphere, vm) = match (&table.vsphere, &table.vm) {
            (None, None) => return self.endpoint(table, place).map(Backend::Url),
            (Some(vsphere), Some(vm)) => (vsphere, vm),
            (Some(vsphere), None) => {
                return Err(self.wrong(vsphere.span(), "this console has no vm: add it"));
            }
            (None, Some(vm)) => {
                return Err(self.wrong(vm.span(), "this console has no vsphere: add it"));
            }
        };
        self.reject_url_keys(table)?;
        let name = vsphere.get_ref();
        if !vspheres.contains_key(name) {
            let known: Vec<&str> = vspheres.keys().map(String::as_str).collect();
            return Err(self.wrong(vsphere.span(), unknown("vsphere", name, &known)));
        }
        let parsed = vm.get_ref().parse();
        Ok(Backend::Vm {
            vsphere: name.clone(),
            vm: parsed.map_err(|error| self.wrong(vm.span(), format!("{error}")))?,
            password: self.vm_password(table)?,
        })
    }

    fn listen(
        &self,
        table: &file::Console,
        span: Range<usize>,
        bind: IpAddr,
    ) -> Result<(SocketAddr, Range<usize>), ConfigError> {
        let (listen, place) = match (&table.port, &table.listen) {
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
                        .map_err(|_| self.wrong(listen.span(), wrong()))?,
                    listen.span(),
                )
            }
            (None, None) => {
                return Err(self.wrong(span, "this console has no port: add port or listen"));
            }
            (Some(_), Some(listen)) => {
                return Err(self.wrong(
                    listen.span(),
                    "this console has port and listen: keep one of them",
                ));
            }
        };
        match listen.port() {
            0 => Err(self.wrong(place, "port 0 cannot be used by viewers: choose another")),
            _ => Ok((listen, place)),
        }
    }

    fn exclusive(&self, word: Option<&Spanned<String>>) -> Result<bool, ConfigError> {
        match word.map(|word| (word.get_ref().as_str(), word)) {
            None | Some(("ignore", _)) => Ok(false),
            Some(("honour", _)) => Ok(true),
            Some((other, word)) => Err(self.wrong(
                word.span(),
                format!("{other:?} is not known here: write \"ignore\" or \"honour\""),
            )),
        }
    }
}

//! Opens consoles: of VMs, with a ticket of their vSphere, and at URLs.

use std::sync::Arc;
use std::time::Duration;

use rfb_proto::VncPassword;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::task_tracker::TaskTrackerToken;
use vsphere::{Ticket, Vm, VmRef};

use crate::endpoint::{Endpoint, UrlGrant};
use crate::error::{Blame, Error};
use crate::host_link::{HostLink, OpenConsole};
use crate::progress::{Observer, Progress};
use crate::secret::Secret;
use crate::settings::Backend;
use crate::target::Target;
use crate::upstream::Upstream;

/// Opens one console any number of times, each time with a fresh ticket or URL.
#[derive(Clone)]
pub enum Dialer {
    /// A VM of a vSphere, with its VNC password for hosts that ask for it.
    Vm(Arc<Upstream>, VmRef, Option<Secret<VncPassword>>),
    /// A server at a URL.
    Url(Arc<Endpoint>),
}

/// How long vSphere and the console's host may take together.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimit {
    deadline: Instant,
    within: Duration,
}

impl TimeLimit {
    /// A limit that starts now.
    pub fn of(within: Duration) -> Self {
        Self {
            deadline: Instant::now() + within,
            within,
        }
    }

    /// When the limit expires.
    pub const fn deadline(self) -> Instant {
        self.deadline
    }
}

/// A ticket or URL for one connection, consumed by [`Grant::dial`].
pub enum Grant {
    /// A ticket, the vSphere that issued it, and the VM's VNC password.
    Ticket(Arc<Upstream>, Box<Ticket>, Option<Secret<VncPassword>>),
    /// A URL, with the headers and password that belong to it.
    Url(Arc<Endpoint>, UrlGrant),
}

impl Dialer {
    /// The console, as the configuration describes it.
    pub fn backend(&self) -> Backend {
        match self {
            Self::Vm(upstream, vm, password) => Backend::Vm {
                vsphere: upstream.client().name().to_owned(),
                vm: vm.clone(),
                password: password.clone(),
            },
            Self::Url(endpoint) => Backend::Url(Arc::clone(endpoint)),
        }
    }

    /// The vSphere that issues the tickets; `None` for a URL.
    pub const fn upstream(&self) -> Option<&Arc<Upstream>> {
        match self {
            Self::Vm(upstream, ..) => Some(upstream),
            Self::Url(_) => None,
        }
    }

    /// Registers a user of the vSphere, whose session is kept open until the token is dropped; `None` for a URL.
    pub fn hold(&self) -> Option<TaskTrackerToken> {
        self.upstream().map(|upstream| upstream.hold())
    }

    /// Looks the VM up; `None` for a URL.
    ///
    /// # Errors
    /// vSphere does not answer in time, does not know the VM, or refuses.
    pub async fn vm(&self, limit: TimeLimit) -> Result<Option<Vm>, Error> {
        let Self::Vm(upstream, vm, _) = self else {
            return Ok(None);
        };
        let resolved = timeout_at(limit.deadline, upstream.resolve(vm, limit.deadline)).await;
        resolved
            .unwrap_or_else(|_| Err(self.grant_timeout(limit)))
            .map(Some)
    }

    /// Adds the inventory path to `vm`, with one more round trip.
    ///
    /// # Errors
    /// vSphere does not answer, no longer knows the VM, or refuses.
    pub async fn with_path(&self, vm: &Vm) -> Result<Vm, Error> {
        match self {
            Self::Vm(upstream, ..) => {
                let moref = VmRef::Moref(vm.moref.clone());
                Ok(Box::pin(upstream.client().find(&moref)).await?)
            }
            Self::Url(_) => Ok(vm.clone()),
        }
    }

    /// Acquires a fresh ticket or URL.
    ///
    /// # Errors
    /// vSphere, or the program that prints the URL, does not answer in time, or refuses.
    pub async fn grant(&self, limit: TimeLimit) -> Result<Grant, Error> {
        let request = async {
            Ok(match self {
                Self::Vm(upstream, vm, password) => {
                    let ticket = upstream.ticket(vm, limit.deadline).await?;
                    Grant::Ticket(Arc::clone(upstream), ticket.into(), password.clone())
                }
                Self::Url(endpoint) => Grant::Url(Arc::clone(endpoint), endpoint.grant().await?),
            })
        };
        let granted = timeout_at(limit.deadline, request).await;
        granted.unwrap_or_else(|_| Err(self.grant_timeout(limit)))
    }

    /// Acquires a grant and opens the console with it; `observer` is called at each step.
    ///
    /// # Errors
    /// As [`Dialer::grant`] and [`Grant::dial`].
    pub async fn dial(&self, limit: TimeLimit, observer: &Observer) -> Result<OpenConsole, Error> {
        let grant = self.grant(limit).await?;
        observer(match &grant {
            Grant::Ticket(_, ticket, _) => Progress::Ticket(ticket),
            Grant::Url(_, grant) => Progress::Located(grant.url()),
        });
        grant.dial(limit, observer).await
    }

    /// Connects to the host of this name, up to TLS, and closes the connection: for a VM that is off, which has no ticket.
    ///
    /// # Errors
    /// The host does not answer in time, or is not trusted.
    pub async fn reach_host(&self, name: &str, limit: TimeLimit) -> Result<(), Error> {
        let Self::Vm(upstream, ..) = self else {
            return Ok(());
        };
        let reached = async {
            match upstream.host_target(name).await? {
                Some(target) => HostLink::reach(&target).await,
                None => Ok(()),
            }
        };
        let reached = timeout_at(limit.deadline, reached).await;
        reached.unwrap_or_else(|_| Err(self.host_timeout(limit)))
    }

    /// The error for a console's host that does not answer in time.
    pub fn host_timeout(&self, limit: TimeLimit) -> Error {
        match self {
            Self::Vm(..) => host_timeout("ESXi", limit),
            Self::Url(endpoint) => host_timeout(&endpoint.name, limit),
        }
    }

    fn grant_timeout(&self, TimeLimit { within, .. }: TimeLimit) -> Error {
        match self {
            Self::Vm(..) => Error::Slow {
                what: "vSphere".into(),
                blame: Blame::Vcenter,
                within,
            },
            Self::Url(_) => Error::UrlCommand(format!("did not end within {} s", within.as_secs())),
        }
    }
}

fn host_timeout(name: &str, TimeLimit { within, .. }: TimeLimit) -> Error {
    Error::Slow {
        what: name.to_owned(),
        blame: Blame::Esxi,
        within,
    }
}

impl Grant {
    /// The VM that the ticket belongs to; `None` for a URL.
    pub fn vm(&self) -> Option<&Vm> {
        match self {
            Self::Ticket(_, ticket, _) => Some(ticket.vm()),
            Self::Url(..) => None,
        }
    }

    /// Opens the console: TCP, TLS, WebSocket, RFB version and security. `observer` is called at each
    /// step.
    ///
    /// # Errors
    /// The host cannot be reached, is not trusted, refuses, or does not answer in time.
    pub async fn dial(self, limit: TimeLimit, observer: &Observer) -> Result<OpenConsole, Error> {
        let slow = self.host_timeout(limit);
        let dial = async { OpenConsole::dial(self.target().await?, observer).await };
        timeout_at(limit.deadline, dial).await.unwrap_or(Err(slow))
    }

    /// Opens the WebSocket only; RFB is left to the caller from its first byte.
    ///
    /// # Errors
    /// As [`Grant::dial`].
    pub async fn open_web_socket(self, limit: TimeLimit) -> Result<HostLink, Error> {
        let slow = self.host_timeout(limit);
        let open = async { HostLink::open(&self.target().await?).await };
        timeout_at(limit.deadline, open).await.unwrap_or(Err(slow))
    }

    fn host_timeout(&self, limit: TimeLimit) -> Error {
        match self {
            Self::Ticket(..) => host_timeout("ESXi", limit),
            Self::Url(endpoint, _) => host_timeout(&endpoint.name, limit),
        }
    }

    /// Resolves the address, chooses the certificate check, and takes a console slot on the host.
    async fn target(self) -> Result<Target, Error> {
        match self {
            Self::Ticket(upstream, ticket, password) => Ok(Target {
                password,
                ..upstream.target(*ticket).await?
            }),
            Self::Url(endpoint, grant) => endpoint.target(grant).await,
        }
    }
}

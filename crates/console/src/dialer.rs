//! The way to a console: to a VM, by a ticket of its vSphere, or to a URL.

use std::sync::Arc;
use std::time::Duration;

use rfb_proto::VncPassword;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::task_tracker::TaskTrackerToken;
use vsphere::{Ticket, Vm, VmRef};

use crate::endpoint::{Endpoint, Place};
use crate::error::{Blame, Error};
use crate::host_link::{HostLink, OpenConsole};
use crate::progress::{Observer, Progress};
use crate::secret::Secret;
use crate::settings::Behind;
use crate::target::Target;
use crate::upstream::Upstream;

/// Opens a console whenever it is asked to, each time with a fresh ticket or URL.
#[derive(Clone)]
pub enum Dialer {
    /// A VM of a vSphere, and its VNC password, for a host that asks for it.
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
    /// From now on.
    pub fn of(within: Duration) -> Self {
        Self {
            deadline: Instant::now() + within,
            within,
        }
    }

    /// When it is over.
    pub const fn deadline(self) -> Instant {
        self.deadline
    }
}

/// What is asked for only now, and spent once by [`Grant::dial`].
pub enum Grant {
    /// A ticket, whose it is, and the VM's VNC password.
    Ticket(Arc<Upstream>, Box<Ticket>, Option<Secret<VncPassword>>),
    /// A URL, and what goes with it.
    Url(Arc<Endpoint>, Place),
}

impl Dialer {
    /// The same, as a configuration has it.
    pub fn behind(&self) -> Behind {
        match self {
            Self::Vm(upstream, vm, password) => Behind::Vm {
                vsphere: upstream.client().name().to_owned(),
                vm: vm.clone(),
                password: password.clone(),
            },
            Self::Url(endpoint) => Behind::Url(Arc::clone(endpoint)),
        }
    }

    /// The vSphere that has to be asked on the way, if any.
    pub const fn upstream(&self) -> Option<&Arc<Upstream>> {
        match self {
            Self::Vm(upstream, ..) => Some(upstream),
            Self::Url(_) => None,
        }
    }

    /// Somebody wants to go there: keeps a vSphere from being logged out of, for as long as the result exists.
    pub fn enter(&self) -> Option<TaskTrackerToken> {
        self.upstream().map(|upstream| upstream.enter())
    }

    /// The VM that is meant; `None` where it is a URL.
    ///
    /// # Errors
    /// vSphere does not answer in time, does not know it, or refuses.
    pub async fn vm(&self, limit: TimeLimit) -> Result<Option<Vm>, Error> {
        let Self::Vm(upstream, vm, _) = self else {
            return Ok(None);
        };
        let resolved = timeout_at(limit.deadline, upstream.resolve(vm, limit.deadline)).await;
        resolved
            .unwrap_or_else(|_| Err(self.not_granted(limit)))
            .map(Some)
    }

    /// The same VM with its inventory path, for a round trip more.
    pub async fn with_path(&self, vm: &Vm) -> Result<Vm, Error> {
        match self {
            Self::Vm(upstream, ..) => {
                let moref = VmRef::Moref(vm.moref.clone());
                Ok(Box::pin(upstream.client().find(&moref)).await?)
            }
            Self::Url(_) => Ok(vm.clone()),
        }
    }

    /// A fresh ticket or URL.
    ///
    /// # Errors
    /// vSphere, or the program that prints the URL, does not answer in time, or refuses.
    pub async fn grant(&self, limit: TimeLimit) -> Result<Grant, Error> {
        let granted = async {
            Ok(match self {
                Self::Vm(upstream, vm, password) => {
                    let ticket = upstream.ticket(vm, limit.deadline).await?;
                    Grant::Ticket(Arc::clone(upstream), ticket.into(), password.clone())
                }
                Self::Url(endpoint) => Grant::Url(Arc::clone(endpoint), endpoint.place().await?),
            })
        };
        let granted = timeout_at(limit.deadline, granted).await;
        granted.unwrap_or_else(|_| Err(self.not_granted(limit)))
    }

    /// A grant, and the console that it opens; `observer` is told of each step.
    ///
    /// # Errors
    /// As [`Dialer::grant`] and [`Grant::dial`].
    pub async fn dial(&self, limit: TimeLimit, observer: &Observer) -> Result<OpenConsole, Error> {
        let grant = self.grant(limit).await?;
        observer(match &grant {
            Grant::Ticket(_, ticket, _) => Progress::Ticket(ticket),
            Grant::Url(_, place) => Progress::Located(place.url()),
        });
        grant.dial(limit, observer).await
    }

    /// What it means that the console's host does not answer in time.
    pub fn host_silent(&self, limit: TimeLimit) -> Error {
        match self {
            Self::Vm(..) => host_silent("ESXi", limit),
            Self::Url(endpoint) => host_silent(&endpoint.name, limit),
        }
    }

    fn not_granted(&self, TimeLimit { within, .. }: TimeLimit) -> Error {
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

fn host_silent(name: &str, TimeLimit { within, .. }: TimeLimit) -> Error {
    Error::Slow {
        what: name.to_owned(),
        blame: Blame::Esxi,
        within,
    }
}

impl Grant {
    /// Whose console it opens, where it is a ticket.
    pub fn vm(&self) -> Option<&Vm> {
        match self {
            Self::Ticket(_, ticket, _) => Some(ticket.vm()),
            Self::Url(..) => None,
        }
    }

    /// Opens the console: TCP, TLS, WebSocket, RFB version and security. `observer` is told of each step.
    ///
    /// # Errors
    /// The host cannot be reached, is not trusted, refuses, or does not answer in time.
    pub async fn dial(self, limit: TimeLimit, observer: &Observer) -> Result<OpenConsole, Error> {
        let slow = self.host_silent(limit);
        let dial = async { OpenConsole::dial(self.target().await?, observer).await };
        timeout_at(limit.deadline, dial).await.unwrap_or(Err(slow))
    }

    /// Opens the WebSocket alone: RFB is the caller's, from its first byte.
    ///
    /// # Errors
    /// As [`Grant::dial`].
    pub async fn open_web_socket(self, limit: TimeLimit) -> Result<HostLink, Error> {
        let slow = self.host_silent(limit);
        let open = async { HostLink::open(&self.target().await?).await };
        timeout_at(limit.deadline, open).await.unwrap_or(Err(slow))
    }

    fn host_silent(&self, limit: TimeLimit) -> Error {
        match self {
            Self::Ticket(..) => host_silent("ESXi", limit),
            Self::Url(endpoint, _) => host_silent(&endpoint.name, limit),
        }
    }

    /// Where it leads, whom to believe there, and a place on that host.
    async fn target(self) -> Result<Target, Error> {
        match self {
            Self::Ticket(upstream, ticket, password) => Ok(Target {
                password,
                ..upstream.target(*ticket).await?
            }),
            Self::Url(endpoint, place) => endpoint.target(place).await,
        }
    }
}

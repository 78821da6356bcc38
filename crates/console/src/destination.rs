//! Where a port leads: to a VM, by a ticket of its vSphere, or to a URL.

use std::sync::Arc;
use std::time::Duration;

use rfb_proto::VncPassword;
use tokio::time::Instant;
use tokio_util::task::task_tracker::TaskTrackerToken;
use vsphere::{Ticket, Vm, VmRef};

use super::endpoint::{Endpoint, Place};
use super::target::Target;
use super::upstream::Upstream;
use crate::error::{Blame, Error, Step};
use crate::secret::Secret;
use crate::settings::Behind;

/// One of the two.
#[derive(Clone)]
pub enum Destination {
    /// A VM of a vSphere, and its VNC password, for a host that asks for it.
    Vm(Arc<Upstream>, VmRef, Option<Secret<VncPassword>>),
    /// A server at a URL.
    Url(Arc<Endpoint>),
}

/// What is asked for only now, and spent once.
pub enum Pass {
    /// A ticket, whose it is, and the VM's VNC password.
    Ticket(Arc<Upstream>, Box<Ticket>, Option<Secret<VncPassword>>),
    /// A URL, and what goes with it.
    Url(Arc<Endpoint>, Place),
}

impl Destination {
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
    pub async fn vm(&self, deadline: Instant) -> Result<Option<Vm>, Error> {
        match self {
            Self::Vm(upstream, vm, _) => upstream.resolve(vm, deadline).await.map(Some),
            Self::Url(_) => Ok(None),
        }
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
    pub async fn pass(&self, deadline: Instant) -> Result<Pass, Error> {
        Ok(match self {
            Self::Vm(upstream, vm, password) => {
                let ticket = upstream.ticket(vm, deadline).await?;
                Pass::Ticket(Arc::clone(upstream), ticket.into(), password.clone())
            }
            Self::Url(endpoint) => Pass::Url(Arc::clone(endpoint), endpoint.place().await?),
        })
    }

    /// What it means that `step` takes longer than `within`.
    pub fn slow(&self, step: Step, within: Duration) -> Error {
        let (what, blame) = match (self, step) {
            (Self::Vm(..), Step::Ticket) => ("vSphere".into(), Blame::Vcenter),
            (Self::Vm(..), Step::Dial) => ("ESXi".into(), Blame::Esxi),
            (Self::Url(_), Step::Ticket) => {
                return Error::UrlCommand(format!("did not end within {} s", within.as_secs()));
            }
            (Self::Url(endpoint), Step::Dial) => (endpoint.name.clone(), Blame::Esxi),
        };
        Error::Slow {
            what,
            blame,
            within,
        }
    }
}

impl Pass {
    /// Whose console it opens, where it is a ticket.
    pub fn vm(&self) -> Option<&Vm> {
        match self {
            Self::Ticket(_, ticket, _) => Some(ticket.vm()),
            Self::Url(..) => None,
        }
    }

    /// Where it leads, whom to believe there, and a place on that host.
    pub async fn target(self) -> Result<Target, Error> {
        match self {
            Self::Ticket(upstream, ticket, password) => Ok(Target {
                password,
                ..upstream.target(*ticket).await?
            }),
            Self::Url(endpoint, place) => endpoint.target(place).await,
        }
    }
}

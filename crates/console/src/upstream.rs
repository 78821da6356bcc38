//! One vSphere, as sessions see it: a ticket for a VM, and the target that the ticket is good for.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use vsphere::{Client, Settings, Ticket, TicketParts, Vm, VmRef};

use super::address::{self, Address, HTTPS};
use super::headers::Headers;
use super::slots::Slots;
use super::target::{By, Request, Route, Target};
use super::tls::{ConsoleTrust, Thumbprint, Trust};
use crate::error::Error;
use crate::settings::{TlsRecords, VSphere};

/// ESXi drops the connection where this is not offered (`docs/webmks.md` 2.1).
const SUBPROTOCOL: &str = "binary";

/// A vSphere and its one session, shared by all consoles on it.
pub struct Upstream {
    client: Client,
    config: VSphere,
    login: Address,
    slots: Slots,
    /// Who uses it; closed when it is retired.
    users: TaskTracker,
}

impl Upstream {
    /// Makes ready to log in; connects to nothing yet.
    pub fn new(name: &str, config: VSphere, slots: Slots) -> Result<Self, Error> {
        let settings = Settings {
            name: name.to_owned(),
            url: config.url.clone(),
            username: config.username.clone(),
            password: config.password.clone(),
            tls: config.trust.client().map_err(Error::Setup)?,
            proxy: config.proxy.as_ref().map(|proxy| proxy.expose().clone()),
        };
        let login = Address::of(&config.url)
            .ok_or_else(|| Error::Setup("its address names no host".into()))?;
        Ok(Self {
            client: Client::new(settings)?,
            config,
            login,
            slots,
            users: TaskTracker::new(),
        })
    }

    /// What it was made from.
    pub fn config(&self) -> &VSphere {
        &self.config
    }

    /// The endpoint's own interface, for commands that list and check.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The VM that is meant.
    pub async fn resolve(&self, vm: &VmRef, deadline: Instant) -> Result<Vm, Error> {
        Ok(Box::pin(self.client.resolve_before(vm, deadline)).await?)
    }

    /// A fresh ticket.
    pub async fn ticket(&self, vm: &VmRef, deadline: Instant) -> Result<Ticket, Error> {
        // Apart, as the dial is: an open session has no use for this room.
        Ok(Box::pin(self.client.ticket_before(vm, deadline)).await?)
    }

    /// Where the ticket leads, whom to believe there, and a place on that host.
    pub async fn target(&self, ticket: Ticket) -> Result<Target, Error> {
        let ticket = ticket.into_parts();
        let mut tls = self
            .console_trust(&ticket)?
            .client()
            .map_err(Error::Setup)?;
        // What takes the records over from rustls is handed the keys.
        tls.enable_secret_extraction = self.config.tls_records == TlsRecords::InPlace;
        let candidates = address::candidates(&ticket, &self.login, &self.config.console_address);
        let (address, route) = match &self.config.proxy {
            Some(proxy) => (
                address::unresolved(candidates)?,
                Route::Proxy(proxy.clone()),
            ),
            None => {
                let (address, resolved) = address::resolve(candidates).await?;
                (address, Route::Direct(resolved))
            }
        };
        let limit = self.config.max_consoles;
        // By its address where that is known: two names may be one host.
        let host = match &route {
            Route::Direct(resolved) => resolved
                .first()
                .map_or_else(|| address.to_string(), ToString::to_string),
            Route::Proxy(_) => address.to_string(),
        };
        let Some(slot) = self.slots.take(&host, limit) else {
            return Err(Error::HostFull {
                host: address.to_string(),
                limit,
            });
        };
        let watch = self.client.watch(&ticket.vm.moref);
        let request = Request {
            by: By::Ticket,
            authority: address.authority(HTTPS),
            target: format!("/ticket/{}", ticket.ticket.expose_secret()).into(),
            subprotocol: Some(SUBPROTOCOL.into()),
            headers: Headers::default(),
        };
        Ok(Target {
            address,
            route,
            tls: Some(tls),
            request,
            password: None,
            slot: Some(slot),
            watch: Some(watch),
        })
    }

    /// Somebody wants to use it, for as long as the result exists.
    pub fn enter(&self) -> TaskTrackerToken {
        self.users.token()
    }

    /// It is not configured any more: [`Upstream::live`] ends when its last user is gone.
    pub fn retire(&self) {
        self.users.close();
    }

    /// Keeps the session while it is used and watches its VMs, until it is retired; then logs out.
    pub async fn live(self: Arc<Self>) {
        tokio::select! {
            () = self.client.run() => {}
            () = self.users.wait() => {}
        }
        self.client.logout().await;
    }

    /// The strongest pin that came with the ticket, over the verified `/sdk`.
    fn console_trust(&self, ticket: &TicketParts) -> Result<Trust, Error> {
        match &self.config.console_trust {
            ConsoleTrust::Fixed(trust) => Ok(trust.clone()),
            // Where the API itself may be anybody's, its pins are worth nothing; but they still tell apart.
            ConsoleTrust::Ticket => match (
                &ticket.certificate_pem,
                Thumbprint::strongest(&ticket.thumbprints),
            ) {
                (Some(pem), _) => {
                    let certificate =
                        CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| {
                            Error::Setup(format!("the certificate in the ticket is none ({error})"))
                        })?;
                    Ok(Trust::Pinned(Thumbprint::Sha256(
                        Sha256::digest(certificate).into(),
                    )))
                }
                (None, Some(thumbprint)) => Ok(Trust::Pinned(thumbprint)),
                (None, None) => Ok(self.config.trust.clone()),
            },
        }
    }
}

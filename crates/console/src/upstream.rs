//! One vSphere: issues tickets for VMs, and turns a ticket into the target to dial.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use vsphere::{ApiType, Client, SessionStore, Settings, Ticket, TicketParts, Vm, VmRef};

use crate::address::{Address, HTTPS};
use crate::error::Error;
use crate::headers::Headers;
use crate::settings::{TlsRecords, VSphere};
use crate::slots::Slots;
use crate::target::{Request, Route, Target, TargetKind};
use crate::ticket_address;
use crate::tls::{ConsoleTrust, Thumbprint, Trust};

/// ESXi closes the connection where this is not offered (`docs/webmks.md` 2.1).
const SUBPROTOCOL: &str = "binary";

/// A vSphere and its API session, which all its consoles share.
pub struct Upstream {
    client: Client,
    config: VSphere,
    api: Address,
    slots: Slots,
    /// Counts users; closed by [`Upstream::retire`].
    users: TaskTracker,
}

impl Upstream {
    /// Checks the settings; connects to nothing yet.
    ///
    /// # Errors
    /// The URL, the proxy or the trust settings cannot be used.
    pub fn new(name: &str, config: VSphere, slots: Slots) -> Result<Self, Error> {
        Self::with_sessions(name, config, slots, None)
    }

    /// As [`Upstream::new`], with a store in which the session outlives this program.
    ///
    /// # Errors
    /// As [`Upstream::new`].
    pub fn with_sessions(
        name: &str,
        config: VSphere,
        slots: Slots,
        sessions: Option<Arc<dyn SessionStore>>,
    ) -> Result<Self, Error> {
        let settings = Settings {
            name: name.to_owned(),
            url: config.url.clone(),
            username: config.username.clone(),
            password: config.password.clone(),
            tls: config.trust.client().map_err(Error::Setup)?,
            proxy: config.proxy.as_ref().map(|proxy| proxy.expose().clone()),
            sessions,
        };
        let api =
            Address::of(&config.url).ok_or_else(|| Error::Setup("its url has no host".into()))?;
        Ok(Self {
            client: Client::new(settings)?,
            config,
            api,
            slots,
            users: TaskTracker::new(),
        })
    }

    /// The settings that it was created with.
    pub fn config(&self) -> &VSphere {
        &self.config
    }

    /// The API client, for commands that list and check.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Looks the VM up.
    ///
    /// # Errors
    /// vSphere does not answer, does not know the VM, or refuses.
    pub async fn resolve(&self, vm: &VmRef, deadline: Instant) -> Result<Vm, Error> {
        Ok(Box::pin(self.client.resolve_before(vm, deadline)).await?)
    }

    /// A fresh ticket for the VM's console.
    ///
    /// # Errors
    /// vSphere does not answer, does not know the VM, or refuses.
    pub async fn ticket(&self, vm: &VmRef, deadline: Instant) -> Result<Ticket, Error> {
        // Boxed: keeps the session's future small.
        Ok(Box::pin(self.client.ticket_before(vm, deadline)).await?)
    }

    /// Resolves the ticket's host, chooses the certificate check, and takes a console slot on the host.
    pub(crate) async fn target(&self, ticket: Ticket) -> Result<Target, Error> {
        let ticket = ticket.into_parts();
        let mut tls = self
            .console_trust(&ticket)?
            .client()
            .map_err(Error::Setup)?;
        // The in-place record layer needs the traffic keys.
        tls.enable_secret_extraction = self.config.tls_records == TlsRecords::InPlace;
        let candidates =
            ticket_address::candidates(&ticket, &self.api, &self.config.console_address);
        let (address, route) = self.route(candidates).await?;
        let limit = self.config.max_consoles;
        // Counted by IP address where that is known: two names may mean one host.
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
            kind: TargetKind::Ticket,
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

    /// A host of a vCenter by its name in the inventory; `None` for an ESXi, whose consoles are at the address of its API.
    pub(crate) async fn host_target(&self, name: &str) -> Result<Option<Target>, Error> {
        if self.client.about().await?.api_type == ApiType::Esxi {
            return Ok(None);
        }
        let trust = match &self.config.console_trust {
            ConsoleTrust::Fixed(trust) => trust,
            // Only a ticket has the thumbprint; nothing is sent in this connection.
            ConsoleTrust::Ticket => &Trust::DangerAcceptAny,
        };
        let candidates = ticket_address::without_ticket(name, &self.config.console_address);
        let (address, route) = self.route(candidates).await?;
        Ok(Some(Target {
            request: Request {
                kind: TargetKind::Ticket,
                authority: address.authority(HTTPS),
                target: "/".into(),
                subprotocol: None,
                headers: Headers::default(),
            },
            address,
            route,
            tls: Some(trust.client().map_err(Error::Setup)?),
            password: None,
            slot: None,
            watch: None,
        }))
    }

    async fn route(&self, candidates: Vec<Address>) -> Result<(Address, Route), Error> {
        match &self.config.proxy {
            Some(proxy) => Ok((
                ticket_address::unresolved(candidates)?,
                Route::Proxy(proxy.clone()),
            )),
            None => {
                let (address, resolved) = ticket_address::resolve(candidates).await?;
                Ok((address, Route::Direct(resolved)))
            }
        }
    }

    /// Registers a user: the session is kept until the token is dropped.
    pub fn hold(&self) -> TaskTrackerToken {
        self.users.token()
    }

    /// Marks the vSphere as no longer configured: [`Upstream::run`] ends with its last user.
    pub fn retire(&self) {
        self.users.close();
    }

    /// Keeps the API session alive while it is used and follows watched VMs; after [`Upstream::retire`] it logs out.
    pub async fn run(self: Arc<Self>) {
        tokio::select! {
            () = self.client.run() => {}
            () = self.users.wait() => {}
        }
        self.client.logout().await;
    }

    /// The check for the console's certificate: the ticket's certificate or strongest thumbprint, unless `console_trust` says
    /// otherwise.
    fn console_trust(&self, ticket: &TicketParts) -> Result<Trust, Error> {
        match &self.config.console_trust {
            ConsoleTrust::Fixed(trust) => Ok(trust.clone()),
            // With an unverified API the pins prove nothing, but they still detect a wrong host.
            ConsoleTrust::Ticket => match (
                &ticket.certificate_pem,
                Thumbprint::strongest(&ticket.thumbprints),
            ) {
                (Some(pem), _) => {
                    let certificate =
                        CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| {
                            Error::Setup(format!(
                                "the ticket's certificate is invalid ({})",
                                vsphere::pem_in_words(&error)
                            ))
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

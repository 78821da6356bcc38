//! AcquireTicket, and the errors for its faults and those of other calls on a VM.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Client;
use crate::{
    call::{Failure, privilege_list},
    connections::ConsoleConnection,
    error::Error,
    fault::{Fault, Kind},
    find::Located,
    property::{self, Source, Wanted},
    session::Open,
    soap::Reference,
    ticket::Ticket,
    transport::Patience,
    vm::{ConnectionState, Power, Vm},
    vm_ref::VmRef,
    xml::Element,
};

impl Client {
    /// Looks the VM up unless it is cached, and acquires the ticket. On ManagedObjectNotFound the VM is looked up again; where
    /// it exists but "has not been completely created" (`docs/webmks.md` 2.1), the call is repeated after a pause.
    pub(super) async fn acquire(
        &self,
        open: &Open,
        wanted: &VmRef,
        until: Instant,
    ) -> Result<Ticket, Failure> {
        let (mut vm, mut answer) = match self.known.recall(wanted) {
            Some(vm) => {
                let answer = self.ask(open, &vm.moref, until).await;
                (vm, answer)
            }
            None => self.look_up_and_ask(open, wanted, until).await?,
        };
        loop {
            let fault = match answer {
                Err(Failure::Fault(fault)) => fault,
                answer => return self.ticket_in(&answer?, vm, open),
            };
            if fault.kind != Kind::ManagedObjectNotFound {
                return Err(self.refusal(open, &vm, fault, until).await);
            }
            self.known.forget(wanted);
            let again = self.finder(open, until).one(wanted).await?;
            self.known.learn(wanted, &again);
            if again.moref == vm.moref {
                self.wait_for_creation(&vm, fault, until).await?;
            }
            vm = again;
            answer = self.ask(open, &vm.moref, until).await;
        }
    }

    /// Two round trips for every kind of reference: the VM's id; then the ticket and, concurrently, the VM's properties.
    async fn look_up_and_ask(
        &self,
        open: &Open,
        wanted: &VmRef,
        until: Instant,
    ) -> Result<(Vm, Result<Element, Failure>), Failure> {
        let finder = self.finder(open, until);
        let (found, answer) = match finder.locate(wanted).await? {
            Located::Described(found) => {
                let answer = self.ask(open, &found.vm.moref, until).await;
                (found, answer)
            }
            Located::At(at) => {
                let describe = finder.describe(&at, wanted);
                let (found, answer) = tokio::join!(describe, self.ask(open, &at.id, until));
                (found?, answer)
            }
        };
        self.known.learn(wanted, &found.vm);
        Ok((found.vm, answer))
    }

    async fn ask(&self, open: &Open, moref: &str, until: Instant) -> Result<Element, Failure> {
        let this = Reference::new("VirtualMachine", moref);
        let call = open.call("AcquireTicket", &this, Patience::Until(until));
        self.calls
            .call(call, |out| out.value("ticketType", "webmks"))
            .await
    }

    fn ticket_in(&self, response: &Element, vm: Vm, open: &Open) -> Result<Ticket, Failure> {
        let value = response
            .child("returnval")
            .ok_or_else(|| self.calls.malformed("there is no ticket in it"))?;
        let from = open.service.about.api_type;
        Ticket::read(value, vm, from).map_err(|reason| self.calls.malformed(reason).into())
    }

    async fn wait_for_creation(&self, vm: &Vm, fault: Fault, until: Instant) -> Result<(), Error> {
        if Instant::now() + CREATION_PAUSE >= until {
            return Err(Error::InvalidState {
                vm: vm.name.clone(),
                message: fault.message,
            });
        }
        sleep(CREATION_PAUSE).await;
        Ok(())
    }

    /// The fault as an error that names the VM. NotAuthenticated stays a fault, so that the caller renews the session.
    pub(super) async fn refusal(
        &self,
        open: &Open,
        vm: &Vm,
        fault: Fault,
        until: Instant,
    ) -> Failure {
        let name = vm.name.clone();
        let message = fault.message.clone();
        let error = match fault.kind {
            Kind::NoPermission { object, privileges } => Error::NoPermission {
                username: self.session.username().to_owned(),
                privilege: privilege_list(&privileges),
                object: self.object_name(open, vm, object, until).await,
            },
            Kind::InvalidPowerState { existing } => Error::InvalidPowerState {
                vm: name,
                state: existing,
            },
            Kind::InvalidState => self.invalid_state(open, vm, message, until).await,
            Kind::MksConnectionLimitReached { limit } => Error::ConnectionLimit {
                vm: name,
                limit,
                holders: self.holders(open, vm, until).await,
            },
            Kind::HostDisconnected => Error::HostDisconnected { vm: name, message },
            Kind::TaskInProgress => Error::Busy { vm: name, message },
            Kind::File(kind) => Error::NotWritten {
                vm: name,
                kind,
                message,
            },
            _ => return Failure::Fault(fault),
        };
        error.into()
    }

    pub(super) async fn ask_connections(
        &self,
        open: &Open,
        vm: &Vm,
        until: Instant,
    ) -> Result<Vec<ConsoleConnection>, Failure> {
        let this = Reference::new("VirtualMachine", &vm.moref);
        let call = open.call("QueryConnections", &this, Patience::Until(until));
        let response = self.calls.call(call, |_| {}).await?;
        Ok(ConsoleConnection::read_all(&response))
    }

    /// Who holds the console connections; unknown for older hosts, which lack QueryConnections.
    async fn holders(&self, open: &Open, vm: &Vm, until: Instant) -> Vec<String> {
        let connections = self
            .ask_connections(open, vm, until)
            .await
            .unwrap_or_default();
        connections
            .iter()
            .map(ConsoleConnection::in_words)
            .collect()
    }

    /// InvalidState has no detail, so the error is derived from the VM's current state.
    async fn invalid_state(&self, open: &Open, vm: &Vm, message: String, until: Instant) -> Error {
        let wanted = VmRef::Moref(vm.moref.clone());
        let vm = vm.name.clone();
        match self.finder(open, until).one(&wanted).await {
            Ok(now) if now.power != Power::On => Error::InvalidPowerState {
                vm,
                state: Some(now.power),
            },
            Ok(now) if now.connection != ConnectionState::Connected => Error::HostDisconnected {
                vm,
                message: format!("the VM is {}", now.connection),
            },
            _ => Error::InvalidState { vm, message },
        }
    }

    async fn object_name(
        &self,
        open: &Open,
        vm: &Vm,
        object: Option<(String, String)>,
        until: Instant,
    ) -> String {
        let Some((kind, id)) = object.filter(|(_, id)| *id != vm.moref) else {
            return vm.name.clone();
        };
        let wanted = [Wanted {
            kind: "ManagedEntity",
            properties: &["name"],
        }];
        let this = [Reference::new(&kind, &id)];
        let patience = Patience::Until(until);
        let objects =
            property::retrieve(&self.calls, open, Source::Objects(&this), &wanted, patience).await;
        let name = objects.ok().and_then(|objects| {
            let name = objects.first()?.text("name")?;
            Some(crate::vm::unescape_name(name))
        });
        name.unwrap_or(id)
    }
}

/// openQA waits five seconds eleven times (`docs/webmks.md` 2.1); a viewer is waiting here.
const CREATION_PAUSE: Duration = Duration::from_secs(1);

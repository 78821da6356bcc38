//! AcquireTicket, and the errors for its faults and those of other calls on a VM.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Client;
use crate::{
    call::{CallError, privilege_list},
    connections::ConsoleConnection,
    error::Error,
    fault::{Fault, FaultKind},
    find::Located,
    object::PropertySpec,
    open_session::OpenSession,
    property::{self, ObjectSet},
    reference::Reference,
    runtime_info::{ConnectionState, Power},
    ticket::Ticket,
    transport::Deadline,
    vm::Vm,
    vm_ref::VmRef,
    xml::Element,
};

impl Client {
    /// Looks the VM up unless it is cached, and acquires the ticket. On ManagedObjectNotFound the VM is looked up again; where
    /// it exists but "has not been completely created" (`docs/webmks.md` 2.1), the call is repeated after a pause.
    pub(super) async fn acquire(
        &self,
        open: &OpenSession,
        wanted: &VmRef,
        until: Instant,
    ) -> Result<Ticket, CallError> {
        let (mut vm, mut answer) = match self.vms.get(wanted) {
            Some(vm) => {
                let answer = self.ask(open, &vm.moref, until).await;
                (vm, answer)
            }
            None => self.look_up_and_ask(open, wanted, until).await?,
        };
        loop {
            let fault = match answer {
                Err(CallError::Fault(fault)) => fault,
                answer => return self.ticket_in(&answer?, vm, open),
            };
            if fault.kind != FaultKind::ManagedObjectNotFound {
                return Err(self.refusal(open, &vm, fault, until).await);
            }
            self.vms.remove(wanted);
            let again = self.finder(open, until).one(wanted).await?;
            self.vms.insert(wanted, &again);
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
        open: &OpenSession,
        wanted: &VmRef,
        until: Instant,
    ) -> Result<(Vm, Result<Element, CallError>), CallError> {
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
        self.vms.insert(wanted, &found.vm);
        Ok((found.vm, answer))
    }

    async fn ask(
        &self,
        open: &OpenSession,
        moref: &str,
        until: Instant,
    ) -> Result<Element, CallError> {
        let this = Reference::new("VirtualMachine", moref);
        let call = open.call("AcquireTicket", &this, Deadline::Call(until));
        self.calls
            .call(call, |out| out.value("ticketType", "webmks"))
            .await
    }

    fn ticket_in(
        &self,
        response: &Element,
        vm: Vm,
        open: &OpenSession,
    ) -> Result<Ticket, CallError> {
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
        open: &OpenSession,
        vm: &Vm,
        fault: Fault,
        until: Instant,
    ) -> CallError {
        let name = vm.name.clone();
        let message = fault.message.clone();
        let error = match fault.kind {
            FaultKind::NoPermission { object, privileges } => Error::NoPermission {
                username: self.session.username().to_owned(),
                privilege: privilege_list(&privileges),
                object: self.object_name(open, vm, object, until).await,
            },
            FaultKind::InvalidPowerState { existing } => Error::InvalidPowerState {
                vm: name,
                state: existing,
            },
            FaultKind::InvalidState => self.invalid_state(open, vm, message, until).await,
            FaultKind::MksConnectionLimitReached { limit } => Error::ConnectionLimit {
                vm: name,
                limit,
                holders: self.holders(open, vm, until).await,
            },
            FaultKind::HostDisconnected => Error::HostDisconnected { vm: name, message },
            FaultKind::TaskInProgress => Error::Busy { vm: name, message },
            FaultKind::File(kind) => Error::NotWritten {
                vm: name,
                kind,
                message,
            },
            _ => return CallError::Fault(fault),
        };
        error.into()
    }

    pub(super) async fn ask_connections(
        &self,
        open: &OpenSession,
        vm: &Vm,
        until: Instant,
    ) -> Result<Vec<ConsoleConnection>, CallError> {
        let this = Reference::new("VirtualMachine", &vm.moref);
        let call = open.call("QueryConnections", &this, Deadline::Call(until));
        let response = self.calls.call(call, |_| {}).await?;
        Ok(ConsoleConnection::read_all(&response))
    }

    /// Who holds the console connections; unknown for older hosts, which lack QueryConnections.
    async fn holders(&self, open: &OpenSession, vm: &Vm, until: Instant) -> Vec<String> {
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
    async fn invalid_state(
        &self,
        open: &OpenSession,
        vm: &Vm,
        message: String,
        until: Instant,
    ) -> Error {
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
        open: &OpenSession,
        vm: &Vm,
        object: Option<(String, String)>,
        until: Instant,
    ) -> String {
        let Some((kind, id)) = object.filter(|(_, id)| *id != vm.moref) else {
            return vm.name.clone();
        };
        let wanted = [PropertySpec {
            kind: "ManagedEntity",
            properties: &["name"],
        }];
        let this = [Reference::new(&kind, &id)];
        let deadline = Deadline::Call(until);
        let objects = property::retrieve(
            &self.calls,
            open,
            ObjectSet::Objects(&this),
            &wanted,
            deadline,
        )
        .await;
        let name = objects.ok().and_then(|objects| {
            let name = objects.first()?.text("name")?;
            Some(crate::inventory_path::unescape_name(name))
        });
        name.unwrap_or(id)
    }
}

/// openQA waits five seconds eleven times (`docs/webmks.md` 2.1); a viewer is waiting here.
const CREATION_PAUSE: Duration = Duration::from_secs(1);

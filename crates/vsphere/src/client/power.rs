//! Power and firmware of a VM, and what the account may do with it.

use std::time::Duration;

use tokio::time::Instant;

use super::Client;
use crate::{
    call::CallError,
    error::Error,
    fault::{Fault, FaultKind},
    object::PropertySpec,
    open_session::OpenSession,
    power_action::PowerAction,
    property::{self, ObjectSet},
    reference::Reference,
    transport::{CALL_TIMEOUT, Deadline},
    vm::Vm,
    vm_ref::VmRef,
    xml::Writer,
};

impl Client {
    /// Changes the power of a VM, by its managed object id as [`Vm::moref`] has it. Waits until that is done;
    /// [`PowerAction::ShutDownGuest`] until the guest has been asked. It is never tried twice.
    ///
    /// # Errors
    /// The VM's state does not allow it ([`Error::CannotChangePower`]), its guest has no VMware Tools, the account lacks the
    /// privilege, or it takes longer than five minutes ([`Error::StillRunning`]); the errors of [`Client::find`].
    pub async fn power(&self, moref: &str, action: PowerAction) -> Result<(), Error> {
        let until = Instant::now() + CALL_TIMEOUT;
        let vm = self.vm_of(moref, until).await?;
        let begun = self.in_session(until, |open| {
            let vm = &vm;
            async move {
                let begun = self.begin(&open, vm, action.method(), |_| {}).await;
                self.or_refused(begun, &open, vm, action, until).await
            }
        });
        let Some(task) = begun.await? else {
            return Ok(());
        };
        let until = Instant::now() + TASK_TIMEOUT;
        let ended = self.in_session(until, |open| {
            let (vm, task) = (&vm, &task);
            async move {
                let ended = self.ended(&open, task, until).await;
                self.or_refused(ended, &open, vm, action, until).await
            }
        });
        match ended.await {
            Err(Error::Timeout { .. }) => Err(Error::StillRunning {
                vm: vm.name,
                action,
            }),
            ended => ended.map(drop),
        }
    }

    /// Lets a VM enter its firmware's setup at its next boot, and at no later one (vim25,
    /// `VirtualMachineBootOptions.enterBIOSSetup`). That a VM that is on can be told so is a guess.
    ///
    /// # Errors
    /// The account lacks [`crate::FIRMWARE_PRIVILEGE`], or the VM cannot be reconfigured at present; the errors of
    /// [`Client::find`].
    pub async fn boot_into_firmware_once(&self, moref: &str) -> Result<(), Error> {
        let until = Instant::now() + CALL_TIMEOUT;
        let vm = self.vm_of(moref, until).await?;
        self.in_session(until, |open| {
            let vm = &vm;
            async move {
                let done = self.reconfigure(&open, vm, until).await;
                match done {
                    Err(CallError::Fault(fault)) => {
                        Err(self.refusal(&open, vm, fault, until).await)
                    }
                    done => done,
                }
            }
        })
        .await
    }

    /// Whether the account has each of the privileges on a VM, by its managed object id (HasPrivilegeOnEntities). That an ESXi
    /// which is not in a vCenter answers this is a guess.
    ///
    /// # Errors
    /// [`Error::NotSupported`]: the endpoint does not say, so that only trying tells; the errors of [`Client::find`].
    pub async fn may(&self, moref: &str, privileges: &[&str]) -> Result<Vec<bool>, Error> {
        let until = Instant::now() + CALL_TIMEOUT;
        self.in_session(until, |open| async move {
            self.privileges(&open, moref, privileges, until).await
        })
        .await
    }

    async fn vm_of(&self, moref: &str, until: Instant) -> Result<Vm, Error> {
        let wanted = VmRef::Moref(moref.to_owned());
        self.resolve_before(&wanted, until).await
    }

    /// Calls a method of a VM, and returns its task, if it has one. Such a call is not retried: the first may have been
    /// carried out although its answer was lost.
    async fn begin(
        &self,
        open: &OpenSession,
        vm: &Vm,
        method: &'static str,
        arguments: impl FnOnce(&mut Writer),
    ) -> Result<Option<Reference>, CallError> {
        let this = Reference::new("VirtualMachine", &vm.moref);
        let deadline = Deadline::LongPoll(Instant::now() + CALL_TIMEOUT);
        let call = open.call(method, &this, deadline);
        let response = self.calls.call(call, arguments).await?;
        Ok(response.child("returnval").and_then(Reference::read))
    }

    async fn reconfigure(
        &self,
        open: &OpenSession,
        vm: &Vm,
        until: Instant,
    ) -> Result<(), CallError> {
        let begun = self.begin(open, vm, "ReconfigVM_Task", |out| {
            out.element("spec", &[], |spec| {
                spec.element("bootOptions", &[], |options| {
                    options.value("enterBIOSSetup", "true");
                });
            });
        });
        match begun.await? {
            Some(task) => self.ended(open, &task, until).await.map(drop),
            None => Err(self.calls.malformed("there is no task in it").into()),
        }
    }

    /// The result, its fault as an error that says what cannot be done.
    async fn or_refused<T>(
        &self,
        result: Result<T, CallError>,
        open: &OpenSession,
        vm: &Vm,
        action: PowerAction,
        until: Instant,
    ) -> Result<T, CallError> {
        let fault = match result {
            Err(CallError::Fault(fault)) => fault,
            other => return other,
        };
        let Fault { kind, message, .. } = &fault;
        let vm_name = vm.name.clone();
        Err(match kind {
            FaultKind::InvalidPowerState { existing } => Error::CannotChangePower {
                vm: vm_name,
                action,
                state: *existing,
            }
            .into(),
            FaultKind::InvalidState => Error::InvalidState {
                vm: vm_name,
                message: message.clone(),
            }
            .into(),
            FaultKind::Other(kind) if kind == "ToolsUnavailable" => {
                Error::NoGuestTools { vm: vm_name }.into()
            }
            _ => self.refusal(open, vm, fault, until).await,
        })
    }

    async fn privileges(
        &self,
        open: &OpenSession,
        moref: &str,
        privileges: &[&str],
        until: Instant,
    ) -> Result<Vec<bool>, CallError> {
        let manager = open.service.authorization_manager.as_ref();
        let manager = manager.ok_or_else(|| Error::NotSupported {
            address: self.calls.address().to_owned(),
            message: "it has no AuthorizationManager".to_owned(),
        })?;
        let session = self.session_key(open, until).await?;
        let call = open.call("HasPrivilegeOnEntities", manager, Deadline::Call(until));
        let response = self
            .calls
            .call(call, |out| {
                Reference::new("VirtualMachine", moref).write("entity", out);
                out.value("sessionId", &session);
                for privilege in privileges {
                    out.value("privId", privilege);
                }
            })
            .await?;
        let granted = |privilege: &&str| {
            response
                .children("returnval")
                .flat_map(|entity| entity.children("privAvailability"))
                .any(|one| {
                    one.text_of("privId") == Some(privilege)
                        && one.text_of("isGranted") == Some("true")
                })
        };
        Ok(privileges.iter().map(granted).collect())
    }

    /// `UserSession.key` of the session, which is not its cookie.
    async fn session_key(&self, open: &OpenSession, until: Instant) -> Result<String, CallError> {
        let manager = [open.service.session_manager.clone()];
        let source = ObjectSet::Objects(&manager);
        let deadline = Deadline::Call(until);
        let read = property::retrieve(&self.calls, open, source, &SESSION_KEY, deadline);
        let read = read.await?;
        let key = read.first().and_then(|manager| manager.text(KEY));
        key.map(str::to_owned).ok_or_else(|| {
            self.calls
                .malformed("it does not name the session that is open")
                .into()
        })
    }
}

const KEY: &str = "currentSession.key";

const SESSION_KEY: [PropertySpec; 1] = [PropertySpec {
    kind: "SessionManager",
    properties: &[KEY],
}];

/// A VM with much memory takes minutes to suspend.
const TASK_TIMEOUT: Duration = Duration::from_secs(300);

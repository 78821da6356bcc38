//! A running simulated host, its faults and its counters.

mod desktops;
mod start;

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::certificate::Identity;
use crate::counts::Counts;
use crate::display::Displays;
use crate::host_state::HostState;
use crate::inventory::vm::Vm;
use crate::misbehaviour::Misbehaviour;
use crate::placement::Placement;
use crate::power::Power;
use crate::screenshots::Screenshots;
use crate::ticket_shape::TicketShape;

/// A running host. Dropping it cancels all tasks; [`Host::stop`] also waits for them.
///
/// Methods that take a VM's name panic if there is no such VM: the test is wrong.
pub struct Host {
    state: Arc<HostState>,
    address: SocketAddr,
    identity: Arc<Identity>,
    displays: Arc<Displays>,
}

impl Host {
    /// Stops the host and waits until all its tasks have ended.
    pub async fn stop(self) {
        self.state.stop.cancel();
        self.state.tasks.wait().await;
    }

    /// The address of `/sdk`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of consoles: that of `/sdk` unless they have a port of their own.
    pub fn console_address(&self) -> SocketAddr {
        self.state.console_address
    }

    /// SHA-256 of the certificate that [`Host::address`] presents.
    pub fn certificate_sha256(&self) -> [u8; 32] {
        self.identity.sha256
    }

    /// SHA-1 of the certificate that [`Host::address`] presents.
    pub fn certificate_sha1(&self) -> [u8; 20] {
        self.identity.sha1
    }

    /// The certificate that [`Host::address`] presents.
    pub fn certificate_pem(&self) -> String {
        self.identity.pem.clone()
    }

    /// SHA-256 of the certificate that [`Host::console_address`] presents.
    pub fn console_certificate_sha256(&self) -> [u8; 32] {
        self.state.console_identity.sha256
    }

    /// The certificate that [`Host::console_address`] presents.
    pub fn console_certificate_pem(&self) -> String {
        self.state.console_identity.pem.clone()
    }

    /// The VM's managed object id.
    #[track_caller]
    pub fn moref(&self, vm: &str) -> String {
        self.vm(vm).moref.clone()
    }

    /// The VM's BIOS uuid, derived from its name and folder.
    #[track_caller]
    pub fn uuid(&self, vm: &str) -> String {
        self.vm(vm).uuid.clone()
    }

    /// The VM's instance uuid, derived from its name and folder.
    #[track_caller]
    pub fn instance_uuid(&self, vm: &str) -> String {
        self.vm(vm).instance_uuid.clone()
    }

    /// Changes a VM's power state. Any state but on closes its consoles with code 1001, which is a guess
    /// (`docs/webmks.md` 2.6).
    #[track_caller]
    pub fn set_power(&self, vm: &str, power: Power) {
        self.state.set_power(self.vm(vm), power);
    }

    /// Renames a VM in the inventory; here it keeps the name of its settings.
    #[track_caller]
    pub fn rename(&self, vm: &str, name: &str) {
        let renamed = &self.vm(vm).renamed;
        *renamed.lock().unwrap_or_else(PoisonError::into_inner) = Some(name.to_owned());
        self.state.changes.send_replace(());
    }

    /// Whether the VM's last boot, by PowerOnVM_Task or ResetVM_Task, was into the setup of its firmware.
    #[track_caller]
    pub fn entered_firmware(&self, vm: &str) -> bool {
        self.vm(vm).firmware.entered.load(Ordering::SeqCst)
    }

    /// Changes where a VM is, and closes its consoles with code 1001, which is a guess (`docs/webmks.md` 2.6).
    #[track_caller]
    pub fn place(&self, vm: &str, placement: Placement) {
        let vm = self.vm(vm);
        *vm.placement.lock().unwrap_or_else(PoisonError::into_inner) = placement;
        vm.connections.drop_all();
        self.state.changes.send_replace(());
    }

    /// Closes a VM's consoles with code 1001, as a reset may; nothing else about it changes.
    #[track_caller]
    pub fn close_consoles(&self, vm: &str) {
        self.vm(vm).connections.drop_all();
    }

    /// Silences a VM's open consoles: no update, Close or FIN any more, as after vMotion or with a cut network
    /// (`docs/webmks.md` 7.1). Their clients' messages are read and ignored. Later consoles are not affected.
    #[track_caller]
    pub fn fall_silent(&self, vm: &str) {
        self.vm(vm).silence.send_replace(());
    }

    /// Sets the fields of further tickets.
    pub fn set_tickets(&self, shape: TicketShape) {
        *self
            .state
            .ticket_shape
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = shape;
    }

    /// Makes the next `times` AcquireTicket calls for a VM fail as while it is being created: ManagedObjectNotFound,
    /// "has not been completely created" (`docs/webmks.md` 2.1).
    #[track_caller]
    pub fn not_created_yet(&self, vm: &str, times: u32) {
        self.vm(vm)
            .not_created_answers
            .store(times, Ordering::SeqCst);
    }

    /// Answers the next `times` requests to `/sdk` with this HTTP status and no body, as overloaded hosts do with 503
    /// (`docs/webmks.md` 2.6). They are not counted as calls.
    pub fn refuse_sdk(&self, status: u16, times: u32) {
        let mut refusal = self
            .state
            .sdk_refusal
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *refusal = (status, times);
    }

    /// Answers requests to `/screen` with this HTTP status and no body; `None`: with the screenshot.
    pub fn refuse_screen(&self, status: Option<u16>) {
        *self
            .state
            .screen_refusal
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = status;
    }

    /// Lets each request to `/screen` take this long.
    pub fn delay_screens(&self, delay: Duration) {
        *self
            .state
            .screen_delay
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = delay;
    }

    /// Sets how CreateScreenshot_Task is answered.
    pub fn set_screenshots(&self, screenshots: Screenshots) {
        *self
            .state
            .screenshots
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = screenshots;
    }

    /// The datastore paths of all files, `[datastore1] …`.
    pub fn files(&self) -> Vec<String> {
        self.state.datastore.paths()
    }

    /// Ends all `/sdk` sessions, as their idle timeout would.
    pub fn expire_sessions(&self) {
        self.state.sessions.end_all();
        self.state.changes.send_replace(());
        self.state
            .counters
            .update(|counts| counts.sessions_open = 0);
    }

    /// Queues a fault for the next console connection.
    pub fn misbehave(&self, misbehaviour: Misbehaviour) {
        self.state.misbehaviours.push(misbehaviour);
    }

    /// Sets the fault of all console connections for which none is queued; `None`: no fault.
    pub fn misbehave_always(&self, misbehaviour: Option<Misbehaviour>) {
        self.state.misbehaviours.set_default(misbehaviour);
    }

    /// All counters.
    pub fn counts(&self) -> Counts {
        self.state.counters.watch().borrow().clone()
    }

    /// Waits until `wanted` is true of the counters, without a deadline.
    pub async fn counts_until(&self, wanted: impl FnMut(&Counts) -> bool) -> Counts {
        let mut watch = self.state.counters.watch();
        // Cannot fail: `self` owns the sender.
        let counts = watch.wait_for(wanted).await.map(|counts| counts.clone());
        counts.unwrap_or_default()
    }

    #[track_caller]
    #[expect(
        clippy::panic,
        reason = "a test that names a VM that is not there has to fail where it does so"
    )]
    fn vm(&self, name: &str) -> &Arc<Vm> {
        let found = self.state.inventory.vms.iter().find(|vm| vm.name == name);
        found.unwrap_or_else(|| panic!("this host has no VM called {name:?}"))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.state.stop.cancel();
    }
}

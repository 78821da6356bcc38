//! A virtual machine: identity, power state and console connections.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sha1::{Digest, Sha1};
use tokio::sync::watch;

use crate::console_connections::Connections;
use crate::kind::Kind;
use crate::placement::Placement;
use crate::power::Power;

/// The privilege that a console takes.
pub(crate) const CONSOLE_INTERACT: &str = "VirtualMachine.Interact.ConsoleInteract";

/// A virtual machine of a running host.
pub(crate) struct Vm {
    /// The name in its settings.
    pub(crate) name: String,
    pub(crate) moref: String,
    /// BIOS uuid; derived from name and folder, so that it is the same in every run.
    pub(crate) uuid: String,
    pub(crate) instance_uuid: String,
    pub(crate) folder: Option<String>,
    pub(crate) console_permitted: bool,
    pub(crate) connections: Arc<Connections>,
    /// See [`VmSettings::cut_consoles_linger`](crate::VmSettings::cut_consoles_linger).
    pub(crate) cut_consoles_linger: bool,
    pub(crate) power: watch::Sender<Power>,
    pub(crate) placement: Mutex<Placement>,
    /// `None`: the simulator does not have its framebuffer.
    pub(crate) read_screen: Option<ReadScreen>,
    /// Notified when the open consoles are to go silent.
    pub(crate) silence: watch::Sender<()>,
    /// The name after a rename.
    pub(crate) renamed: Mutex<Option<String>>,
    pub(crate) guest_host_name: Option<String>,
    pub(crate) guest_address: Option<String>,
    pub(crate) denied_privileges: Vec<String>,
    pub(crate) firmware: Firmware,
    /// How many AcquireTicket calls still fail with "not completely created".
    pub(crate) not_created_answers: AtomicU32,
}

/// Reads a screen: its size and its pixels, 0x00RRGGBB, row by row.
pub(crate) type ReadScreen = Box<dyn Fn() -> ((u16, u16), Vec<u32>) + Send + Sync>;

/// Whether a VM enters the setup of its firmware.
#[derive(Default)]
pub(crate) struct Firmware {
    /// It does so at its next boot (`VirtualMachineBootOptions.enterBIOSSetup`).
    pub(crate) enters_next: AtomicBool,
    /// It did so at its last boot.
    pub(crate) entered: AtomicBool,
}

impl Firmware {
    /// A boot, which takes the option back.
    pub(crate) fn boot(&self) {
        let entered = self.enters_next.swap(false, Ordering::SeqCst);
        self.entered.store(entered, Ordering::SeqCst);
    }
}

impl Vm {
    /// The name in the inventory.
    pub(crate) fn shown_name(&self) -> String {
        let renamed = self.renamed.lock().unwrap_or_else(PoisonError::into_inner);
        renamed.clone().unwrap_or_else(|| self.name.clone())
    }

    pub(crate) fn has_tools(&self) -> bool {
        self.guest_host_name.is_some() || self.guest_address.is_some()
    }

    /// Whether the user has a privilege on it.
    pub(crate) fn permits(&self, privilege: &str) -> bool {
        let denied = self
            .denied_privileges
            .iter()
            .any(|denied| denied == privilege);
        !denied && (self.console_permitted || privilege != CONSOLE_INTERACT)
    }

    pub(crate) fn power(&self) -> Power {
        *self.power.borrow()
    }

    pub(crate) fn placement(&self) -> Placement {
        *self
            .placement
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn exists(&self) -> bool {
        self.placement() != Placement::Deleted
    }

    /// Takes one "not completely created" answer, if any is left; whether one was.
    pub(crate) fn take_not_created_answer(&self) -> bool {
        let left =
            self.not_created_answers
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                    left.checked_sub(1)
                });
        left.is_ok()
    }
}

/// The managed object id of the VM at `index`: plain integers on ESXi, `vm-123` on vCenter (`docs/webmks.md` 3.4).
pub(crate) fn moref(kind: Kind, index: usize) -> String {
    match kind {
        Kind::Esxi => (index + 1).to_string(),
        Kind::VCenter => format!("vm-{}", index + 1001),
    }
}

/// A name-based uuid (RFC 9562 section 5.5): the same in every run.
pub(crate) fn uuid(space: &str, name: &str) -> String {
    let digest: [u8; 20] = Sha1::new()
        .chain_update(space)
        .chain_update([0])
        .chain_update(name)
        .finalize()
        .into();
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = digest;
    let number = u128::from_be_bytes([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]);
    let number = number & !(0xf << 76) | (5 << 76);
    let number = number & !(0b11 << 62) | (0b10 << 62);
    let hex = format!("{number:032x}");
    let (time_low, rest) = hex.split_at(8);
    let (time_mid, rest) = rest.split_at(4);
    let (time_high, rest) = rest.split_at(4);
    let (clock, node) = rest.split_at(4);
    format!("{time_low}-{time_mid}-{time_high}-{clock}-{node}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_the_form_of_a_name_based_one_and_depends_on_space_and_name() {
        let one = uuid("bios", "vm08");
        assert_eq!(one.len(), 36);
        assert_eq!(one.as_bytes()[14], b'5');
        assert!(matches!(one.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        assert_eq!(one, uuid("bios", "vm08"));
        assert_ne!(one, uuid("instance", "vm08"));
        assert_ne!(one, uuid("bios", "vm09"));
    }

    #[test]
    fn ids_are_integers_on_esxi_and_named_on_vcenter() {
        assert_eq!(moref(Kind::Esxi, 0), "1");
        assert_eq!(moref(Kind::VCenter, 0), "vm-1001");
    }
}

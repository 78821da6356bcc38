//! [`Host`]'s methods on desktops: what guests received and show, and changes inside the guests.

use crate::desktop::Desktop;
use crate::desktop::keys::KeyEvent;
use crate::desktop::mouse::{Pointer, PointerMode, Wheel};
use crate::display::Display;
use crate::host::Host;
use crate::png_file;

/// Desktops. Methods that take a VM's name panic if there is no such VM.
impl Host {
    /// The text typed into a VM's desktop; empty for a bridge.
    #[track_caller]
    pub fn typed(&self, vm: &str) -> String {
        self.desktop(vm).map(Desktop::typed).unwrap_or_default()
    }

    /// Waits until `wanted` is true of the text typed, without a deadline; for ever on a bridge.
    pub async fn typed_until(&self, vm: &str, mut wanted: impl FnMut(&str) -> bool) -> String {
        self.seen(vm, |desktop| {
            Some(desktop.typed()).filter(|typed| wanted(typed))
        })
        .await
    }

    /// The latest pointer event; all zeros before the first and for a bridge.
    #[track_caller]
    pub fn pointer(&self, vm: &str) -> Pointer {
        self.desktop(vm)
            .and_then(Desktop::pointer)
            .unwrap_or_default()
    }

    /// Waits until `wanted` is true of the latest pointer event, without a deadline.
    pub async fn pointer_until(
        &self,
        vm: &str,
        mut wanted: impl FnMut(Pointer) -> bool,
    ) -> Pointer {
        self.seen(vm, |desktop| {
            desktop.pointer().filter(|pointer| wanted(*pointer))
        })
        .await
    }

    /// The latest key events of a VM, at most [`KEYS_KEPT`](crate::KEYS_KEPT), oldest first; none for a bridge.
    #[track_caller]
    pub fn keys(&self, vm: &str) -> Vec<KeyEvent> {
        self.desktop(vm).map(Desktop::keys).unwrap_or_default()
    }

    /// Waits until `wanted` is true of the key events, without a deadline; for ever on a bridge.
    pub async fn keys_until(
        &self,
        vm: &str,
        mut wanted: impl FnMut(&[KeyEvent]) -> bool,
    ) -> Vec<KeyEvent> {
        self.seen(vm, |desktop| {
            Some(desktop.keys()).filter(|keys| wanted(keys))
        })
        .await
    }

    /// The scan codes of the keys that are down, in ascending order. They stay down when a console ends, as when a PC's
    /// keyboard is unplugged.
    #[track_caller]
    pub fn keys_down(&self, vm: &str) -> Vec<u16> {
        self.desktop(vm).map(Desktop::keys_down).unwrap_or_default()
    }

    /// The keyboard LEDs: bit 0 Scroll, bit 1 Num, bit 2 Caps; 0 for a bridge.
    #[track_caller]
    pub fn leds(&self, vm: &str) -> u32 {
        self.desktop(vm).map(Desktop::leds).unwrap_or_default()
    }

    /// The sums of all wheel steps.
    #[track_caller]
    pub fn wheel(&self, vm: &str) -> Wheel {
        self.desktop(vm).map(Desktop::wheel).unwrap_or_default()
    }

    /// Sets whether the guest takes absolute or relative pointer events.
    #[track_caller]
    pub fn set_pointer_mode(&self, vm: &str, mode: PointerMode) {
        if let Some(desktop) = self.desktop(vm) {
            desktop.set_pointer_mode(mode);
        }
    }

    /// Changes the guest's resolution, within the bounds of [`Screen::Desktop`](crate::Screen::Desktop).
    #[track_caller]
    pub fn resize(&self, vm: &str, width: u16, height: u16) {
        if let Some(desktop) = self.desktop(vm) {
            desktop.resize((width, height));
        }
    }

    /// The size of a VM's desktop in pixels; 0 × 0 for a bridge.
    #[track_caller]
    pub fn size(&self, vm: &str) -> (u16, u16) {
        self.desktop(vm).map(Desktop::size).unwrap_or_default()
    }

    /// A VM's desktop as a PNG file; `None` for a bridge.
    #[track_caller]
    pub fn picture(&self, vm: &str) -> Option<Vec<u8>> {
        let (size, pixels) = self.desktop(vm)?.picture();
        Some(png_file::encode(size, pixels.into_iter()))
    }

    async fn seen<T>(&self, vm: &str, mut look: impl FnMut(&Desktop) -> Option<T>) -> T {
        let Some(desktop) = self.desktop(vm) else {
            return std::future::pending().await;
        };
        let mut changes = desktop.watch();
        loop {
            if let Some(found) = look(desktop) {
                return found;
            }
            // Cannot fail: the desktop owns the sender.
            let _ = changes.changed().await;
        }
    }

    #[track_caller]
    fn desktop(&self, vm: &str) -> Option<&Desktop> {
        match self.displays.get(&self.vm(vm).moref)? {
            Display::Desktop(desktop) => Some(desktop),
            Display::Bridge(_) => None,
        }
    }
}

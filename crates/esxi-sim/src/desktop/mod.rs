//! A simulated desktop: keyboard, mouse and framebuffer, shared by all consoles of a VM.

pub(crate) mod area;
mod canvas;
mod dead_keys;
pub(crate) mod framebuffer;
mod keyboard;
pub(crate) mod keys;
mod keysym;
mod layout;
pub(crate) mod mouse;
mod scene;
mod text_edit;
pub(crate) mod tiles;
mod xkb;

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

use self::area::Area;
use self::framebuffer::{Framebuffer, Part};
use self::keys::{Key, KeyEvent, Keys};
use self::mouse::{Mouse, Pointer, PointerEvent, PointerMode, Wheel};
use self::tiles::ShownTiles;
use crate::quirks::Quirks;

/// A simulated desktop.
pub(crate) struct Desktop {
    pub(crate) has_clock: bool,
    pub(crate) quirks: Quirks,
    name: String,
    size: (u16, u16),
    /// Drawn when it is first used: a host may have thousands of desktops, and each has megabytes of pixels.
    state: OnceLock<Mutex<State>>,
    revision: watch::Sender<u64>,
}

/// The mutable state of a desktop.
struct State {
    framebuffer: Framebuffer,
    keys: Keys,
    mouse: Mouse,
}

impl Desktop {
    pub(crate) fn new(name: &str, size: (u16, u16), has_clock: bool, quirks: Quirks) -> Self {
        Self {
            has_clock,
            quirks,
            name: name.to_owned(),
            size,
            state: OnceLock::new(),
            revision: watch::Sender::new(1),
        }
    }

    pub(crate) fn size(&self) -> (u16, u16) {
        self.lock().framebuffer.size()
    }

    /// Changes the size, within the bounds of [`Screen::Desktop`](crate::Screen::Desktop).
    pub(crate) fn resize(&self, size: (u16, u16)) {
        self.change(|state| state.framebuffer.resize(size));
    }

    /// Handles a key event. `repeats`: whether the host repeats the key.
    pub(crate) fn key(&self, key: Key, down: bool, repeats: bool) {
        self.change(|state| {
            if let Some(edit) = state.keys.key_event(key, down, repeats) {
                state.framebuffer.edit(edit);
            }
        });
    }

    /// When the held key repeats next, if it does.
    pub(crate) fn repeat_due(&self) -> Option<Instant> {
        self.is_drawn().then(|| self.lock().keys.due())?
    }

    /// Repeats the held key if it is due.
    pub(crate) fn repeat(&self) {
        self.change(|state| {
            if let Some(edit) = state.keys.repeat(Instant::now()) {
                state.framebuffer.edit(edit);
            }
        });
    }

    /// Handles a pointer event; positions are clamped to the screen.
    pub(crate) fn pointer_event(&self, event: PointerEvent) {
        self.change(|state| {
            let before = state.framebuffer.pointer().unwrap_or_default();
            let now = state
                .mouse
                .pointer_event(event, before, state.framebuffer.size());
            state.framebuffer.move_pointer(now);
        });
    }

    /// Sets whether the guest takes absolute or relative pointer events.
    pub(crate) fn set_pointer_mode(&self, mode: PointerMode) {
        self.change(|state| state.mouse.mode = mode);
    }

    pub(crate) fn pointer_mode(&self) -> PointerMode {
        self.lock().mouse.mode
    }

    /// The sums of all wheel steps.
    pub(crate) fn wheel(&self) -> Wheel {
        self.lock().mouse.wheel
    }

    /// Sets the time that the clock shows, if it has been drawn.
    pub(crate) fn show_clock(&self, time: &str) {
        if self.is_drawn() {
            self.change(|state| state.framebuffer.show_clock(time));
        }
    }

    /// The typed text, at most the last [`scene::TYPED`] characters.
    pub(crate) fn typed(&self) -> String {
        self.lock().framebuffer.typed().to_owned()
    }

    /// The latest key events.
    pub(crate) fn keys(&self) -> Vec<KeyEvent> {
        self.lock().keys.log()
    }

    /// The scan codes of the keys that are down.
    pub(crate) fn keys_down(&self) -> Vec<u16> {
        self.lock().keys.keyboard.down().collect()
    }

    /// The keyboard LEDs: bit 0 Scroll, bit 1 Num, bit 2 Caps.
    pub(crate) fn leds(&self) -> u32 {
        self.lock().keys.keyboard.leds()
    }

    /// The latest pointer event.
    pub(crate) fn pointer(&self) -> Option<Pointer> {
        self.lock().framebuffer.pointer()
    }

    /// The size and the pixels, 0x00RRGGBB, row by row.
    pub(crate) fn picture(&self) -> ((u16, u16), Vec<u32>) {
        let state = self.lock();
        (state.framebuffer.size(), state.framebuffer.pixels())
    }

    /// Notified of every change.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Calls `show` with the parts of `region` that changed since `seen`, or all of it if not `incremental`, and
    /// updates `seen`. `copies`: whether a part may be a copy.
    pub(crate) fn show(
        &self,
        shown: &mut ShownTiles,
        region: Area,
        incremental: bool,
        copies: bool,
        show: impl FnMut(Part<'_>),
    ) {
        let state = self.lock();
        if let Some(region) = region.clip(state.framebuffer.size()) {
            state
                .framebuffer
                .show(shown, region, incremental, copies, show);
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let revision = {
            let mut state = self.lock();
            state.framebuffer.next_revision();
            change(&mut state);
            state.framebuffer.revision()
        };
        self.revision.send_replace(revision);
    }

    fn is_drawn(&self) -> bool {
        self.state.get().is_some()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let draw = || {
            Mutex::new(State {
                framebuffer: Framebuffer::new(&self.name, self.size),
                keys: Keys::new(self.quirks.layout, self.quirks.key_repeat),
                mouse: Mouse::default(),
            })
        };
        let state = self.state.get_or_init(draw);
        state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Pointer events in the form that the host takes (`docs/webmks.md` 1.6 and 1.7).
//!
//! Positions and the first three buttons are sent as PointerEvent, as by VMware's own client. The wheel, further
//! buttons and relative movement are sent in a message of VMware's (127/2) to a host that takes such messages. Guesses:
//! that every host with the capability for keys takes it, the direction of its wheel, and the numbers of its further
//! buttons.

use bytes::BytesMut;
use rfb_proto::client_messages::{Message, Pointer};
use rfb_proto::vmware::Command;

/// Left, middle and right.
const PLAIN: u16 = 0b111;
/// Wheel up and down.
const WHEEL: [u16; 2] = [1 << 3, 1 << 4];
/// Wheel left and right.
const TILT: [u16; 2] = [1 << 5, 1 << 6];
/// Back and forward: buttons 8 and 9 (rfbproto, "ExtendedMouseButtons Pseudo-encoding").
const FURTHER: u16 = 0b11 << 7;
/// The position that means no movement of a relative pointer (rfbproto, "QEMU Pointer Motion Change Pseudo-encoding").
const STILL: u16 = 0x7fff;

/// One viewer's pointer.
#[derive(Debug, Default)]
pub(super) struct Mouse {
    last: Option<Pointer>,
    /// The host takes VMware's messages.
    vmware: bool,
    /// The viewer has been sent that its pointer is relative.
    relative: bool,
}

impl Mouse {
    /// The host takes VMware's messages.
    pub(super) const fn use_vmware_messages(&mut self) {
        self.vmware = true;
    }

    /// For a new host: no button is pressed, and its capabilities are not known.
    pub(super) const fn reset_for_new_host(&mut self) {
        self.last = None;
        self.vmware = false;
    }

    /// Sets whether the viewer has been sent that its positions are relative.
    pub(super) const fn set_relative(&mut self, relative: bool) {
        self.relative = relative;
    }

    /// A PointerEvent.
    pub(super) fn event(&mut self, pointer: Pointer, host: &mut BytesMut) {
        if !self.vmware {
            // A new host, whose capabilities are not known yet: relative movements would be wrong as positions.
            if !self.relative {
                Message::Pointer(pointer).write(host);
            }
        } else if self.relative {
            self.step(pointer, host);
        } else {
            self.place(pointer, host);
        }
        self.last = Some(pointer);
    }

    /// Releases all buttons.
    pub(super) fn release_all(&mut self, host: &mut BytesMut) {
        if let Some(last @ Pointer { buttons: 1.., .. }) = self.last {
            let (x, y) = match self.relative {
                true => (STILL, STILL),
                false => (last.x, last.y),
            };
            self.event(Pointer { x, y, buttons: 0 }, host);
        }
    }

    /// An event of VMware's own client (127/2) has been sent to the host: which buttons are pressed after it. A turn of the
    /// wheel says that none is, also while one is (`docs/webmks.md` 7.2).
    pub(super) fn set_vmware_buttons(&mut self, pressed: u32, wheel: (i8, i8), at: (i32, i32)) {
        if wheel != (0, 0) && pressed == 0 {
            return;
        }
        let pressed = u16::try_from(pressed).unwrap_or(u16::MAX);
        let side = |at: i32| u16::try_from(at).unwrap_or_default();
        self.last = Some(Pointer {
            buttons: pressed & PLAIN | (pressed << 4) & FURTHER,
            x: side(at.0),
            y: side(at.1),
        });
    }

    fn place(&self, pointer: Pointer, host: &mut BytesMut) {
        let before = self.last.map_or(0, |last| last.buttons);
        let plain = |pointer: Pointer| Pointer {
            buttons: pointer.buttons & PLAIN,
            ..pointer
        };
        if self.last.map(plain) != Some(plain(pointer)) {
            Message::Pointer(plain(pointer)).write(host);
        }
        let wheel = wheel(before, pointer.buttons);
        let further = (pointer.buttons ^ before) & FURTHER != 0;
        if wheel != (0, 0) || further {
            let (x, y) = (pointer.x.into(), pointer.y.into());
            vmware(true, (x, y), buttons(pointer.buttons), wheel, host);
        }
    }

    fn step(&self, pointer: Pointer, host: &mut BytesMut) {
        let before = self.last.map_or(0, |last| last.buttons);
        let steps = (
            i32::from(pointer.x) - i32::from(STILL),
            i32::from(pointer.y) - i32::from(STILL),
        );
        let wheel = wheel(before, pointer.buttons);
        vmware(false, steps, buttons(pointer.buttons), wheel, host);
    }
}

/// The buttons of 127/2: as in a PointerEvent, but without those of the wheel.
fn buttons(buttons: u16) -> u32 {
    u32::from(buttons & PLAIN) | u32::from(buttons & FURTHER) >> 4
}

/// The steps of the wheels, one per press of their buttons: up and right are positive.
fn wheel(before: u16, now: u16) -> (i8, i8) {
    let pressed = now & !before;
    let is = |button: u16| i8::from(pressed & button != 0);
    let steps = |[one, other]: [u16; 2]| is(one) - is(other);
    (steps(WHEEL), -steps(TILT))
}

fn vmware(absolute: bool, (x, y): (i32, i32), buttons: u32, wheel: (i8, i8), host: &mut BytesMut) {
    let command = Command::Pointer {
        absolute,
        x,
        y,
        buttons,
        wheel,
    };
    command.write(host);
}

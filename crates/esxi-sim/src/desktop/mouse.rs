//! A guest's mouse: where it points, whether it wants places or motions, and its wheel.

/// The latest pointer event of a desktop, in pixels; `buttons` is the mask of RFC 6143 section 7.5.5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pointer {
    /// Pixels from the left.
    pub x: u16,
    /// Pixels from the top.
    pub y: u16,
    /// Bit 0 is the left button. Of VMware's own event (127/2) the lowest eight.
    pub buttons: u8,
}

/// What a guest wants to be told of the pointer; CursorState (0x574d5665) says so to clients that list it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PointerMode {
    /// Places on the screen.
    #[default]
    Absolute,
    /// Motions, as a guest without VMware Tools in a game or an installer does.
    Relative,
}

/// Steps of the wheel that message 127/2 has brought so far, all together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wheel {
    /// Sum of the vertical steps.
    pub vertical: i32,
    /// Sum of the horizontal steps.
    pub horizontal: i32,
}

/// What a client says of the pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PointerEvent {
    /// Whether `x` and `y` are a place, or the way from the place before.
    pub(crate) is_absolute: bool,
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) buttons: u8,
    pub(crate) wheel: Wheel,
}

impl PointerEvent {
    /// A PointerEvent (RFC 6143 section 7.5.5).
    pub(crate) fn absolute(x: u16, y: u16, buttons: u8) -> Self {
        Self {
            is_absolute: true,
            x: x.into(),
            y: y.into(),
            buttons,
            wheel: Wheel::default(),
        }
    }
}

/// A desktop's mouse.
#[derive(Default)]
pub(super) struct Mouse {
    pub(super) mode: PointerMode,
    pub(super) wheel: Wheel,
}

impl Mouse {
    /// Where the pointer is after `motion` on a screen of this size. A turn of the wheel lets go of no button: VMware's
    /// client says 0 of the buttons with each, whichever is held (`docs/webmks.md` 7.2).
    pub(super) fn pointer_event(
        &mut self,
        event: PointerEvent,
        before: Pointer,
        size: (u16, u16),
    ) -> Pointer {
        self.wheel.vertical = self.wheel.vertical.saturating_add(event.wheel.vertical);
        self.wheel.horizontal = self.wheel.horizontal.saturating_add(event.wheel.horizontal);
        let place = |before: u16, by: i32, side: u16| {
            let from = if event.is_absolute {
                0
            } else {
                i32::from(before)
            };
            let last = i32::from(side) - 1;
            u16::try_from(from.saturating_add(by).clamp(0, last.max(0))).unwrap_or_default()
        };
        let held = if event.wheel == Wheel::default() {
            0
        } else {
            before.buttons
        };
        Pointer {
            x: place(before.x, event.x, size.0),
            y: place(before.y, event.y, size.1),
            buttons: event.buttons | held,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_brought_to_the_edge_and_motions_begin_where_it_is() {
        let mut mouse = Mouse::default();
        let size = (100, 50);
        let at = mouse.pointer_event(PointerEvent::absolute(500, 20, 1), Pointer::default(), size);
        assert_eq!(
            at,
            Pointer {
                x: 99,
                y: 20,
                buttons: 1
            }
        );
        let wheel = Wheel {
            vertical: -1,
            horizontal: 2,
        };
        let event = PointerEvent {
            is_absolute: false,
            x: -9,
            y: -30,
            buttons: 0,
            wheel,
        };
        let at = mouse.pointer_event(event, at, size);
        assert_eq!((at.x, at.y), (90, 0));
        assert_eq!(mouse.wheel, wheel);
    }

    #[test]
    fn a_turn_of_the_wheel_releases_no_button() {
        let mut mouse = Mouse::default();
        let size = (100, 50);
        let held = mouse.pointer_event(PointerEvent::absolute(5, 6, 1), Pointer::default(), size);
        let turn = PointerEvent {
            wheel: Wheel {
                vertical: 1,
                horizontal: 0,
            },
            ..PointerEvent::absolute(5, 6, 0)
        };
        assert_eq!(mouse.pointer_event(turn, held, size).buttons, 1);
        assert_eq!(
            mouse
                .pointer_event(PointerEvent::absolute(5, 6, 0), held, size)
                .buttons,
            0
        );
    }
}

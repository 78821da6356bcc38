//! A guest's mouse: position, mode and wheel.

/// The latest pointer event of a desktop, in pixels; `buttons` is the mask of RFC 6143 section 7.5.5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pointer {
    /// Pixels from the left.
    pub x: u16,
    /// Pixels from the top.
    pub y: u16,
    /// Bit 0 is the left button. Of message 127/2, the lowest eight bits.
    pub buttons: u8,
}

/// Which pointer events a guest takes; CursorState (0x574d5665) sends it to clients that list it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PointerMode {
    /// Absolute positions.
    #[default]
    Absolute,
    /// Relative motion, as guests without VMware Tools take in games and installers.
    Relative,
}

/// The sums of the wheel steps in messages 127/2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wheel {
    /// Sum of the vertical steps.
    pub vertical: i32,
    /// Sum of the horizontal steps.
    pub horizontal: i32,
}

/// A pointer event of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PointerEvent {
    /// Whether `x` and `y` are a position, or relative to the last one.
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
    /// The pointer after `event` on a screen of this size. Wheel steps release no button: VMware's client sends no
    /// buttons with them (`docs/webmks.md` 7.2).
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

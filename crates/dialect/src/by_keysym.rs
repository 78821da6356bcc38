//! Typing at a host that takes no scan codes: the keysyms with which it presses the intended keys.

use bytes::BytesMut;
use rfb_proto::keys::{self, Layout, Stroke, Typed};
use xkeysym::key;

use super::host_key::HostKey;

/// A key as it is sent to a host that takes no scan codes.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByKeysym {
    key: u32,
    shift: bool,
    alt_gr: bool,
}

impl ByKeysym {
    pub(super) fn tap(self, host: &mut BytesMut) {
        let keys = [
            (self.shift, key::Shift_L),
            (self.alt_gr, key::Alt_R),
            (true, self.key),
        ];
        let keys = keys.iter().filter(|(pressed, _)| *pressed);
        for (_, keysym) in keys.clone() {
            HostKey::Keysym(*keysym).send(true, host);
        }
        for (_, keysym) in keys.rev() {
            HostKey::Keysym(*keysym).send(false, host);
        }
    }
}

/// Such a host presses the key that has the keysym on a US keyboard (`docs/webmks.md` 2.3, Q6). So it is sent the
/// keysyms that the intended keys have on a US keyboard. `None` if a key does not exist there.
pub(super) fn keysyms(typed: Typed) -> Option<[Option<ByKeysym>; 2]> {
    let by_keysym = |stroke: Stroke| {
        Some(ByKeysym {
            key: stroke.us_keysym()?,
            shift: stroke.shift,
            alt_gr: stroke.alt_gr,
        })
    };
    Some(match typed {
        Typed::Stroke(stroke) => [Some(by_keysym(stroke)?), None],
        Typed::Dead(dead, stroke) => [Some(by_keysym(dead)?), Some(by_keysym(stroke)?)],
        // Text only contains Return and Tab of these.
        Typed::Plain(scancode) => {
            let key = ['\n', '\t']
                .into_iter()
                .find(|&key| Layout::Us.types(key) == Some(typed));
            debug_assert!(key.is_some(), "{scancode:?}");
            let key = keys::keysym(key?);
            [
                Some(ByKeysym {
                    key,
                    shift: false,
                    alt_gr: false,
                }),
                None,
            ]
        }
    })
}

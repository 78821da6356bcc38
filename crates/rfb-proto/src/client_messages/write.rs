//! Encoders of the messages to a server.

use bytes::BufMut;

use super::{DesktopSize, Key, Message, Pointer, QemuAudio};
use crate::{CutText, Encoding};

impl Message<'_> {
    /// Appends the message, or its head, to `output`, with zero padding. Nothing is appended for a [`Message::Body`]:
    /// its bytes are copied by the caller. Of a pointer event's buttons the first eight are written, since not all
    /// servers know more.
    pub fn write(&self, output: &mut impl BufMut) {
        match *self {
            Self::ClientInit { shared } => output.put_u8(shared.into()),
            Self::SetPixelFormat(format) => {
                output.put_slice(&[0, 0, 0, 0]);
                format.write(output);
            }
            Self::FixColourMapEntries { first, count } => {
                output.put_slice(&[1, 0]);
                output.put_u16(first);
                output.put_u16(count);
            }
            Self::SetEncodings(list) => set_encodings(list.iter(), output),
            Self::UpdateRequest(request) => {
                output.put_slice(&[3, request.incremental.into()]);
                request.area.write(output);
            }
            Self::Key(Key { down, keysym }) => {
                output.put_slice(&[4, down.into(), 0, 0]);
                output.put_u32(keysym);
            }
            Self::Pointer(Pointer { buttons, x, y }) => {
                let [_, buttons] = buttons.to_be_bytes();
                output.put_slice(&[5, buttons]);
                output.put_u16(x);
                output.put_u16(y);
            }
            Self::CutText(text) => text.write(output),
            Self::VmwareCommand(command) => command.write(output),
            Self::Vmware { id, length } => {
                output.put_slice(&[127, id]);
                output.put_u16(length);
            }
            _ => self.write_extension(output),
        }
    }

    /// Messages that are not in RFC 6143.
    fn write_extension(&self, output: &mut impl BufMut) {
        match *self {
            Self::ContinuousUpdates { enable, area } => {
                output.put_slice(&[150, enable.into()]);
                area.write(output);
            }
            Self::Fence { flags, payload } => {
                let length = u8::try_from(payload.len()).unwrap_or(u8::MAX);
                output.put_slice(&[248, 0, 0, 0]);
                output.put_u32(flags);
                output.put_u8(length);
                output.put_slice(payload.get(..length.into()).unwrap_or(payload));
            }
            Self::Xvp { version, code } => output.put_slice(&[250, 0, version, code]),
            Self::SetDesktopSize(size) => size.write(output),
            // The top bit: big-endian.
            Self::Gii { subtype, length } => {
                output.put_slice(&[253, 0x80 | subtype]);
                output.put_u16(length);
            }
            Self::QemuKey(key) => {
                output.put_slice(&[255, 0, 0, key.down.into()]);
                output.put_u32(key.keysym);
                output.put_u32(key.keycode);
            }
            Self::QemuAudio(audio) => audio.write(output),
            _ => {}
        }
    }
}

impl CutText {
    fn write(&self, output: &mut impl BufMut) {
        output.put_slice(&[6, 0, 0, 0]);
        match self.extended {
            None => output.put_u32(self.length),
            Some(flags) => {
                // The length includes the flags.
                output.put_u32(self.length.wrapping_add(4).wrapping_neg());
                output.put_u32(flags);
            }
        }
    }
}

impl DesktopSize<'_> {
    fn write(&self, output: &mut impl BufMut) {
        output.put_slice(&[251, 0]);
        output.put_u16(self.width);
        output.put_u16(self.height);
        output.put_u8(u8::try_from(self.screens.len()).unwrap_or(u8::MAX));
        output.put_u8(0);
        output.put_slice(self.screens.as_flattened());
    }
}

impl QemuAudio {
    fn write(&self, output: &mut impl BufMut) {
        match *self {
            Self::Enable => output.put_slice(&[255, 1, 0, 0]),
            Self::Disable => output.put_slice(&[255, 1, 0, 1]),
            Self::Format {
                sample,
                channels,
                frequency,
            } => {
                output.put_slice(&[255, 1, 0, 2, sample, channels]);
                output.put_u32(frequency);
            }
        }
    }
}

/// Appends a SetEncodings message with the first 65,535 encodings of `list` to `output`.
pub fn set_encodings(
    list: impl IntoIterator<Item = Encoding, IntoIter: ExactSizeIterator>,
    output: &mut impl BufMut,
) {
    let list = list.into_iter();
    let count = u16::try_from(list.len()).unwrap_or(u16::MAX);
    output.put_slice(&[2, 0]);
    output.put_u16(count);
    for encoding in list.take(count.into()) {
        output.put_i32(encoding.0);
    }
}

//! The record layer of [`tls_records`], which encrypts and decrypts in place.

use std::borrow::Cow;
use std::io;
use std::ops::Range;

use tls_kernel::Records;
use tls_records::{AFTER, BEFORE, MAX_PLAIN, Refused};

use super::receive_buffer::ReceiveBuffer;
use super::record_layer::LayerState;

/// A connection whose traffic keys were extracted from rustls.
pub(super) struct InPlace(Box<Records>);

impl InPlace {
    pub(super) fn new(records: Records) -> Self {
        Self(Box::new(records))
    }

    /// Decrypts all complete records of `input`. Answers and alerts are added to `outgoing`, also on failure.
    pub(super) fn open(
        &mut self,
        input: &mut ReceiveBuffer,
        outgoing: &mut Vec<u8>,
    ) -> io::Result<LayerState<()>> {
        loop {
            let (space, at) = input.sealed_mut();
            let Some(record) = self.0.open(space, at, outgoing).map_err(invalid)? else {
                return Ok(LayerState::Ready(()));
            };
            input.mark_opened(record.data, record.next);
            if record.closed {
                return Ok(LayerState::Closed);
            }
        }
    }

    /// Encrypts the range `plain` of `buffer` in place.
    pub(super) fn seal_within<'a>(
        &mut self,
        buffer: &'a mut [u8],
        plain: Range<usize>,
        outgoing: &mut Vec<u8>,
    ) -> io::Result<Cow<'a, [u8]>> {
        let record = self.0.seal(buffer, plain, outgoing).map_err(invalid)?;
        let record = buffer.get(record).unwrap_or_default();
        if outgoing.is_empty() {
            return Ok(Cow::Borrowed(record));
        }
        outgoing.extend_from_slice(record);
        Ok(Cow::Owned(std::mem::take(outgoing)))
    }

    /// Adds `bytes` as records, which copies them.
    pub(super) fn seal(&mut self, bytes: &[u8], outgoing: &mut Vec<u8>) -> io::Result<()> {
        for piece in bytes.chunks(MAX_PLAIN) {
            let mut space = vec![0; BEFORE + piece.len() + AFTER];
            let plain = BEFORE..BEFORE + piece.len();
            if let Some(target) = space.get_mut(plain.clone()) {
                target.copy_from_slice(piece);
            }
            let record = self.0.seal(&mut space, plain, outgoing).map_err(invalid)?;
            outgoing.extend_from_slice(space.get(record).unwrap_or_default());
        }
        Ok(())
    }

    /// Adds close_notify.
    pub(super) fn close(&mut self, outgoing: &mut Vec<u8>) {
        self.0.close(outgoing);
    }
}

fn invalid(refused: Refused) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, refused)
}

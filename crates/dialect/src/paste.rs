//! The text of a viewer's clipboard that is typed into the guest.

use std::collections::VecDeque;

/// The most bytes of a clipboard that are typed; the rest is dropped.
pub(super) const MOST: usize = 64 * 1024;

/// Why a character cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CannotWrite {
    /// The layout has no key for it.
    Layout,
    /// The host takes no scan codes, and a US keyboard does not have the key.
    Host,
}

/// One text: received, and then typed.
#[derive(Debug, Default)]
pub(super) struct Paste {
    /// The received part of a clipboard.
    coming: Vec<u8>,
    cut: bool,
    to_type: VecDeque<char>,
}

impl Paste {
    /// A ClientCutText begins.
    pub(super) fn begin(&mut self) {
        self.coming.clear();
        self.cut = false;
    }

    /// More of its text.
    pub(super) fn more(&mut self, bytes: &[u8]) {
        let space = MOST.saturating_sub(self.coming.len());
        self.cut |= bytes.len() > space;
        self.coming
            .extend_from_slice(bytes.get(..space).unwrap_or(bytes));
    }

    /// The text is complete. Its characters that can be written will be typed, unless another text is still being
    /// typed.
    pub(super) fn end(&mut self, check: impl Fn(char) -> Result<(), CannotWrite>) {
        let text = decode(&std::mem::take(&mut self.coming));
        if self.is_typing() {
            tracing::info!("a clipboard is not typed: the one before is still being typed");
            return;
        }
        if self.cut {
            tracing::info!(
                "only the first {} KiB of a clipboard are typed",
                MOST / 1024
            );
        }
        // A line end is one key, in either form.
        let text = text.replace("\r\n", "\n");
        let characters = text.chars().count();
        let (mut by_layout, mut by_host) = (0_usize, 0_usize);
        for character in text.chars() {
            match check(character) {
                Ok(()) => self.to_type.push_back(character),
                Err(CannotWrite::Layout) => by_layout += 1,
                Err(CannotWrite::Host) => by_host += 1,
            }
        }
        // Only their number is logged: a clipboard may contain a password.
        if by_layout > 0 {
            tracing::warn!(
                "{by_layout} of {characters} characters of a clipboard are not typed: the layout has no key for them; check that `layout` is the guest's"
            );
        }
        if by_host > 0 {
            tracing::warn!(
                "{by_host} of {characters} characters of a clipboard are not typed: the host takes no scan codes, and a US keyboard does not have their keys"
            );
        }
    }

    pub(super) fn is_typing(&self) -> bool {
        !self.to_type.is_empty()
    }

    pub(super) fn cancel(&mut self) {
        self.to_type = VecDeque::new();
    }

    pub(super) fn next(&mut self) -> Option<char> {
        self.to_type.pop_front()
    }
}

/// RFC 6143 section 7.5.6 requires Latin-1, but many viewers send UTF-8. Latin-1 text that is also valid UTF-8 is rare.
fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use rfb_proto::keys::Layout;
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Log {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    fn typed(pieces: &[&[u8]], layout: Layout) -> String {
        let mut paste = Paste::default();
        paste.begin();
        pieces.iter().for_each(|piece| paste.more(piece));
        paste.end(|character| match character {
            '<' => Err(CannotWrite::Host),
            _ => layout.types(character).map(drop).ok_or(CannotWrite::Layout),
        });
        std::iter::from_fn(|| paste.next()).collect()
    }

    #[test]
    fn latin_1_and_utf_8_are_recognised_and_line_ends_are_one_key() {
        assert_eq!(typed(&[b"f\xfcr\r\n", b"x\n"], Layout::De), "für\nx\n");
        assert_eq!(typed(&["für €".as_bytes()], Layout::De), "für €");
    }

    #[test]
    fn characters_that_the_layout_lacks_are_left_out() {
        assert_eq!(typed(&["ałßb".as_bytes()], Layout::De), "aßb");
        assert_eq!(typed(&["aßb".as_bytes()], Layout::Us), "ab");
    }

    #[test]
    fn the_log_counts_characters_that_are_left_out_and_shows_none_of_the_clipboard() {
        let log = Log::default();
        let collector = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(log.clone())
            .finish();
        tracing::subscriber::with_default(collector, || {
            assert_eq!(typed(&["Łzq<Łж\u{7}".as_bytes()], Layout::Us), "zq");
        });
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        for sentence in [
            "4 of 7 characters of a clipboard are not typed: the layout has no key",
            "1 of 7 characters of a clipboard are not typed: the host takes no scan codes",
        ] {
            assert!(text.contains(sentence), "{text}");
        }
        for part in ["Ł", "ж", "zq", "<", "\\u{"] {
            assert!(!text.contains(part), "{part} is in {text}");
        }
    }

    #[test]
    fn only_the_first_64_kib_are_kept() {
        let much = vec![b'x'; MOST];
        assert_eq!(typed(&[&much, b"y", &much], Layout::Us).len(), MOST);
    }
}

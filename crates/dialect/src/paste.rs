//! A viewer's clipboard, typed: what is still to be typed of it.

use std::collections::VecDeque;

/// The most of one clipboard that is typed, in bytes; what is beyond is left out.
pub(super) const MOST: usize = 64 * 1024;

/// One text at a time.
#[derive(Debug, Default)]
pub(super) struct Paste {
    /// What has come of a clipboard that is not whole.
    coming: Vec<u8>,
    cut: bool,
    to_type: VecDeque<char>,
}

impl Paste {
    /// A clipboard begins to come.
    pub(super) fn begin(&mut self) {
        self.coming.clear();
        self.cut = false;
    }

    /// Some more of it.
    pub(super) fn more(&mut self, bytes: &[u8]) {
        let room = MOST.saturating_sub(self.coming.len());
        self.cut |= bytes.len() > room;
        self.coming
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// It is whole: what of it can be written will be typed, unless something is being typed already.
    pub(super) fn end(&mut self, can_write: impl Fn(char) -> bool) {
        let text = decode(&std::mem::take(&mut self.coming));
        if self.is_typing() {
            tracing::info!("a clipboard is not typed: the one before is not done yet");
            return;
        }
        if self.cut {
            tracing::info!(
                "of a clipboard only the first {} KiB are typed",
                MOST / 1024
            );
        }
        // Line ends are one key, however they are written.
        let text = text.replace("\r\n", "\n");
        let characters = text.chars().count();
        self.to_type = text.chars().filter(|&c| can_write(c)).collect();
        // Only their number: a clipboard may hold a password.
        let left_out = characters - self.to_type.len();
        if left_out > 0 {
            tracing::warn!(
                "{left_out} of {characters} characters of a clipboard are left out: the guest's layout cannot write them"
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

/// RFC 6143 section 7.5.6 says Latin-1, and many viewers write UTF-8; text that happens to be both is rare.
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
        paste.end(|character| layout.types(character).is_some());
        std::iter::from_fn(|| paste.next()).collect()
    }

    #[test]
    fn latin_1_and_utf_8_are_told_apart_and_line_ends_are_one_key() {
        assert_eq!(typed(&[b"f\xfcr\r\n", b"x\n"], Layout::De), "für\nx\n");
        assert_eq!(typed(&["für €".as_bytes()], Layout::De), "für €");
    }

    #[test]
    fn what_the_layout_lacks_is_left_out() {
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
            assert_eq!(typed(&["ŁzqŁж\u{7}".as_bytes()], Layout::Us), "zq");
        });
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(
            text.contains("4 of 6 characters of a clipboard are left out"),
            "{text}"
        );
        for part in ["Ł", "ж", "zq", "\\u{"] {
            assert!(!text.contains(part), "{part} is in {text}");
        }
    }

    #[test]
    fn no_more_than_its_share_is_kept() {
        let much = vec![b'x'; MOST];
        assert_eq!(typed(&[&much, b"y", &much], Layout::Us).len(), MOST);
    }
}

//! A viewer's clipboard, typed: what is still to be typed of it.

use std::collections::VecDeque;

/// The most of one clipboard that is typed, in bytes; what is beyond is left out.
pub(super) const MOST: usize = 64 * 1024;

/// How many of the characters that a layout lacks are named.
const MOST_NAMED: usize = 20;

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
        let (typed, lacking): (Vec<char>, _) =
            text.chars().partition(|&character| can_write(character));
        self.to_type = typed.into();
        if let Some(sentence) = what_is_left_out(lacking) {
            tracing::warn!("{sentence}");
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

/// Names the characters that no key writes, each once; `None` where there are none.
fn what_is_left_out(mut lacking: Vec<char>) -> Option<String> {
    lacking.sort_unstable();
    lacking.dedup();
    if lacking.is_empty() {
        return None;
    }
    let all = lacking.len();
    lacking.truncate(MOST_NAMED);
    let named: Vec<String> = lacking
        .iter()
        .map(|character| format!("{character:?}"))
        .collect();
    Some(format!(
        "{all} characters of a clipboard are left out, since the guest's layout cannot write them: {}{}",
        named.join(" "),
        if all > MOST_NAMED { " ..." } else { "" }
    ))
}

#[cfg(test)]
mod tests {
    use rfb_proto::keys::Layout;

    use super::*;

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
    fn what_is_left_out_is_named_once_each_and_no_more_than_a_line_of_it() {
        let left_out = |text: &str| what_is_left_out(text.chars().collect());
        assert_eq!(left_out(""), None);
        assert_eq!(
            left_out("ł\u{7}ł").unwrap(),
            "2 characters of a clipboard are left out, since the guest's layout cannot write them: '\\u{7}' 'ł'"
        );
        let many: String = ('а'..).take(MOST_NAMED + 1).collect();
        let sentence = left_out(&many).unwrap();
        assert!(sentence.starts_with("21 characters "), "{sentence}");
        assert!(sentence.ends_with(": 'а' 'б' 'в' 'г' 'д' 'е' 'ж' 'з' 'и' 'й' 'к' 'л' 'м' 'н' 'о' 'п' 'р' 'с' 'т' 'у' ..."), "{sentence}");
    }

    #[test]
    fn no_more_than_its_share_is_kept() {
        let much = vec![b'x'; MOST];
        assert_eq!(typed(&[&much, b"y", &much], Layout::Us).len(), MOST);
    }
}

//! Additional headers for a WebSocket's opening handshake, each name at most once.

use secrecy::{ExposeSecret, SecretString};

/// Headers that the handshake sends itself (RFC 6455 section 4.1), and those that would announce a body.
const RESERVED: [&str; 9] = [
    "host",
    "connection",
    "upgrade",
    "content-length",
    "transfer-encoding",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
];

/// The header with a configuration key of its own.
pub const COOKIE: &str = "Cookie";

/// Names and values, in the order in which they are sent. `Debug` prints no value.
#[derive(Debug, Clone, Default)]
pub struct Headers(Vec<(String, SecretString)>);

impl Headers {
    /// Adds a header.
    ///
    /// # Errors
    /// A sentence without the value: HTTP does not allow it, the handshake sends this header itself, or the name is
    /// there already.
    pub fn add(&mut self, name: &str, value: SecretString) -> Result<(), String> {
        if !is_token(name) {
            return Err("invalid header name: write a name such as \"Authorization\"".into());
        }
        if RESERVED
            .iter()
            .any(|reserved| reserved.eq_ignore_ascii_case(name))
        {
            return Err(format!(
                "the header {name} is sent by mksgate itself: remove it"
            ));
        }
        if self.has(name) {
            return Err(format!("duplicate header {name}: keep one"));
        }
        let text = value.expose_secret();
        let is_allowed = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        if text.is_empty() || !text.bytes().all(is_allowed) {
            return Err(format!(
                "the value of the header {name} is empty or not printable ASCII: correct it"
            ));
        }
        self.0.push((name.to_owned(), value));
        Ok(())
    }

    /// Adds the headers in `text`, one `Name: value` on each line; empty lines and lines that begin with `#` are skipped.
    /// `first` is the number of the text's first line, for errors.
    ///
    /// # Errors
    /// As [`Headers::add`], with the line's number.
    pub fn read(&mut self, first: usize, text: &str) -> Result<(), String> {
        for (number, line) in (first..).zip(text.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let header = line
                .split_once(':')
                .ok_or_else(|| "expected \"Name: value\"".into());
            header
                .and_then(|(name, value)| self.add(name.trim(), value.trim().into()))
                .map_err(|error| format!("line {number}: {error}"))?;
        }
        Ok(())
    }

    /// Removes the header `name` and returns its value.
    pub fn take(&mut self, name: &str) -> Option<SecretString> {
        let index = self
            .0
            .iter()
            .position(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(self.0.remove(index).1)
    }

    /// Adds those of `others` whose names are not here yet.
    pub fn or(mut self, others: &Self) -> Self {
        for (name, value) in &others.0 {
            if !self.has(name) {
                self.0.push((name.clone(), value.clone()));
            }
        }
        self
    }

    /// Each name and its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SecretString)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn has(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(name))
    }
}

/// Whether `text` is a token (RFC 9110 section 5.6.2).
pub fn is_token(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_allowed)
}

//! Headers for the opening handshake of a WebSocket, of which none is there twice.

use secrecy::{ExposeSecret, SecretString};

/// What the handshake says by itself (RFC 6455 section 4.1), and what would end it early.
const OWN: [&str; 9] = [
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

/// The one that has options of its own.
pub const COOKIE: &str = "Cookie";

/// Names and values, in the order in which they are sent. No value can be printed.
#[derive(Debug, Clone, Default)]
pub struct Headers(Vec<(String, SecretString)>);

impl Headers {
    /// Adds one.
    ///
    /// # Errors
    /// A sentence without the value: HTTP does not allow it, the handshake has one of that name itself, or it is
    /// there already.
    pub fn add(&mut self, name: &str, value: SecretString) -> Result<(), String> {
        if !is_token(name) {
            return Err("the name of this header holds what HTTP does not allow: write it as \"Authorization\"".into());
        }
        if OWN.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            return Err(format!(
                "the header {name} is not for you to set: remove it"
            ));
        }
        if self.has(name) {
            return Err(format!("the header {name} is given twice: keep one"));
        }
        let text = value.expose_secret();
        let is_allowed = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        if text.is_empty() || !text.bytes().all(is_allowed) {
            return Err(format!(
                "the value of the header {name} is empty or holds what HTTP does not allow: write printable ASCII"
            ));
        }
        self.0.push((name.to_owned(), value));
        Ok(())
    }

    /// Adds those of a text, each on a line as `Name: value`; lines that are empty or begin with `#` say nothing.
    /// The text's first line has the number `first`.
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
                .ok_or_else(|| "it is no \"Name: value\"".into());
            header
                .and_then(|(name, value)| self.add(name.trim(), value.trim().into()))
                .map_err(|error| format!("line {number}: {error}"))?;
        }
        Ok(())
    }

    /// Takes the one of that name out.
    pub fn take(&mut self, name: &str) -> Option<SecretString> {
        let place = self
            .0
            .iter()
            .position(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(self.0.remove(place).1)
    }

    /// All of these, and those of `others` that are not among them.
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

/// RFC 9110 section 5.6.2.
pub fn is_token(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_allowed)
}

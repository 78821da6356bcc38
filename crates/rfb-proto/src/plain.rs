//! User name and password in clear text, as sent inside TLS (rfbproto, "VeNCrypt", subtype Plain).

use std::fmt;

use bytes::{Buf, BufMut, BytesMut};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{MAX_CREDENTIAL, Violation};

/// A user's password. It cannot be printed and is zeroed when dropped.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Password(String);

impl Password {
    /// A password as the user entered it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The password in clear text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// In constant time for passwords of equal length.
impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Password {}

/// Consumes a user name and password from the front of `input` and overwrites the password there; `None` while more
/// bytes are needed.
pub(crate) fn read(input: &mut BytesMut) -> Result<Option<(String, Password)>, Violation> {
    let Some((lengths, text)) = input.split_first_chunk_mut::<8>() else {
        return Ok(None);
    };
    let [a, b, c, d, e, f, g, h] = *lengths;
    let user_length = bounded("user name", u32::from_be_bytes([a, b, c, d]))?;
    let length = user_length + bounded("password", u32::from_be_bytes([e, f, g, h]))?;
    let Some((user, password)) = text
        .get_mut(..length)
        .and_then(|text| text.split_at_mut_checked(user_length))
    else {
        return Ok(None);
    };
    let read = str::from_utf8(user)
        .map_err(|_| Violation::NotUtf8("user name"))
        .and_then(|user| {
            let password = str::from_utf8(password).map_err(|_| Violation::NotUtf8("password"))?;
            Ok((user.to_owned(), Password::new(password)))
        });
    password.zeroize();
    input.advance(8 + length);
    read.map(Some)
}

/// Appends a user name and password.
pub(crate) fn write(user: &str, password: &Password, output: &mut BytesMut) {
    for text in [user, password.expose()] {
        output.put_u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
    }
    output.put_slice(user.as_bytes());
    output.put_slice(password.expose().as_bytes());
}

fn bounded(what: &'static str, length: u32) -> Result<usize, Violation> {
    usize::try_from(length)
        .ok()
        .filter(|&length| length <= MAX_CREDENTIAL)
        .ok_or(Violation::TooLong { what, length })
}

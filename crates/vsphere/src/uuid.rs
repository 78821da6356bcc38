//! UUIDs in the notations of vSphere.

use std::{fmt, str::FromStr};

/// Sixteen bytes; written as lower-case hexadecimal with hyphens, read with or without hyphens, in either case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid([u8; 16]);

/// The text is not 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a UUID has 32 hexadecimal digits, as in 564d1c4e-0b02-6e1a-3f5c-0d5c0b1a2f3e")]
pub struct InvalidUuid;

impl Uuid {
    /// The bytes in the order in which they are written.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for Uuid {
    type Err = InvalidUuid;

    /// Hyphens and spaces are skipped wherever they stand: `vmx` files write `56 4d 1c 4e … -…`.
    fn from_str(text: &str) -> Result<Self, InvalidUuid> {
        let digits = text.chars().filter(|c| !matches!(c, '-' | ' '));
        let bytes = hex_bytes(digits).ok_or(InvalidUuid)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Exactly `N` bytes from hexadecimal digits; `None` for any other number of digits.
pub(crate) fn hex_bytes<const N: usize>(mut digits: impl Iterator<Item = char>) -> Option<[u8; N]> {
    let mut digit = || {
        digits
            .next()?
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let mut bytes = [0; N];
    for byte in &mut bytes {
        *byte = digit()? << 4 | digit()?;
    }
    digits.next().is_none().then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_notations_parse_to_the_same_uuid() {
        let canonical = "564d1c4e-0b02-6e1a-3f5c-0d5c0b1a2f3e";
        let uuid: Uuid = canonical.parse().unwrap();
        assert_eq!(uuid.to_string(), canonical);
        assert_eq!("564D1C4E0B026E1A3F5C0D5C0B1A2F3E".parse(), Ok(uuid));
        assert_eq!(
            "56 4d 1c 4e 0b 02 6e 1a-3f 5c 0d 5c 0b 1a 2f 3e".parse(),
            Ok(uuid)
        );
    }

    #[test]
    fn malformed_uuids_are_refused() {
        for text in [
            "",
            "564d",
            "564d1c4e-0b02-6e1a-3f5c-0d5c0b1a2f3e0",
            "x64d1c4e-0b02-6e1a-3f5c-0d5c0b1a2f3e",
            "+64d1c4e-0b02-6e1a-3f5c-0d5c0b1a2f3e",
        ] {
            assert_eq!(text.parse::<Uuid>(), Err(InvalidUuid), "{text:?}");
        }
    }
}

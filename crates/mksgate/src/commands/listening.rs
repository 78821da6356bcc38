//! Where a command listens, as its options say it.

use std::net::IpAddr;

/// An address.
///
/// # Errors
/// A sentence that says what would be one: no name is looked up, which might lead to other machines.
pub(super) fn address(text: &str) -> Result<IpAddr, String> {
    let parsed = text.parse();
    parsed.map_err(|_| "write an IP address, as 127.0.0.1 or ::1".into())
}

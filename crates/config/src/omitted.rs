//! What a `[vsphere.NAME]` leaves to the user.

/// What the file or the environment may leave open.
pub(crate) struct Omitted {
    /// Whether it does not say which certificates to trust.
    pub(crate) trust: bool,
    pub(crate) password_missing: String,
}

//! The longest of what a peer may send before it is trusted. RFB itself allows up to 4 GiB of most of these.

/// The longest reason for a refusal that is written or read, in bytes: a few sentences.
pub const MAX_REASON: usize = 1024;

/// The longest user name, and the longest password, in bytes. A peer that sends them has not logged in yet, and PAM
/// and Windows take no more than this either.
pub const MAX_CREDENTIAL: usize = 255;

/// The most encodings that a viewer may list. Fewer than two hundred are defined; RFB would allow 65,535, which make a
/// message of 256 KiB.
pub const MAX_ENCODINGS: usize = 1024;

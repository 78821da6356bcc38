//! A picture that the host has taken by itself.

use crate::Error;

/// What [`crate::Client::screenshot`] gives.
#[derive(Debug, Clone)]
pub struct Screenshot {
    /// The picture. It begins as a PNG does; more of it has not been looked at.
    pub png: Vec<u8>,
    /// Where the host had written it: `[datastore] folder/file.png`.
    pub path: String,
    /// Why that file is still there; `None` where it was removed.
    pub not_removed: Option<Error>,
}

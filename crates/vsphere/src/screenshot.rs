//! The result of CreateScreenshot_Task.

use crate::error::Error;

/// The result of [`crate::Client::screenshot`].
#[derive(Debug, Clone)]
pub struct Screenshot {
    /// The picture. Only its PNG signature was checked.
    pub png: Vec<u8>,
    /// Where the host wrote it: `[datastore] folder/file.png`.
    pub path: String,
    /// Why the file could not be removed; `None` where it was.
    pub not_removed: Option<Error>,
}

//! The only datastore of a host, `datastore1` (`docs/webmks.md` 3.5).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Files by their path in the datastore.
#[derive(Default)]
pub(crate) struct Datastore(Mutex<BTreeMap<String, Vec<u8>>>);

impl Datastore {
    /// Writes a new file `FOLDER/FOLDER-N.png`; returns its datastore path, `[datastore1] …`, or `None` when the
    /// datastore is full.
    pub(crate) fn write_picture(&self, folder: &str, content: Vec<u8>) -> Option<String> {
        let mut files = self.files();
        if files.len() >= FILES {
            return None;
        }
        let free = |path: &String| !files.contains_key(path);
        let path = (1..)
            .map(|number| format!("{folder}/{folder}-{number}.png"))
            .find(free)?;
        files.insert(path.clone(), content);
        Some(in_brackets(&path))
    }

    /// Removes the file at a datastore path; returns whether it existed.
    pub(crate) fn remove(&self, path: &str) -> bool {
        let below = path
            .strip_prefix('[')
            .and_then(|path| path.strip_prefix(NAME));
        let below = below.and_then(|path| path.strip_prefix(']'));
        below.is_some_and(|path| self.files().remove(path.trim_start()).is_some())
    }

    /// The datastore paths of all files.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.files().keys().map(|path| in_brackets(path)).collect()
    }

    pub(crate) fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.files().get(path).cloned()
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn in_brackets(path: &str) -> String {
    format!("[{NAME}] {path}")
}

pub(crate) const NAME: &str = "datastore1";

/// Bounds memory for clients that never delete their screenshots.
const FILES: usize = 256;

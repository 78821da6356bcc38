//! Checks of the patterns in users files against the consoles.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::Spanned;

use crate::document::Document;
use crate::file;
use gateway::settings::{Auth, ConsoleSettings, unmatched_rights};

/// Where each `[auth.NAME]` names its users file.
type UsersFiles = BTreeMap<String, Spanned<PathBuf>>;

pub(crate) fn users_files(auths: &BTreeMap<String, Spanned<file::Auth>>) -> UsersFiles {
    let named = auths.iter().filter_map(|(name, table)| {
        let file = table.get_ref().users_file.clone()?;
        Some((name.clone(), file))
    });
    named.collect()
}

/// Without that of the page's users: they may have rights to VMs that no `[[console]]` names.
pub(crate) fn without_page(mut files: UsersFiles, web: Option<&Spanned<file::Web>>) -> UsersFiles {
    if let Some(auth) = web.and_then(|web| web.get_ref().auth.as_ref()) {
        files.remove(auth.get_ref());
    }
    files
}

impl Document<'_> {
    /// Records an error for each pattern that matches no console, as far as that is known without a vSphere.
    pub(crate) fn check_rights(
        &self,
        files: &UsersFiles,
        auths: &BTreeMap<String, Option<Auth>>,
        consoles: &[ConsoleSettings],
    ) {
        for (name, file) in files {
            let auth = auths.get(name).and_then(Option::as_ref);
            let users = auth.and_then(|auth| auth.users.as_ref());
            for sentence in users.map_or_else(Vec::new, |users| unmatched_rights(users, consoles)) {
                self.record(self.file_error(file, &sentence));
            }
        }
    }
}

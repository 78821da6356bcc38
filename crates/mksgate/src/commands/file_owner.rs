//! Whose a file is: what others can write is not believed to be what this user meant, and a link of theirs is not followed.

use std::path::Path;

/// Why `file` is not to be trusted: somebody else could have written it, or put it into its folder.
#[cfg(unix)]
pub(super) fn distrust_reason(file: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    for (path, what) in [(folder, "its folder"), (file, "it")] {
        let metadata = match path.metadata() {
            Ok(metadata) => metadata,
            Err(error) => return Some(format!("{what} cannot be looked at ({error})")),
        };
        if !is_own_or_root(metadata.uid()) {
            return Some(format!(
                "{what} belongs to another user: name the file with --config if you trust it"
            ));
        }
        if others_may_write(metadata.mode()) {
            return Some(format!(
                "others may write {what}: chmod go-w {}, or name the file with --config",
                path.display()
            ));
        }
    }
    None
}

/// Elsewhere access lists decide, which are not looked at.
#[cfg(not(unix))]
pub(super) fn distrust_reason(_: &Path) -> Option<String> {
    None
}

/// This user's, or root's.
#[cfg(unix)]
pub(super) fn is_own_or_root(owner: u32) -> bool {
    owner == 0 || owner == rustix::process::geteuid().as_raw()
}

/// The group counts as others: nobody knows here who is in it.
#[cfg(unix)]
pub(super) const fn others_may_write(mode: u32) -> bool {
    mode & 0o022 != 0
}

//! Ownership of files: refuses configurations and symlinks that other users may have planted.

use std::path::Path;

/// Why `file` is not trusted: another user owns it or may write it, or its directory.
#[cfg(unix)]
pub fn distrust_reason(file: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    for (path, what) in [(folder, "its folder"), (file, "it")] {
        let metadata = match path.metadata() {
            Ok(metadata) => metadata,
            Err(error) => return Some(format!("{what} cannot be examined ({error})")),
        };
        if !is_own_or_root(metadata.uid()) {
            return Some(format!(
                "{what} belongs to another user: name the file with --config if you trust it"
            ));
        }
        if others_can_write(metadata.mode()) {
            return Some(format!(
                "other users can write {what}: chmod go-w {}, or name the file with --config",
                path.display()
            ));
        }
    }
    None
}

/// Windows access lists are not evaluated.
#[cfg(not(unix))]
pub fn distrust_reason(_: &Path) -> Option<String> {
    None
}

/// Whether this owner of a file is this user, or root.
#[cfg(unix)]
pub fn is_own_or_root(owner: u32) -> bool {
    owner == 0 || owner == rustix::process::geteuid().as_raw()
}

/// Group write counts: the members are not known here.
#[cfg(unix)]
pub const fn others_can_write(mode: u32) -> bool {
    mode & 0o022 != 0
}

//! Writes the file of a screenshot atomically.

use std::io::{Error, ErrorKind, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::symlinks;
use crate::commands::CommandError;

/// Replaces `path` atomically.
pub(super) fn write(path: &Path, png: &[u8]) -> Result<(), CommandError> {
    // The target of a symlink is replaced, not the link. Files below /dev, such as /dev/stdout, are written in place.
    let written = if [Path::new("/dev"), Path::new("/dev/fd")].contains(&folder(path)) {
        std::fs::write(path, png)
    } else {
        symlinks::resolve(path).and_then(|target| replace(&target, folder(&target), png))
    };
    let folder = folder(path);
    written.map_err(|error| {
        let (path, shown) = (path.display(), folder.display());
        CommandError::failed(match error.kind() {
            ErrorKind::NotFound if !folder.is_dir() => {
                format!(
                    "cannot write {path}: there is no directory {shown}: create it, or name another file"
                )
            }
            _ => format!("cannot write {path} ({error}): name another file"),
        })
    })
}

/// The directory of `path`.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn replace(path: &Path, folder: &Path, png: &[u8]) -> std::io::Result<()> {
    let existing = path.metadata();
    // Special files, such as named pipes, are written in place.
    if existing.as_ref().is_ok_and(|existing| !existing.is_file()) {
        return symlinks::open(path)?.write_all(png);
    }
    let mut file = temporary_file(folder).map_err(without_path)?;
    if let Ok(existing) = existing {
        file.as_file().set_permissions(existing.permissions())?;
    }
    file.write_all(png)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Drops the temporary file's path, which tempfile adds to the error and which means nothing to the user.
fn without_path(error: Error) -> Error {
    error.kind().into()
}

/// A temporary file with the permissions of a new file: 0666 minus the umask.
#[cfg(unix)]
fn temporary_file(folder: &Path) -> std::io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
}

#[cfg(not(unix))]
fn temporary_file(folder: &Path) -> std::io::Result<NamedTempFile> {
    NamedTempFile::new_in(folder)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};

    use super::*;

    #[test]
    fn symlink_of_another_user_is_followed_only_in_a_directory_that_others_cannot_write() {
        const OTHER_USER: u32 = 54_321;
        let folder = tempfile::tempdir().unwrap();
        let (link, ours) = (folder.path().join("link"), folder.path().join("ours"));
        symlink(&ours, &link).unwrap();
        if let Err(error) = lchown(&link, Some(OTHER_USER), None) {
            // Not root: chown is refused, so only our own link can be tested.
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            assert!(symlinks::resolve(&link).is_ok());
            return;
        }
        assert_eq!(link.symlink_metadata().unwrap().uid(), OTHER_USER);
        for (mode, followed) in [
            (0o1777, false),
            (0o777, false),
            (0o770, false),
            (0o755, true),
        ] {
            set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
            assert_eq!(symlinks::resolve(&link).is_ok(), followed, "{mode:o}");
            assert_eq!(write(&link, b"png").is_ok(), followed, "{mode:o}");
            assert_eq!(ours.exists(), followed, "{mode:o}");
            assert_eq!(
                symlinks::resolve(&link.join("below")).is_ok(),
                followed,
                "{mode:o}"
            );
        }
        // The link's owner also owns the directory.
        set_permissions(folder.path(), Permissions::from_mode(0o1777)).unwrap();
        std::os::unix::fs::chown(folder.path(), Some(OTHER_USER), None).unwrap();
        assert!(symlinks::resolve(&link).is_ok());
    }
}

//! Resolves symlinks of an output path. A link that another user placed in a shared directory is not followed, as with Linux's
//! `fs.protected_symlinks`: it may point at a file of ours that would be overwritten.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{Error, ErrorKind, Result};
use std::path::{Component, Path, PathBuf};

use crate::commands::file_owner;

/// As in Linux (path_resolution(7)).
const MOST: usize = 40;

/// The path without symlinks. The file need not exist.
///
/// # Errors
/// A link is not followed, there are too many, or one cannot be read.
pub(super) fn resolve(path: &Path) -> Result<PathBuf> {
    let mut at = std::env::current_dir()?;
    let mut rest: VecDeque<OsString> = parts(path).collect();
    let mut links = 0;
    while let Some(part) = rest.pop_front() {
        match Path::new(&part).components().next() {
            Some(Component::Normal(name)) => {
                let next = at.join(name);
                let link = next.symlink_metadata();
                match link {
                    Ok(link) if link.is_symlink() => {
                        links += 1;
                        may_follow(&next, &link, &at)?;
                        if links > MOST {
                            return Err(Error::other("it is a link that leads to links for ever"));
                        }
                        for part in parts(&next.read_link()?).rev() {
                            rest.push_front(part);
                        }
                    }
                    _ => at = next,
                }
            }
            Some(Component::ParentDir) => {
                at.pop();
            }
            Some(Component::CurDir) | None => {}
            Some(root) => at.push(root),
        }
    }
    Ok(at)
}

/// Opens an existing file for writing, without following a symlink.
pub(super) fn open(path: &Path) -> Result<File> {
    let mut options = File::options();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NOFOLLOW.bits().cast_signed(),
    );
    options.open(path)
}

fn parts(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    path.components().map(|part| part.as_os_str().to_owned())
}

#[cfg(unix)]
fn may_follow(path: &Path, link: &Metadata, folder: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let folder = folder.metadata()?;
    let is_safe = file_owner::is_own_or_root(link.uid())
        || link.uid() == folder.uid()
        || !file_owner::others_may_write(folder.mode());
    match is_safe {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::PermissionDenied,
            format!(
                "{} is a link that another user has made where others may write",
                path.display()
            ),
        )),
    }
}

/// On Windows, creating symlinks is a privilege.
#[cfg(not(unix))]
fn may_follow(_: &Path, _: &Metadata, _: &Path) -> Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};

    use super::super::file;
    use super::*;

    #[test]
    fn links_of_ones_own_are_followed_however_they_lead() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().canonicalize().unwrap();
        std::fs::create_dir(place.join("sub")).unwrap();
        symlink("sub/../b", place.join("a")).unwrap();
        symlink(place.join("sub/file"), place.join("b")).unwrap();
        symlink("sub", place.join("folder")).unwrap();
        symlink("round", place.join("round")).unwrap();
        for (path, leads) in [
            ("a", "sub/file"),
            ("folder/../sub/./file", "sub/file"),
            ("folder/new", "sub/new"),
            ("no-such/new", "no-such/new"),
        ] {
            assert_eq!(resolve(&place.join(path)).unwrap(), place.join(leads));
        }
        assert!(resolve(&place.join("round")).is_err());
        assert!(resolve(Path::new("here")).unwrap().is_absolute());
        assert!(open(&place.join("b")).is_err(), "a link");
    }

    #[test]
    fn link_of_somebody_else_is_followed_only_where_nobody_else_may_write() {
        const SOMEBODY: u32 = 54_321;
        let folder = tempfile::tempdir().unwrap();
        let (link, ours) = (folder.path().join("link"), folder.path().join("ours"));
        symlink(&ours, &link).unwrap();
        if let Err(error) = lchown(&link, Some(SOMEBODY), None) {
            // Not root: chown is refused, so only our own link can be tested.
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            assert!(resolve(&link).is_ok());
            return;
        }
        assert_eq!(link.symlink_metadata().unwrap().uid(), SOMEBODY);
        for (mode, followed) in [
            (0o1777, false),
            (0o777, false),
            (0o770, false),
            (0o755, true),
        ] {
            set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
            assert_eq!(resolve(&link).is_ok(), followed, "{mode:o}");
            assert_eq!(file::write(&link, b"png").is_ok(), followed, "{mode:o}");
            assert_eq!(ours.exists(), followed, "{mode:o}");
            assert_eq!(resolve(&link.join("below")).is_ok(), followed, "{mode:o}");
        }
        // The link's owner also owns the directory.
        set_permissions(folder.path(), Permissions::from_mode(0o1777)).unwrap();
        std::os::unix::fs::chown(folder.path(), Some(SOMEBODY), None).unwrap();
        assert!(resolve(&link).is_ok());
    }
}

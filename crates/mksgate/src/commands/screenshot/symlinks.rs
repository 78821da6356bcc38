//! Resolves symlinks of an output path. A link that another user placed in a shared directory is not followed, as with Linux's
//! `fs.protected_symlinks`: it may point at a file of ours that would be overwritten.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{Error, ErrorKind, Result};
use std::path::{Component, Path, PathBuf};

use config::file_owner;

/// As in Linux (path_resolution(7)).
const MAX_LINKS: usize = 40;

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
                        if links > MAX_LINKS {
                            return Err(Error::other("too many levels of symbolic links"));
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
        || !file_owner::others_can_write(folder.mode());
    match is_safe {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::PermissionDenied,
            format!(
                "{} is a symbolic link that another user created in a directory that others can write",
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

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn own_symlinks_are_followed() {
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
}

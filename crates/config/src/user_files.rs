//! Files of this user in the XDG base directories. What is written is 0700 and 0600 whatever the umask, and appears whole or
//! not at all; what somebody else may have written is not read.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use console::named_file;
use tempfile::NamedTempFile;

/// The folder in the base directories.
const FOLDER: &str = "mksgate";

/// `$XDG_CONFIG_HOME/mksgate`, else `~/.config/mksgate`; `None` without a home directory.
pub fn config_folder() -> Option<PathBuf> {
    folder("XDG_CONFIG_HOME", ".config")
}

/// `$XDG_CACHE_HOME/mksgate`, else `~/.cache/mksgate`; `None` without a home directory.
pub fn cache_folder() -> Option<PathBuf> {
    folder("XDG_CACHE_HOME", ".cache")
}

/// The specification says that a relative path is ignored.
fn folder(variable: &str, in_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| {
        let path = std::env::var_os(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let base = absolute(variable).or_else(|| Some(absolute("HOME")?.join(in_home)));
    base.map(|base| base.join(FOLDER))
}

/// Who may read a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// It has no secrets.
    Anybody,
    /// It has secrets.
    Owner,
}

/// Reads a file; `None` where it does not exist.
///
/// # Errors
/// A sentence: it cannot be read, or somebody else may have written it or its folder.
pub fn read(path: &Path, readers: Readers) -> Result<Option<String>, String> {
    let file = match named_file::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot_read(path, &error)),
    };
    let folder = parent(path);
    let judged = folder
        .metadata()
        .map_err(|error| cannot_read(folder, &error))?;
    judge(folder, &judged, Readers::Anybody)?;
    // Of the open file: the path may lead elsewhere by now.
    let metadata = file.metadata().map_err(|error| cannot_read(path, &error))?;
    judge(path, &metadata, readers)?;
    let mut text = String::new();
    file.take(named_file::MAX_SIZE)
        .read_to_string(&mut text)
        .map_err(|error| cannot_read(path, &error))?;
    Ok(Some(text))
}

/// Makes the folder of `path`, where it does not exist.
///
/// # Errors
/// A sentence: it cannot be made, or somebody else may write it.
pub fn make_folder(path: &Path) -> Result<(), String> {
    let folder = parent(path);
    let shown = folder.display();
    if !folder.exists() {
        create(folder).map_err(|error| format!("cannot make {shown} ({error})"))?;
    }
    let metadata = folder
        .metadata()
        .map_err(|error| cannot_read(folder, &error))?;
    judge(folder, &metadata, Readers::Anybody)
}

/// Writes a file in place of what is there.
///
/// # Errors
/// A sentence: it cannot be written, or somebody else may write its folder.
pub fn replace(path: &Path, text: &str) -> Result<(), String> {
    make_folder(path)?;
    let written = temporary(path, text).and_then(|file| file.persist(path).map_err(Into::into));
    written
        .map(drop)
        .map_err(|error| format!("cannot write {} ({error})", path.display()))
}

/// Writes a file where there is none. Returns whether there was none.
///
/// # Errors
/// As [`replace`].
pub fn create_new(path: &Path, text: &str) -> Result<bool, String> {
    make_folder(path)?;
    let cannot = |error: io::Error| format!("cannot write {} ({error})", path.display());
    let file = temporary(path, text).map_err(cannot)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(cannot(error.error)),
    }
}

fn temporary(path: &Path, text: &str) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new_in(parent(path))?;
    #[cfg(unix)]
    file.as_file().set_permissions(mode(0o600))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn create(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    // The umask may have removed bits of the owner.
    #[cfg(unix)]
    fs::set_permissions(folder, mode(0o700))?;
    Ok(())
}

/// Excludes other programs that write in the folder of `path`, until the file is dropped.
///
/// # Errors
/// A sentence.
pub fn lock_folder(path: &Path) -> Result<File, String> {
    make_folder(path)?;
    let folder = parent(path);
    let locked = File::open(folder).and_then(|file| file.lock().map(|()| file));
    locked.map_err(|error| format!("cannot lock {} ({error})", folder.display()))
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

fn cannot_read(path: &Path, error: &io::Error) -> String {
    format!("cannot read {} ({error})", path.display())
}

#[cfg(unix)]
fn judge(path: &Path, metadata: &Metadata, readers: Readers) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    let shown = path.display();
    let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != 0 && owner != user {
        return Err(format!(
            "{shown} belongs to another user: remove it, or run this as that user"
        ));
    }
    // Group write counts: the members are not known here.
    if metadata.mode() & 0o022 != 0 {
        return Err(format!("others may write {shown}: chmod go-w {shown}"));
    }
    if readers == Readers::Owner && metadata.mode() & 0o077 != 0 {
        return Err(format!("others may read {shown}: remove it"));
    }
    Ok(())
}

/// Windows access lists are not evaluated.
#[cfg(not(unix))]
fn judge(_: &Path, _: &Metadata, _: Readers) -> Result<(), String> {
    Ok(())
}

#[cfg(unix)]
fn mode(bits: u32) -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(bits)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    fn modes_of(path: &Path) -> (u32, u32) {
        let bits = |path: &Path| path.metadata().unwrap().mode() & 0o777;
        (bits(parent(path)), bits(path))
    }

    #[test]
    fn what_is_written_is_for_the_owner_and_can_be_read_again() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("new/mksgate/file");
        assert_eq!(read(&path, Readers::Owner), Ok(None));
        replace(&path, "one").unwrap();
        assert_eq!(modes_of(&path), (0o700, 0o600));
        replace(&path, "two").unwrap();
        assert_eq!(create_new(&path, "three"), Ok(false));
        assert_eq!(read(&path, Readers::Owner), Ok(Some("two".into())));
        // No temporary file is left.
        assert_eq!(parent(&path).read_dir().unwrap().count(), 1);
    }

    #[test]
    fn what_others_may_have_written_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("mksgate/file");
        for (bits, expected) in [(0o620, "others may write"), (0o602, "others may write")] {
            replace(&path, "text").unwrap();
            fs::set_permissions(&path, mode(bits)).unwrap();
            assert!(
                read(&path, Readers::Anybody)
                    .unwrap_err()
                    .starts_with(expected)
            );
        }
        replace(&path, "text").unwrap();
        fs::set_permissions(&path, mode(0o644)).unwrap();
        assert!(read(&path, Readers::Anybody).is_ok());
        let error = read(&path, Readers::Owner).unwrap_err();
        assert!(error.starts_with("others may read"), "{error}");
        fs::set_permissions(parent(&path), mode(0o770)).unwrap();
        for error in [
            read(&path, Readers::Anybody).unwrap_err(),
            replace(&path, "text").unwrap_err(),
            create_new(&path, "text").unwrap_err(),
        ] {
            assert!(error.starts_with("others may write"), "{error}");
        }
    }

    #[test]
    fn a_file_or_folder_of_another_user_is_refused() {
        if !rustix::process::geteuid().is_root() {
            return; // Only root can give a file away.
        }
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("mksgate/file");
        for given_away in [path.as_path(), parent(&path)] {
            replace(&path, "text").unwrap();
            std::os::unix::fs::chown(given_away, Some(12_345), None).unwrap();
            let error = read(&path, Readers::Anybody).unwrap_err();
            assert!(error.contains("belongs to another user"), "{error}");
            std::os::unix::fs::chown(given_away, Some(0), None).unwrap();
        }
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

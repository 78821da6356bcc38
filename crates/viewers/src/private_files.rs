//! Directories and files with mode 0700 and 0600, whatever the umask: they hold a console's password.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use tempfile::TempDir;

/// A temporary directory, removed on drop.
///
/// # Errors
/// It cannot be created or restricted.
pub fn private_folder() -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("mksgate-");
    #[cfg(unix)]
    builder.permissions(mode(0o700));
    let folder = builder.tempdir()?;
    // The umask may have removed owner bits.
    #[cfg(unix)]
    fs::set_permissions(folder.path(), mode(0o700))?;
    Ok(folder)
}

/// Creates a file that only this user can access.
///
/// # Errors
/// It exists already, or cannot be written.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(mode(0o600))?;
    file.write_all(text.as_bytes())
}

/// Removes the permissions of other users.
///
/// # Errors
/// The file is missing or not ours.
pub fn restrict(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::set_permissions(path, mode(0o600))?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(unix)]
fn mode(bits: u32) -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(bits)
}

//! A folder of this user's alone, whatever the umask: what is in it has a console's password.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use tempfile::TempDir;

/// Makes one, there for as long as the result exists.
///
/// # Errors
/// There is no place for temporary files, or it is not ours to restrict.
pub(crate) fn private_folder() -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("mksgate-");
    #[cfg(unix)]
    builder.permissions(mode(0o700));
    let folder = builder.tempdir()?;
    // The umask may have taken bits of the owner's off.
    #[cfg(unix)]
    fs::set_permissions(folder.path(), mode(0o700))?;
    Ok(folder)
}

/// Makes a file that only this user can read and write.
///
/// # Errors
/// It is there already, or cannot be written.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(mode(0o600))?;
    file.write_all(text.as_bytes())
}

/// Takes what others may do with a file that another program has made anew.
///
/// # Errors
/// It is not ours, or not there.
pub(crate) fn restrict(path: &Path) -> io::Result<()> {
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

//! Secrets in files: nobody else may be able to read them, and no copy of them is left behind.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use zeroize::Zeroizing;

/// A password, a list of users or a key, not a disk image.
const MAX: u64 = 1 << 20;

/// Where systemd puts what `LoadCredential=` names. It keeps others out by itself, by other means than the
/// permission bits.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// Where a path of the configuration leads: `$CREDENTIALS_DIRECTORY/…` into that folder, a relative one
/// beside the configuration.
pub(super) fn place(path: &Path, configuration: &Path) -> PathBuf {
    match (
        path.strip_prefix(format!("${CREDENTIALS}")),
        std::env::var_os(CREDENTIALS),
    ) {
        (Ok(name), Some(folder)) => PathBuf::from(folder).join(name),
        _ => configuration
            .parent()
            .unwrap_or_else(|| Path::new(""))
            .join(path),
    }
}

/// The whole file.
///
/// # Errors
/// A sentence: it cannot be read, is too large, or others can read or write it.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let unreadable =
        |error: io::Error| format!("it cannot be read ({error}): create it or correct its name");
    let mut file = File::open(path).map_err(unreadable)?;
    // Of what was opened, not of what may have taken its place since.
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.len() > MAX {
        return Err(format!("it has more than {MAX} bytes, which is no secret"));
    }
    if !is_credential(path) && others_can_use(&metadata) {
        return Err(format!(
            "others can read or write it: chmod 600 {}",
            path.display()
        ));
    }
    // Large enough from the start: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        usize::try_from(metadata.len()).unwrap_or_default() + 1,
    ));
    file.by_ref()
        .take(MAX)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(bytes)
}

/// The first line of a file.
///
/// # Errors
/// As [`read`]; and it is not text, or empty.
pub(super) fn read_line(path: &Path) -> Result<SecretString, String> {
    let bytes = read(path)?;
    let text = str::from_utf8(&bytes).map_err(|_| "it is not text: write the password there")?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.into()),
        _ => Err("its first line is empty: write the password there".into()),
    }
}

fn is_credential(path: &Path) -> bool {
    std::env::var_os(CREDENTIALS)
        .is_some_and(|folder| !folder.is_empty() && path.starts_with(folder))
}

#[cfg(unix)]
fn others_can_use(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

/// Elsewhere there are no such bits; its folder's access list decides.
#[cfg(not(unix))]
fn others_can_use(_: &Metadata) -> bool {
    false
}

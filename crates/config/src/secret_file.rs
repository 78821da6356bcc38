//! Secret files: permissions are checked, and buffers are zeroed.

use std::ffi::OsStr;
use std::fs::{File, Metadata, canonicalize};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use secrecy::SecretString;
use zeroize::Zeroizing;

use console::headers::Headers;
use console::named_file;

/// Size limit of a file in bytes: enough for some thousand users.
const MAX_SIZE: usize = 1 << 20;

/// Written by some editors; not part of the secret.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The directory of systemd's `LoadCredential=`, which protects files by means other than permission bits.
const CREDENTIALS_VARIABLE: &str = "CREDENTIALS_DIRECTORY";

/// Prefix of configured paths into that directory.
const CREDENTIALS_PREFIX: &str = "$CREDENTIALS_DIRECTORY";

/// Resolves `$CREDENTIALS_DIRECTORY/…`, and relative paths from the configuration's directory.
pub(crate) fn resolve_path(path: &Path, configuration: &Path) -> PathBuf {
    match (
        path.strip_prefix(CREDENTIALS_PREFIX),
        credentials_directory(),
    ) {
        (Ok(name), Some(folder)) => folder.join(name),
        _ => configuration
            .parent()
            .unwrap_or_else(|| Path::new(""))
            .join(path),
    }
}

/// Reads a secret file.
///
/// # Errors
/// A sentence: unreadable, too large, or accessible to other users.
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let file = open(path)?;
    // Metadata of the open file: the path may be replaced meanwhile.
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    let is_credential = || credentials_directory().is_some_and(|folder| is_in(path, &folder));
    if others_can_access(&metadata) && !is_credential() {
        let shown = path.display();
        return Err(format!(
            "other users can read or write it: chmod 600 {shown}"
        ));
    }
    read_all(path, file)
}

/// Reads a file that need not be secret.
///
/// # Errors
/// A sentence: unreadable or too large.
pub(crate) fn read_public(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    read_all(path, open(path)?)
}

/// Reads the first line of a secret file.
///
/// # Errors
/// As [`read`]; also if it is not text, or empty.
pub fn read_line(path: &Path) -> Result<SecretString, String> {
    let bytes = read(path)?;
    let text =
        str::from_utf8(&bytes).map_err(|_| "it is not UTF-8 text: write the secret there")?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.into()),
        _ => Err("its first line is empty: write the secret there".into()),
    }
}

/// Adds the headers of a secret file, one `Name: value` per line.
///
/// # Errors
/// As [`read`]; also if a header is invalid.
pub fn read_headers(path: &Path, headers: &mut Headers) -> Result<(), String> {
    let bytes = read(path)?;
    let text = str::from_utf8(&bytes).map_err(|_| "it is not UTF-8 text: save it as that")?;
    headers.read(1, text)
}

fn open(path: &Path) -> Result<File, String> {
    named_file::open(path).map_err(|error| unreadable(path, &error))
}

fn read_all(path: &Path, file: File) -> Result<Zeroizing<Vec<u8>>, String> {
    // Full capacity at once: a reallocation would leave an unzeroed copy.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_SIZE + 1));
    let limit = u64::try_from(MAX_SIZE + 1).unwrap_or(u64::MAX);
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(path, &error))?;
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    match bytes.len() {
        ..=MAX_SIZE => Ok(bytes),
        _ => Err(format!(
            "it has more than {MAX_SIZE} bytes: name another file"
        )),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    let unknown = Component::Normal(OsStr::new(CREDENTIALS_PREFIX));
    if path.components().any(|part| part == unknown) {
        return format!(
            "{CREDENTIALS_VARIABLE} is not set: systemd sets it for a service that has LoadCredential="
        );
    }
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            format!(
                "it cannot be read ({error}): make it readable for the user that mksgate runs as"
            )
        }
        io::ErrorKind::NotFound => "it does not exist: create it, or correct its name".into(),
        _ => format!("it cannot be read ({error}): name another file"),
    }
}

fn credentials_directory() -> Option<PathBuf> {
    let folder = std::env::var_os(CREDENTIALS_VARIABLE).map(PathBuf::from);
    folder.filter(|folder| folder.is_absolute())
}

/// Whether the file is in the directory, with symlinks and `..` resolved.
fn is_in(path: &Path, folder: &Path) -> bool {
    match (canonicalize(path), canonicalize(folder)) {
        (Ok(path), Ok(folder)) => path.starts_with(folder),
        _ => false,
    }
}

#[cfg(unix)]
fn others_can_access(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

/// Windows has access lists instead.
#[cfg(not(unix))]
fn others_can_access(_: &Metadata) -> bool {
    false
}

//! Looks up programs on `PATH`.

use std::env;
use std::path::{Path, PathBuf};

/// The file that a shell would run.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    if Path::new(name).components().count() > 1 {
        return runnable(PathBuf::from(name));
    }
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders)
        .filter(|folder| folder.is_absolute())
        .find_map(|folder| runnable(folder.join(name)))
}

/// The path if it is executable; on Windows .exe may be omitted.
pub(crate) fn runnable(path: PathBuf) -> Option<PathBuf> {
    let with_extension =
        (cfg!(windows) && path.extension().is_none()).then(|| path.with_extension("exe"));
    [Some(path), with_extension]
        .into_iter()
        .flatten()
        .find(|path| is_runnable(path))
}

#[cfg(unix)]
fn is_runnable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_runnable(path: &Path) -> bool {
    path.is_file()
}

//! Executable files that tests create.

use std::path::Path;
use std::process::Command;

/// Writes an executable script. A child process writes it, against ETXTBSY: a file descriptor of this process that is open for
/// writing could be inherited by a program that another test starts at the same time.
pub(crate) fn program(path: &Path, script: &str) {
    let mut text = path.as_os_str().to_owned();
    text.push(".text");
    std::fs::write(&text, script).unwrap();
    let copied = Command::new("install")
        .args(["-m", "700"])
        .args([Path::new(&text), path])
        .status();
    assert!(copied.unwrap().success(), "install {}", path.display());
}

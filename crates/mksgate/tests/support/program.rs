//! Programs that a test writes and that are then started.

use std::path::Path;
use std::process::Command;

/// Makes `script` a program at `path`. A child process writes it: while this one has a file open for writing, another test
/// may start a program, which then has it open too for a moment; and what anybody has open for writing cannot be started.
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

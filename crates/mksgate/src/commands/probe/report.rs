//! The file of `--report`, which users publish: it has only the fields listed here, and no sentence that could name a VM, user
//! or address.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::NamedTempFile;

use crate::commands::CommandError;
use console::printable::printable;
use trials::Section;

/// Fields of each step that are written; keys as in `--json`.
const FACTS: [(&str, &[&str]); 6] = [
    ("login", &["product", "kind", "api"]),
    ("tls", &["version"]),
    ("websocket", &["subprotocol"]),
    ("rfb", &["version", "security_types"]),
    (
        "screen",
        &[
            "width",
            "height",
            "bits_per_pixel",
            "depth",
            "big_endian",
            "true_colour",
            "max",
            "shift",
        ],
    ),
    ("updates", &["server_caps"]),
];

/// A temporary file with mode 0600 in the target's directory, renamed when complete. A symlink at the target is replaced, not
/// followed.
pub(super) struct ReportFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl ReportFile {
    /// Fails before any connection if the file cannot be written.
    pub(super) fn create(path: PathBuf) -> Result<Self, CommandError> {
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let created = match path.is_dir() {
            true => Err(std::io::ErrorKind::IsADirectory.into()),
            false => NamedTempFile::new_in(folder),
        };
        match created {
            Ok(file) => Ok(Self { file, path }),
            Err(error) => Err(cannot_write(&path, error.kind())),
        }
    }

    pub(super) fn write(self, text: &str) -> Result<PathBuf, CommandError> {
        let Self { mut file, path } = self;
        let written = file.write_all(text.as_bytes());
        written.map_err(|error| cannot_write(&path, error.kind()))?;
        match file.persist(&path) {
            Ok(_) => Ok(path),
            Err(error) => Err(cannot_write(&path, error.error.kind())),
        }
    }
}

fn cannot_write(path: &Path, error: std::io::ErrorKind) -> CommandError {
    let shown = path.display();
    CommandError::failed(format!("cannot write {shown} ({error}): name another file"))
}

/// The report as Markdown.
pub(super) fn text(steps: &[Value], sections: &[Section], failed_at: Option<&str>) -> String {
    let mut text = String::from("# mksgate probe report\n\n");
    let mut line = |line: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", printable(&line));
    };
    line(format!("- mksgate: {}", build()));
    for (step, names) in FACTS {
        for step_result in steps
            .iter()
            .filter(|step_result| step_result["step"] == step)
        {
            line(format!("- {step}: {}", facts(step_result, names)));
        }
    }
    match failed_at {
        None => line("- the console opened".into()),
        Some(step) => line(format!(
            "- failed at {step} (the reason is omitted: it may contain names)"
        )),
    }
    for section in sections {
        line(String::new());
        line(format!("## {}", section.title));
        line(String::new());
        for each in &section.lines {
            line(format!("- {each}"));
        }
    }
    text
}

fn facts(step_result: &Value, names: &[&str]) -> String {
    let of = |name: &&str| match step_result.get(name) {
        None | Some(Value::Null) => format!("{name} none"),
        Some(Value::String(text)) => format!("{name} {text}"),
        Some(other) => format!("{name} {other}"),
    };
    let facts: Vec<String> = names.iter().map(of).collect();
    facts.join(", ")
}

/// Version and build of this program.
fn build() -> String {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let profile = match cfg!(debug_assertions) {
        true => "debug",
        false => "release",
    };
    let provider = match cfg!(feature = "ring") {
        true => "ring",
        false => "aws-lc-rs",
    };
    let version = env!("CARGO_PKG_VERSION");
    format!("{version}, {profile} build for {os} {arch}, rustls with {provider}")
}

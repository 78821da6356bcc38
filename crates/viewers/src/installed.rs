//! Installed viewers.

use std::path::PathBuf;

use crate::kind::Kind;
use crate::path_lookup;

/// A viewer that is installed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewerProgram {
    /// Which viewer it is.
    pub kind: Kind,
    /// Its executable file.
    pub program: PathBuf,
    /// Additional arguments.
    pub arguments: Vec<String>,
}

impl ViewerProgram {
    /// The first installed viewer, in order of preference.
    ///
    /// # Errors
    /// A sentence that lists the viewers searched for.
    pub fn any() -> Result<Self, String> {
        let mut found = Kind::here().filter_map(Self::of);
        found.next().ok_or_else(|| {
            let names: Vec<&str> = Kind::here().map(Kind::name).collect();
            format!(
                "no VNC viewer is installed (looked for {}): install one, name one with --viewer, or use --proxy-only",
                names.join(", ")
            )
        })
    }

    /// The viewer of this name, program or path, with optional arguments.
    ///
    /// # Errors
    /// A sentence.
    pub fn named(text: &str) -> Result<Self, String> {
        if let Some(kind) = Kind::here().find(|kind| kind.has_name(text)) {
            return Self::of(kind).ok_or_else(|| {
                format!(
                    "{} is not installed: install it, or name another viewer",
                    kind.name()
                )
            });
        }
        let words: Vec<String> = match path_lookup::on_path(text) {
            Some(_) => vec![text.to_owned()],
            None => text.split_whitespace().map(str::to_owned).collect(),
        };
        let program = words.first().and_then(|word| path_lookup::on_path(word));
        let Some(program) = program else {
            let names: Vec<&str> = Kind::here().map(Kind::name).collect();
            return Err(format!(
                "there is no viewer {text}: name a program, or one of {}",
                names.join(", ")
            ));
        };
        Ok(Self {
            kind: Kind::of(&program),
            program,
            arguments: words.into_iter().skip(1).collect(),
        })
    }

    fn of(kind: Kind) -> Option<Self> {
        let program = kind.find()?;
        Some(Self {
            kind,
            program,
            arguments: Vec::new(),
        })
    }
}

//! The viewers that are known, and where each is on which system.
//!
//! Those for macOS and Windows are from their makers' documentation; none of them was tried.

use std::env;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::path_lookup::{on_path, runnable};

/// How much of a program is searched for its maker's name, in bytes: the largest viewers have 15 MB.
const SEARCHED: u64 = 32 << 20;

/// Which viewer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    TigerVnc,
    RealVnc,
    Remmina,
    Gvncviewer,
    RemoteViewer,
    Krdc,
    Vinagre,
    ScreenSharing,
    UltraVnc,
    TightVnc,
    /// One that is told where to connect, as all are, and nothing else.
    Unknown,
}

/// Where a viewer is looked for.
struct Places {
    /// What it is called, first as people write it.
    names: &'static [&'static str],
    /// Its programs on `PATH`.
    programs: &'static [&'static str],
    /// Its files elsewhere; on Windows below the folder of programs.
    files: &'static [&'static str],
}

impl Kind {
    /// Those of this system, the one to be preferred first.
    pub(crate) fn here() -> impl Iterator<Item = Self> {
        let kinds: &[Self] = if cfg!(windows) {
            &[
                Self::TigerVnc,
                Self::RealVnc,
                Self::UltraVnc,
                Self::TightVnc,
            ]
        } else if cfg!(target_os = "macos") {
            &[Self::TigerVnc, Self::RealVnc, Self::ScreenSharing]
        } else {
            &[
                Self::TigerVnc,
                Self::RealVnc,
                Self::Remmina,
                Self::Gvncviewer,
                Self::RemoteViewer,
                Self::Krdc,
                Self::Vinagre,
                Self::TightVnc,
            ]
        };
        kinds.iter().copied()
    }

    /// As people write it.
    pub(crate) fn name(self) -> &'static str {
        self.places().names.first().copied().unwrap_or("the viewer")
    }

    /// Whether it tells a process of its kind that runs already, and ends by itself.
    pub(crate) fn delegates_to_running_instance(self) -> bool {
        matches!(self, Self::Remmina | Self::Vinagre)
    }

    /// Whether it is told a Unix socket in place of an address: the one way to spare somebody the typing of a password
    /// where a viewer takes that in no other way.
    #[cfg(unix)]
    pub(crate) fn takes_socket(self) -> bool {
        self == Self::Gvncviewer
    }

    /// Whether a person means this one.
    pub(super) fn has_name(self, text: &str) -> bool {
        let names = self.places().names;
        names.iter().any(|name| name.eq_ignore_ascii_case(text))
    }

    /// Its program, where it is installed.
    pub(super) fn find(self) -> Option<PathBuf> {
        let Places {
            programs, files, ..
        } = self.places();
        let on_path = programs.iter().filter_map(|name| on_path(name));
        let elsewhere = files
            .iter()
            .filter_map(|file| runnable(installed_path(file)));
        on_path
            .chain(elsewhere)
            .find(|program| !is_ambiguous_name(program) || Self::of(program) == self)
    }

    /// Which viewer a program is, by its name or, where that is anybody's, by what is written in it.
    pub(super) fn of(program: &Path) -> Self {
        let target = program.canonicalize().unwrap_or_else(|_| program.into());
        Self::by_name(program)
            .or_else(|| Self::by_name(&target))
            .unwrap_or_else(|| match is_ambiguous_name(&target) {
                true => Self::by_maker(&target),
                false => Self::Unknown,
            })
    }

    fn by_name(program: &Path) -> Option<Self> {
        if is_ambiguous_name(program) {
            return None;
        }
        let stem = program.file_stem()?.to_str()?;
        Self::here().find(|kind| kind.places().programs.contains(&stem))
    }

    fn by_maker(program: &Path) -> Self {
        let text = read_prefix(program);
        let is_in = |maker: &str| {
            let mut windows = text.windows(maker.len());
            windows.any(|window| window == maker.as_bytes())
        };
        let makers = [
            (Self::TigerVnc, "TigerVNC"),
            (Self::RealVnc, "RealVNC"),
            (Self::UltraVnc, "UltraVNC"),
            (Self::TightVnc, "TightVNC"),
        ];
        makers
            .into_iter()
            .find(|(_, maker)| is_in(maker))
            .map_or(Self::Unknown, |(kind, _)| kind)
    }

    const fn places(self) -> Places {
        let (names, programs, files): (
            &'static [&'static str],
            &'static [&'static str],
            &'static [&'static str],
        ) = match self {
            Self::TigerVnc => (
                &["TigerVNC"],
                &["xtigervncviewer", "vncviewer"],
                &[
                    "/Applications/TigerVNC.app/Contents/MacOS/TigerVNC",
                    "/Applications/TigerVNC Viewer.app/Contents/MacOS/TigerVNC Viewer",
                    r"TigerVNC\vncviewer.exe",
                ],
            ),
            Self::RealVnc => (
                &["RealVNC", "VNC Viewer"],
                &["realvnc-vncviewer", "vncviewer"],
                &[
                    "/Applications/RealVNC Viewer.app/Contents/MacOS/vncviewer",
                    "/Applications/VNC Viewer.app/Contents/MacOS/vncviewer",
                    r"RealVNC\VNC Viewer\vncviewer.exe",
                ],
            ),
            Self::Remmina => (&["Remmina"], &["remmina"], &[]),
            Self::Gvncviewer => (&["gvncviewer"], &["gvncviewer"], &[]),
            Self::RemoteViewer => (&["remote-viewer"], &["remote-viewer"], &[]),
            Self::Krdc => (&["KRDC"], &["krdc"], &[]),
            Self::Vinagre => (&["Vinagre"], &["vinagre"], &[]),
            Self::ScreenSharing => (
                &["Screen Sharing", "screen-sharing"],
                &[],
                &["/usr/bin/open"],
            ),
            Self::UltraVnc => (
                &["UltraVNC"],
                &[],
                &[
                    r"uvnc bvba\UltraVNC\vncviewer.exe",
                    r"UltraVNC\vncviewer.exe",
                ],
            ),
            Self::TightVnc => (
                &["TightVNC"],
                &["xtightvncviewer", "tvnviewer", "vncviewer"],
                &[r"TightVNC\tvnviewer.exe"],
            ),
            Self::Unknown => (&["the viewer"], &[], &[]),
        };
        Places {
            names,
            programs,
            files,
        }
    }
}

/// A name that several makers have given their program.
fn is_ambiguous_name(program: &Path) -> bool {
    program
        .file_stem()
        .is_some_and(|stem| stem.eq_ignore_ascii_case("vncviewer"))
}

fn installed_path(file: &str) -> PathBuf {
    match env::var_os("ProgramFiles") {
        Some(folder) if cfg!(windows) => Path::new(&folder).join(file),
        _ => file.into(),
    }
}

/// Nothing, where it cannot be read.
fn read_prefix(program: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(program) {
        // Ignored on purpose: what was read until then may be enough.
        let _ = file.take(SEARCHED).read_to_end(&mut bytes);
    }
    bytes
}

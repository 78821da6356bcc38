//! Known viewers, and where each is installed.
//!
//! Paths for macOS and Windows are from the vendors' documentation and untested.

use std::env;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::path_lookup::{on_path, runnable};

/// How much of a binary is searched for its vendor's name; the largest viewers have 15 MB.
const SEARCH_LIMIT: u64 = 32 << 20;

/// A viewer program that is known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// TigerVNC's vncviewer.
    TigerVnc,
    /// RealVNC Viewer.
    RealVnc,
    /// Remmina.
    Remmina,
    /// gvncviewer, of gtk-vnc.
    Gvncviewer,
    /// remote-viewer, of virt-viewer.
    RemoteViewer,
    /// KRDC.
    Krdc,
    /// Vinagre.
    Vinagre,
    /// Screen Sharing, of macOS.
    ScreenSharing,
    /// UltraVNC Viewer.
    UltraVnc,
    /// TightVNC Viewer.
    TightVnc,
    /// Gets the address as host::port.
    Unknown,
}

/// Where a viewer is searched for.
struct Places {
    /// Names for users; the first is the official one.
    names: &'static [&'static str],
    /// Programs on `PATH`.
    programs: &'static [&'static str],
    /// Absolute paths; on Windows relative to Program Files.
    files: &'static [&'static str],
}

impl Kind {
    /// Viewers of this operating system, in order of preference.
    pub fn here() -> impl Iterator<Item = Self> {
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

    /// The official name.
    pub fn name(self) -> &'static str {
        self.places().names.first().copied().unwrap_or("the viewer")
    }

    /// Whether it passes the address to a running instance and exits.
    pub fn delegates_to_running_instance(self) -> bool {
        matches!(self, Self::Remmina | Self::Vinagre)
    }

    /// Whether it takes a Unix socket as address. This spares a password prompt in viewers that take no password otherwise.
    #[cfg(unix)]
    pub fn takes_socket(self) -> bool {
        self == Self::Gvncviewer
    }

    pub(crate) fn has_name(self, text: &str) -> bool {
        let names = self.places().names;
        names.iter().any(|name| name.eq_ignore_ascii_case(text))
    }

    /// The path of the installed program.
    pub(crate) fn find(self) -> Option<PathBuf> {
        let Places {
            programs, files, ..
        } = self.places();
        let on_path = programs.iter().filter_map(|name| on_path(name));
        let in_fixed_places = files
            .iter()
            .filter_map(|file| runnable(installed_path(file)));
        on_path
            .chain(in_fixed_places)
            .find(|program| !is_ambiguous_name(program) || Self::of(program) == self)
    }

    /// Identifies a program by its name, or by its content if several vendors share the name.
    pub(crate) fn of(program: &Path) -> Self {
        let target = program.canonicalize().unwrap_or_else(|_| program.into());
        Self::by_name(program)
            .or_else(|| Self::by_name(&target))
            .unwrap_or_else(|| match is_ambiguous_name(&target) {
                true => Self::by_vendor(&target),
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

    fn by_vendor(program: &Path) -> Self {
        let text = read_prefix(program);
        let is_in = |vendor: &str| {
            let mut windows = text.windows(vendor.len());
            windows.any(|window| window == vendor.as_bytes())
        };
        let vendors = [
            (Self::TigerVnc, "TigerVNC"),
            (Self::RealVnc, "RealVNC"),
            (Self::UltraVnc, "UltraVNC"),
            (Self::TightVnc, "TightVNC"),
        ];
        vendors
            .into_iter()
            .find(|(_, vendor)| is_in(vendor))
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

/// Several vendors call their viewer vncviewer.
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

/// Empty if unreadable.
fn read_prefix(program: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(program) {
        // A partial read may be enough.
        let _ = file.take(SEARCH_LIMIT).read_to_end(&mut bytes);
    }
    bytes
}

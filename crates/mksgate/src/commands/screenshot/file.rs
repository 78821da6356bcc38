//! PNG files: written atomically, and decoded if they come from the vSphere API.

use std::io::{Cursor, Error, ErrorKind, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::symlinks;
use crate::commands::CommandError;
use console::client::Picture;

/// Replaces `path` atomically.
pub(super) fn write(path: &Path, png: &[u8]) -> Result<(), CommandError> {
    // The target of a symlink is replaced, not the link. Files below /dev, such as /dev/stdout, are written in place.
    let written = if [Path::new("/dev"), Path::new("/dev/fd")].contains(&folder(path)) {
        std::fs::write(path, png)
    } else {
        symlinks::resolve(path).and_then(|place| replace(&place, folder(&place), png))
    };
    let folder = folder(path);
    written.map_err(|error| {
        let (path, shown) = (path.display(), folder.display());
        CommandError::Failed(match error.kind() {
            ErrorKind::NotFound if !folder.is_dir() => {
                format!(
                    "cannot write {path}: there is no folder {shown}: make it, or name another file"
                )
            }
            _ => format!("cannot write {path} ({error}): name another file"),
        })
    })
}

/// The directory of `path`.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn replace(path: &Path, folder: &Path, png: &[u8]) -> std::io::Result<()> {
    let there = path.metadata();
    // Special files, such as named pipes, are written in place.
    if there.as_ref().is_ok_and(|there| !there.is_file()) {
        return symlinks::open(path)?.write_all(png);
    }
    let mut file = beside(folder).map_err(without_its_path)?;
    if let Ok(there) = there {
        file.as_file().set_permissions(there.permissions())?;
    }
    file.write_all(png)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Drops the temporary file's path, which tempfile adds to the error and which means nothing to the user.
fn without_its_path(error: Error) -> Error {
    error.kind().into()
}

/// A temporary file with the permissions of a new file: 0666 minus the umask.
#[cfg(unix)]
fn beside(folder: &Path) -> std::io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
}

#[cfg(not(unix))]
fn beside(folder: &Path) -> std::io::Result<NamedTempFile> {
    NamedTempFile::new_in(folder)
}

/// Decodes a PNG of the vSphere API to RGB.
///
/// # Errors
/// A sentence.
pub(super) fn decoded(png: &[u8]) -> Result<Picture, String> {
    let mut decoder = png::Decoder::new(Cursor::new(png));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(unreadable)?;
    let size = reader.output_buffer_size().unwrap_or_default();
    if size == 0 || size > LARGEST {
        return Err(unreadable(png::DecodingError::LimitsExceeded));
    }
    let mut pixels = vec![0; size];
    let info = reader.next_frame(&mut pixels).map_err(unreadable)?;
    let (width, height) = (info.width as usize, info.height as usize);
    let pixels = pixels.get(..info.buffer_size()).unwrap_or(&pixels);
    let rgb: Vec<u8> = match info.color_type {
        png::ColorType::Rgb => pixels.to_vec(),
        png::ColorType::Rgba => {
            let pixels = pixels.as_chunks::<4>().0;
            pixels.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect()
        }
        png::ColorType::GrayscaleAlpha => {
            let pixels = pixels.as_chunks::<2>().0;
            pixels.iter().flat_map(|&[grey, _]| [grey; 3]).collect()
        }
        _ => pixels.iter().flat_map(|&grey| [grey; 3]).collect(),
    };
    Ok(Picture::from_rgb(width, height, rgb))
}

/// The text for a PNG that cannot be decoded. The decoder's own is for programmers.
fn unreadable(error: png::DecodingError) -> String {
    let cause = match error {
        png::DecodingError::IoError(error) if error.kind() != ErrorKind::UnexpectedEof => {
            vsphere::io_in_words(&error)
        }
        png::DecodingError::IoError(_) => "it ends in the middle".into(),
        png::DecodingError::Format(_) | png::DecodingError::Parameter(_) => {
            "it is no well-formed PNG".into()
        }
        png::DecodingError::LimitsExceeded => "it is larger than any screen".into(),
    };
    format!(
        "vSphere's picture cannot be read ({cause}): take it from the VM's console, with --via webmks"
    )
}

/// Limit in bytes for RGBA pixels, equal to that of a console's screen.
const LARGEST: usize = 4 << 26;

#[cfg(test)]
mod tests {
    use super::*;

    fn png() -> Vec<u8> {
        let mut png = Vec::new();
        let picture = Picture::from_rgb(2, 1, vec![1, 2, 3, 4, 5, 6]);
        picture.write_png(&mut png).unwrap();
        png
    }

    #[test]
    fn errors_of_the_png_decoder_are_in_plain_words() {
        let whole = png();
        assert!(decoded(&whole).is_ok());
        let cut = (0..whole.len() - 12).map(|length| whole[..length].to_vec());
        let flipped = (0..whole.len()).map(|at| {
            let mut bad = whole.clone();
            bad[at] ^= 0x55;
            bad
        });
        let mut huge = whole.clone();
        huge[16..24].fill(0x7f);
        let mut refused = 0;
        for bad in cut.chain(flipped).chain([huge, b"GIF89a".to_vec()]) {
            let Err(text) = decoded(&bad) else { continue };
            refused += 1;
            assert!(
                text.starts_with("vSphere's picture cannot be read (it "),
                "{text}"
            );
            for mark in ["://", "::", "{", "Other(", "Some(", "Error", "Crc", "chunk"] {
                assert!(!text.contains(mark), "{text}");
            }
        }
        assert!(refused > whole.len(), "only {refused} were refused");
    }
}

//! `known_hosts.toml`: the certificates that `mksgate trust --save` has pinned, for client commands.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use console::address::{Address, HTTPS};
use console::tls::{Thumbprint, Trust};
use toml::Spanned;

use crate::error::ConfigError;
use crate::user_files::{self, Readers};

const FILE: &str = "known_hosts.toml";

const HEADER: &str =
    "# Certificates of vSpheres, pinned by `mksgate trust ADDRESS --save`, one on each line.\n";

/// A pinned certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownHost {
    /// Host and port, as text.
    pub address: String,
    /// The digest of the certificate.
    pub thumbprint: Thumbprint,
    file: PathBuf,
    line: usize,
}

/// The certificate of a known host is not the pinned one. As text: the cause in the first line, the rest in further ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    known: KnownHost,
    got: Thumbprint,
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KnownHost {
            address,
            thumbprint,
            file,
            line,
        } = &self.known;
        let (file, got) = (file.display(), self.got);
        write!(
            f,
            "the certificate of {address} has changed: {file}, line {line}, pins another one\n\
             pinned: {thumbprint}\n\
             now:    {got}\n\
             Either the certificate was renewed, or somebody is in between and would read the password.\n\
             If the host's own screen shows the new fingerprint, pin it: `mksgate trust {address} --save --replace`"
        )
    }
}

impl KnownHost {
    /// The error for another certificate.
    pub fn changed(&self, got: Thumbprint) -> Changed {
        Changed {
            known: self.clone(),
            got,
        }
    }

    /// `FILE, line N`.
    pub fn place(&self) -> String {
        format!("{}, line {}", self.file.display(), self.line)
    }
}

/// Finds the pin of `address`.
///
/// # Errors
/// A sentence: the file cannot be read, or somebody else may have written it.
pub fn find(address: &Address) -> Result<Option<KnownHost>, String> {
    match path() {
        Some(path) => Ok(Pins::read(&path)?.find(address)),
        None => Ok(None),
    }
}

/// The result of [`save`].
pub enum Saved {
    /// The certificate is pinned now.
    Pinned(KnownHost),
    /// It was pinned before.
    Known(KnownHost),
    /// Another certificate is pinned, and was not to be replaced.
    Changed(Changed),
}

/// Pins a certificate. A pin of another certificate is replaced only with `replace`.
///
/// # Errors
/// A sentence: the file cannot be written.
pub fn save(address: &Address, thumbprint: Thumbprint, replace: bool) -> Result<Saved, String> {
    let path = path().ok_or("neither XDG_CONFIG_HOME nor HOME is set: set one")?;
    let _locked = user_files::lock_folder(&path)?;
    let mut pins = Pins::read(&path)?;
    match pins.find(address) {
        Some(known) if known.thumbprint == thumbprint => return Ok(Saved::Known(known)),
        Some(known) if !replace => return Ok(Saved::Changed(known.changed(thumbprint))),
        _ => pins.set(address, thumbprint),
    }
    user_files::replace(&path, &pins.text)?;
    let saved = Pins::read(&path)?.find(address);
    saved
        .map(Saved::Pinned)
        .ok_or_else(|| format!("{} was changed meanwhile: try again", path.display()))
}

/// A symbolic link is followed, so that it stays one when the file is replaced.
fn path() -> Option<PathBuf> {
    let path = user_files::config_folder()?.join(FILE);
    Some(path.canonicalize().unwrap_or(path))
}

/// The file's text and entries.
struct Pins {
    path: PathBuf,
    text: String,
    /// Address, thumbprint and its position in the text: only the thumbprint is replaced, so that comments stay.
    pins: Vec<(Address, Thumbprint, Range<usize>)>,
}

impl Pins {
    fn read(path: &Path) -> Result<Self, String> {
        let text = user_files::read(path, Readers::Anybody)?.unwrap_or_default();
        let pins = parse(path, &text).map_err(|error| error.to_string())?;
        Ok(Self {
            path: path.to_owned(),
            text,
            pins,
        })
    }

    fn find(&self, wanted: &Address) -> Option<KnownHost> {
        let (address, thumbprint, span) = self.pins.iter().find(|(pinned, ..)| pinned == wanted)?;
        let before = self.text.get(..span.start).unwrap_or_default();
        Some(KnownHost {
            address: address.to_string(),
            thumbprint: *thumbprint,
            file: self.path.clone(),
            line: before.matches('\n').count() + 1,
        })
    }

    fn set(&mut self, address: &Address, thumbprint: Thumbprint) {
        let pinned = self.pins.iter().find(|(pinned, ..)| pinned == address);
        match pinned {
            Some((_, _, span)) => self
                .text
                .replace_range(span.clone(), &format!("\"{thumbprint}\"")),
            None => {
                if self.text.is_empty() {
                    self.text.push_str(HEADER);
                } else if !self.text.ends_with('\n') {
                    self.text.push('\n');
                }
                // A host has no quotation marks and no backslashes.
                self.text
                    .push_str(&format!("\"{address}\" = \"{thumbprint}\"\n"));
            }
        }
    }
}

fn parse(path: &Path, text: &str) -> Result<Vec<(Address, Thumbprint, Range<usize>)>, ConfigError> {
    let pins: BTreeMap<Spanned<String>, Spanned<String>> =
        toml::from_str(text).map_err(|error| ConfigError::toml(path, text, &error))?;
    let pin = |(key, value): (Spanned<String>, Spanned<String>)| {
        let wrong = |span, sentence: &str| ConfigError::at(path, text, span, sentence);
        let address = Address::parse(&key.get_ref().to_lowercase(), HTTPS)
            .ok_or_else(|| wrong(key.span(), "this is not an address: write \"HOST:PORT\""))?;
        match Trust::parse(value.get_ref(), Path::to_path_buf) {
            Ok(Trust::Pinned(thumbprint)) => Ok((address, thumbprint, value.span())),
            _ => Err(wrong(
                value.span(),
                "this is not a fingerprint: write \"sha256:HEX\"",
            )),
        }
    };
    pins.into_iter().map(pin).collect()
}

#[cfg(test)]
mod tests {
    use message_check::assert_readable;

    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text, HTTPS).unwrap()
    }

    fn pins(text: &str) -> Result<Pins, ConfigError> {
        let path = PathBuf::from("known_hosts.toml");
        parse(&path, text).map(|pins| Pins {
            path,
            text: text.into(),
            pins,
        })
    }

    const ONE: Thumbprint = Thumbprint::Sha256([1; 32]);
    const TWO: Thumbprint = Thumbprint::Sha256([2; 32]);

    #[test]
    fn pins_are_added_and_replaced_and_comments_stay() {
        let mut file = pins("").unwrap();
        file.set(&address("esxi.example"), ONE);
        let mut file = pins(&file.text).unwrap();
        file.set(&address("[fd00::1]:8443"), ONE);
        let commented = file.text.replace("\n\"[", " # second floor\n\"[");
        let mut file = pins(&commented).unwrap();
        file.set(&address("esxi.example:443"), TWO);
        assert_eq!(
            file.text,
            format!(
                "{HEADER}\"esxi.example:443\" = \"{TWO}\" # second floor\n\"[fd00::1]:8443\" = \"{ONE}\"\n"
            )
        );
        let file = pins(&file.text).unwrap();
        let found = file.find(&address("fd00::1")).map(|known| known.line);
        assert_eq!(found, None, "another port is another host");
        let found = file.find(&address("[fd00::1]:8443")).unwrap();
        assert_eq!((found.thumbprint, found.line), (ONE, 3));
        assert_eq!(found.place(), "known_hosts.toml, line 3");
    }

    #[test]
    fn a_host_may_be_written_without_its_port() {
        let file = pins(&format!("\"ESXi.example\" = \"{ONE}\"")).unwrap();
        assert!(file.find(&address("esxi.example:443")).is_some());
    }

    #[test]
    fn mistakes_have_their_line() {
        for (text, expected) in [
            (
                "\n\"esxi\" = \"sha256:ab\"",
                "known_hosts.toml:2:10: this is not a fingerprint",
            ),
            (
                "\"esxi\" = \"danger-accept-any\"",
                "known_hosts.toml:1:10: this is not a fingerprint",
            ),
            (
                "\"a b\" = \"x\"",
                "known_hosts.toml:1:1: this is not an address",
            ),
            ("esxi = 1", "known_hosts.toml:1:8: "),
        ] {
            let error = pins(text).err().unwrap().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn a_changed_certificate_is_explained() {
        let file = pins(&format!("\"esxi.example:443\" = \"{ONE}\"\n")).unwrap();
        let known = file.find(&address("esxi.example")).unwrap();
        let error = known.changed(TWO).to_string();
        assert_readable(&error);
        assert_eq!(
            error.lines().next().unwrap(),
            "the certificate of esxi.example:443 has changed: known_hosts.toml, line 1, pins another one"
        );
        for part in [
            &format!("\npinned: {ONE}\nnow:    {TWO}\n"),
            "renewed",
            "somebody is in between",
            "`mksgate trust esxi.example:443 --save --replace`",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }
}

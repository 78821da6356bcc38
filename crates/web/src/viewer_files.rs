//! Files that native viewers open, and links to them. Pure: texts only.

use std::net::IpAddr;

use console::printable::printable;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What a viewer connects to, and the login for it.
pub(crate) struct Target<'a> {
    /// The VM's name, which may have any characters.
    pub(crate) name: &'a str,
    /// A host name, or an address without brackets.
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    /// The user name, where the password is for a method with one.
    pub(crate) user: Option<&'a str>,
    /// `None`: the port needs no login.
    pub(crate) password: Option<&'a str>,
    /// Whether the viewer has to verify a certificate.
    pub(crate) is_encrypted: bool,
}

/// Where Debian and others keep the authorities that the system trusts. Remmina verifies with a file, and none but this one is
/// known to be there.
const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

impl Target<'_> {
    /// virt-viewer's file, which `remote-viewer` deletes after reading it.
    pub(crate) fn virt_viewer(&self) -> String {
        let mut text = format!(
            "[virt-viewer]\ntype=vnc\nhost={}\nport={}\ntitle={}\n",
            self.host,
            self.port,
            value(self.name)
        );
        self.add_login(&mut text);
        text + "delete-this-file=1\n"
    }

    /// A Remmina profile. Remmina stores passwords encrypted, but takes one that it cannot decrypt as it is.
    pub(crate) fn remmina(&self) -> String {
        let mut text = format!(
            "[remmina]\nname={}\nprotocol=VNC\nserver={}:{}\nquality=9\ncolordepth=32\n",
            value(self.name),
            self.bracketed_host(),
            self.port
        );
        if self.is_encrypted {
            text += &format!("cacert={SYSTEM_AUTHORITIES}\n");
        }
        self.add_login(&mut text);
        text
    }

    /// TigerVNC's file, which can have no login.
    pub(crate) fn tigervnc(&self) -> String {
        format!(
            "TigerVNC Configuration file Version 1.0\n\nServerName={}\nShared=1\n",
            self.tigervnc_address()
        )
    }

    /// As viewers with two colons before a port number expect it: TigerVNC, TightVNC, RealVNC.
    pub(crate) fn tigervnc_address(&self) -> String {
        format!("{}::{}", self.bracketed_host(), self.port)
    }

    /// A link with the login, as macOS and Remmina take it.
    pub(crate) fn link(&self) -> String {
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let login = self.password.map_or_else(String::new, |password| {
            let user = self.user.unwrap_or_default();
            format!("{}:{}@", encoded(user), encoded(password))
        });
        format!("vnc://{login}{}:{}", self.bracketed_host(), self.port)
    }

    fn bracketed_host(&self) -> String {
        match self.host.parse() {
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            _ => self.host.to_owned(),
        }
    }

    fn add_login(&self, text: &mut String) {
        let lines = [("username", self.user), ("password", self.password)];
        for (key, given) in lines {
            if let Some(given) = given {
                *text += &format!("{key}={given}\n");
            }
        }
    }
}

/// A value in a key file of GLib. A line end or another control character of a VM's name would end the value.
fn value(text: &str) -> String {
    printable(text).trim_start().replace('\\', r"\\")
}

/// The longest file name, without its extension: some file systems allow 255 bytes with it.
const LONGEST_NAME: usize = 60;

/// A Content-Disposition that saves a file under the VM's name (RFC 6266): once in ASCII, and as it is (RFC 8187).
pub(crate) fn disposition(name: &str, extension: &str) -> String {
    // What Windows does not allow in file names, and leading dots, which hide files.
    let is_forbidden = |c: char| "<>:\"/\\|?*'%;".contains(c);
    let plain = printable(name).replace(is_forbidden, "_");
    let plain: String = plain
        .trim()
        .trim_start_matches('.')
        .chars()
        .take(LONGEST_NAME)
        .collect();
    let plain = match plain.is_empty() {
        true => "console".to_owned(),
        false => plain,
    };
    let is_kept = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let ascii = plain.replace(|c| !is_kept(c), "_");
    let encoded = utf8_percent_encode(&plain, NON_ALPHANUMERIC);
    format!("attachment; filename=\"{ascii}.{extension}\"; filename*=UTF-8''{encoded}.{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "vm\nhost=evil\r\nproxy=http://evil\n[other]\u{2028}\"a\\b' é";

    fn target(name: &str) -> Target<'_> {
        Target {
            name,
            host: "gw.example",
            port: 5901,
            user: Some("once"),
            password: Some("a-B_9"),
            is_encrypted: false,
        }
    }

    /// The keys and values that a parser of lines finds.
    fn lines(text: &str) -> Vec<(&str, &str)> {
        text.lines()
            .skip(1)
            .filter_map(|line| line.split_once('='))
            .collect()
    }

    #[test]
    fn the_file_of_virt_viewer_has_the_login_and_is_deleted() {
        let text = target("desk").virt_viewer();
        assert!(text.starts_with("[virt-viewer]\n"));
        let expected = [
            ("type", "vnc"),
            ("host", "gw.example"),
            ("port", "5901"),
            ("title", "desk"),
            ("username", "once"),
            ("password", "a-B_9"),
            ("delete-this-file", "1"),
        ];
        assert_eq!(lines(&text), expected);
    }

    #[test]
    fn a_vnc_password_has_no_user_name_and_a_port_without_login_neither() {
        let vnc = Target {
            user: None,
            ..target("desk")
        };
        assert!(!vnc.virt_viewer().contains("username="));
        assert_eq!(vnc.link(), "vnc://:a%2DB%5F9@gw.example:5901");
        let none = Target {
            password: None,
            ..vnc
        };
        assert!(!none.virt_viewer().contains("password="));
        assert_eq!(none.link(), "vnc://gw.example:5901");
    }

    #[test]
    fn remmina_verifies_a_certificate_with_the_systems_authorities() {
        let encrypted = Target {
            is_encrypted: true,
            ..target("desk")
        };
        let cacert = ("cacert", SYSTEM_AUTHORITIES);
        assert!(lines(&encrypted.remmina()).contains(&cacert));
        assert!(!lines(&target("desk").remmina()).contains(&cacert));
    }

    #[test]
    fn names_of_vms_add_no_lines() {
        for text in [target(HOSTILE).virt_viewer(), target(HOSTILE).remmina()] {
            assert_eq!(lines(&text).len(), lines(&target("x").virt_viewer()).len());
            assert_eq!(text.matches("\n[").count(), 0, "{text}");
            assert!(!text.contains('\r') && text.contains(r"a\\b' é"), "{text}");
        }
        assert!(!target(HOSTILE).tigervnc().contains("evil"));
        assert!(target(" \tspaces").remmina().contains("\nname=spaces\n"));
    }

    #[test]
    fn no_character_adds_a_line_or_ends_a_header() {
        let count = lines(&target("x").remmina()).len();
        for c in ('\0'..='\u{ffff}').chain(['\u{e0001}', '\u{1f600}']) {
            let name = format!("a{c}b=c");
            assert_eq!(lines(&target(&name).remmina()).len(), count, "{c:?}");
            let header = disposition(&name, "vv");
            let is_visible = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
            assert!(header.bytes().all(is_visible), "{c:?}: {header}");
            assert_eq!(
                header.matches(['"', ';', '\'']).count(),
                6,
                "{c:?}: {header}"
            );
        }
    }

    #[test]
    fn an_ipv6_address_has_brackets_where_a_port_follows() {
        let target = Target {
            host: "2001:db8::5",
            ..target("desk")
        };
        assert!(
            target
                .virt_viewer()
                .contains("\nhost=2001:db8::5\nport=5901\n")
        );
        assert!(target.remmina().contains("\nserver=[2001:db8::5]:5901\n"));
        assert!(
            target
                .tigervnc()
                .contains("\nServerName=[2001:db8::5]::5901\n")
        );
        assert_eq!(target.link(), "vnc://once:a%2DB%5F9@[2001:db8::5]:5901");
    }

    #[test]
    fn the_name_of_a_file_is_the_vms_without_what_would_leave_the_folder_or_the_header() {
        for (name, expected) in [
            ("desk", "filename=\"desk.vv\"; filename*=UTF-8''desk.vv"),
            ("", "filename=\"console.vv\"; filename*=UTF-8''console.vv"),
            (
                "../../x",
                "filename=\"_.._x.vv\"; filename*=UTF-8''%5F%2E%2E%5Fx.vv",
            ),
            (
                "a\"; filename=\"evil.exe",
                "filename=\"a___filename__evil.exe.vv\"",
            ),
            ("a\r\nSet-Cookie: x=y", "filename=\"aSet-Cookie_"),
            (
                "büro",
                "filename=\"b_ro.vv\"; filename*=UTF-8''b%C3%BCro.vv",
            ),
        ] {
            let text = disposition(name, "vv");
            assert!(
                text.starts_with(&format!("attachment; {expected}")),
                "{name:?}: {text}"
            );
            assert!(!text.contains(['\r', '\n']) && text.is_ascii());
            assert_eq!(text.matches('"').count(), 2, "{text}");
        }
        assert!(disposition(&"x".repeat(500), "vv").len() < 200);
    }
}

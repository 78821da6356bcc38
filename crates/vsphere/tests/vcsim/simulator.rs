//! Starts and controls vcsim.

use std::{
    env,
    io::{BufRead, BufReader, ErrorKind, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, OnceLock},
};

use rustls::pki_types::CertificateDer;
use vsphere::{Client, Settings, VmRef};

/// A running vcsim; it ends when it is dropped.
pub(crate) struct Simulator {
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    address: String,
    certificate: CertificateDer<'static>,
}

impl Simulator {
    /// `None`, and a line that says why, where there is no vcsim.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
        let Some(program) = PROGRAM.get_or_init(program) else {
            eprintln!("skipped: VCSIM is not set and there is no go to build it with");
            return None;
        };
        Some(Self::run(program, arguments))
    }

    fn run(program: &Path, arguments: &[&str]) -> Self {
        let mut process = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let commands = process.stdin.take().unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap());
        let mut ready = String::new();
        answers.read_line(&mut ready).unwrap();
        let certificate = hex(field(&ready, "certificate"));
        Self {
            address: field(&ready, "address").to_owned(),
            certificate: CertificateDer::from(certificate),
            process,
            commands,
            answers,
        }
    }

    /// Pulls a lever, and returns when it has been pulled.
    pub(crate) fn command(&mut self, words: &[&str]) {
        writeln!(self.commands, "{}", words.join("\t")).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert_eq!(answer, "ok\n", "{words:?}");
    }

    pub(crate) fn settings(&self) -> Settings {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Settings {
            name: "vcsim".into(),
            url: format!("https://{}/sdk", self.address).parse().unwrap(),
            username: "admin".into(),
            password: Some("open & <sesame>".into()),
            sessions: None,
            tls,
            proxy: None,
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.settings()).unwrap()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn named(name: &str) -> VmRef {
    VmRef::Name(name.to_owned())
}

/// The program that `VCSIM` names, or one that is built now; `None` where there is neither that nor a `go`.
fn program() -> Option<PathBuf> {
    if let Some(program) = env::var_os("VCSIM") {
        return Some(program.into());
    }
    build("go")
}

/// Builds it with that `go`; `None` where there is no such program. Anything else that goes wrong is a failure of the tests.
fn build(go: &str) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vcsim/main.go");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vcsim");
    let built = Command::new(go)
        .args(["build", "-o"])
        .args([&program, &source])
        .env("GO111MODULE", "off")
        .env("GOPATH", "/usr/share/gocode")
        .output();
    let built = match built {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        built => built.unwrap_or_else(|error| panic!("{go}: {error}")),
    };
    let reason = String::from_utf8_lossy(&built.stderr);
    assert!(
        built.status.success(),
        "vcsim does not build ({}): {reason}",
        built.status
    );
    Some(program)
}

#[test]
#[should_panic(expected = "vcsim does not build")]
fn a_simulator_that_does_not_build_fails_the_tests() {
    // It ends with a failure, whatever it is asked.
    build("false");
}

#[test]
fn a_machine_without_go_builds_no_simulator() {
    assert_eq!(build("a-go-that-is-not-installed"), None);
}

/// A string out of a flat JSON object without escapes.
fn field<'a>(json: &'a str, name: &str) -> &'a str {
    let start = format!("\"{name}\":\"");
    let value = json
        .split_once(&start)
        .and_then(|(_, rest)| rest.split_once('"'));
    value.unwrap_or_else(|| panic!("no {name} in {json:?}")).0
}

fn hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

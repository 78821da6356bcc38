//! A program that prints the URL of a console; it is started for each connection, without a shell.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rfb_proto::VncPassword;
#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncReadExt};
#[cfg(unix)]
use tokio::process::Child;
use tokio::process::Command;
use tokio::time::timeout;
use tracing::{debug, warn};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::headers::Headers;
use crate::secret::Secret;
use crate::ws_url;

/// The most that is read of its output, in bytes: a URL, and as much again of headers.
const MAX_OUTPUT: usize = 2 * ws_url::MAX;

/// The most of its standard error that is logged, in bytes.
const MAX_STDERR: usize = 1024;

/// How long the end of its pipes is waited for after the program has exited.
const GRACE: Duration = Duration::from_millis(500);

/// The line that looks like a header and is the VNC password.
const VNC_PASSWORD: &str = "VNC-Password";

/// VNC uses the first 8 bytes of a password (RFC 6143 section 7.2.2).
const VNC_PASSWORD_LENGTH: usize = 8;

/// A program and its arguments. `Debug` and `Display` leave the arguments out: they may contain a secret.
#[derive(Debug, Clone)]
pub struct UrlCommand {
    program: PathBuf,
    arguments: Secret<Vec<String>>,
}

/// What the program printed.
pub struct Output {
    /// The URL, from the first line.
    pub url: Zeroizing<String>,
    /// Headers for the upgrade request.
    pub headers: Headers,
    /// The VNC password.
    pub password: Option<Secret<VncPassword>>,
}

impl fmt::Display for UrlCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.program.file_name().unwrap_or(self.program.as_os_str());
        write!(f, "{}", name.display())
    }
}

impl UrlCommand {
    /// A program with its arguments; one without a directory is searched for in `PATH`.
    pub fn new(program: impl Into<PathBuf>, arguments: Vec<String>) -> Self {
        Self {
            program: program.into(),
            arguments: Secret::new(arguments),
        }
    }

    /// Splits `text` into a program and its arguments as a POSIX shell does; `None` where it is empty or a quote is open.
    pub fn split(text: &str) -> Option<Self> {
        let words = shlex::split(text)?;
        let (program, arguments) = words.split_first()?;
        (!program.is_empty()).then(|| Self::new(program, arguments.to_vec()))
    }

    /// Runs the program. Its first line is the URL, each further one a header `Name: value`, of which `VNC-Password` is the
    /// VNC password. Its process group is killed when this returns or the future is dropped.
    ///
    /// # Errors
    /// [`Error::UrlCommand`], which contains nothing of the output.
    pub async fn run(&self) -> Result<Output, Error> {
        let (status, output) = self
            .execute()
            .await
            .map_err(|error| Error::UrlCommand(format!("cannot be run ({error})")))?;
        let parsed = match status.success() {
            true => parse(&output),
            false => Err(format!("failed with {status}")),
        };
        parsed.map_err(Error::UrlCommand)
    }

    /// Its exit status and output. Its standard error is logged.
    async fn execute(&self) -> io::Result<(ExitStatus, Zeroizing<Vec<u8>>)> {
        let mut command = Command::new(&self.program);
        command
            .args(self.arguments.expose())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        #[cfg(unix)]
        let _group = ProcessGroup::of(&child);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        // Allocated at its full size: growing would leave copies of a secret on the heap.
        let mut output = Zeroizing::new(Vec::with_capacity(MAX_OUTPUT + 1));
        let mut errors = Vec::new();
        let status = {
            let reads = async {
                tokio::try_join!(collect(stdout, &mut output), drain(stderr, &mut errors))
            };
            let mut reads = pin!(reads);
            tokio::select! {
                read = &mut reads => {
                    read?;
                    child.wait().await?
                }
                status = child.wait() => {
                    // Its output is in the pipes already; only a child that it left running can keep them open.
                    timeout(GRACE, reads).await.unwrap_or(Ok(((), ())))?;
                    status?
                }
            }
        };
        self.log(status, &errors);
        Ok((status, output))
    }

    fn log(&self, status: ExitStatus, errors: &[u8]) {
        let stderr: String = String::from_utf8_lossy(errors)
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let stderr = stderr.trim_end();
        match status.success() {
            false => warn!(program = %self, %status, stderr, "url_command failed"),
            true => debug!(program = %self, stderr, "url_command"),
        }
    }
}

/// The program's process group, which is killed on drop. Children that called `setsid` or `setpgid` are not in it.
#[cfg(unix)]
struct ProcessGroup(Option<Pid>);

#[cfg(unix)]
impl ProcessGroup {
    /// The group that `child` leads.
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(id.cast_signed())))
    }
}

#[cfg(unix)]
impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Fails where no process is left. While one is, its process group id is not reused.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Reads standard output, with an error beyond [`MAX_OUTPUT`].
async fn collect(
    pipe: Option<impl AsyncRead + Unpin>,
    output: &mut Zeroizing<Vec<u8>>,
) -> io::Result<()> {
    let limit = u64::try_from(MAX_OUTPUT + 1).unwrap_or(u64::MAX);
    if let Some(pipe) = pipe {
        pipe.take(limit).read_to_end(output).await?;
    }
    match output.len() {
        ..=MAX_OUTPUT => Ok(()),
        _ => Err(io::Error::other("its output is too long")),
    }
}

/// Reads standard error to its end and keeps the beginning: a full pipe would block the program.
async fn drain(pipe: Option<impl AsyncRead + Unpin>, errors: &mut Vec<u8>) -> io::Result<()> {
    let Some(mut pipe) = pipe else { return Ok(()) };
    let mut block = vec![0; 4096];
    loop {
        let count = pipe.read(&mut block).await?;
        let space = MAX_STDERR.saturating_sub(errors.len());
        errors.extend_from_slice(block.get(..count.min(space)).unwrap_or_default());
        if count == 0 {
            return Ok(());
        }
    }
}

/// Parses the program's output.
fn parse(output: &[u8]) -> Result<Output, String> {
    let text = str::from_utf8(output).map_err(|_| "printed output that is not UTF-8")?;
    let (url, more) = text.split_once('\n').unwrap_or((text, ""));
    if url.trim().is_empty() {
        return Err("printed no URL on its first line".into());
    }
    let mut headers = Headers::default();
    headers
        .read(2, more)
        .map_err(|error| format!("printed an invalid header ({error})"))?;
    let password = headers.take(VNC_PASSWORD).map(|text| {
        let text = text.expose_secret();
        VncPassword::new(text.get(..VNC_PASSWORD_LENGTH).unwrap_or(text)).map(Secret::new)
    });
    Ok(Output {
        url: url.trim().to_owned().into(),
        headers,
        password: password
            .transpose()
            .map_err(|error| format!("printed an invalid {VNC_PASSWORD} ({error})"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_line_is_the_url_and_further_lines_are_headers_and_the_password() {
        let text = b"wss://h/x\r\nCookie: a=b\r\n\n# why\nvnc-password: PVEVNC:6543210\n";
        let answer = parse(text).unwrap();
        assert_eq!(answer.url.as_str(), "wss://h/x");
        let headers: Vec<_> = answer
            .headers
            .iter()
            .map(|(name, value)| (name, value.expose_secret()))
            .collect();
        assert_eq!(headers, [("Cookie", "a=b")]);
        let expected = VncPassword::new("PVEVNC:6").unwrap().respond(&[7; 16]);
        assert_eq!(
            answer.password.unwrap().expose().respond(&[7; 16]),
            expected
        );
        for alone in [&b"wss://h"[..], b"wss://h\n", b" wss://h \n\n"] {
            let answer = parse(alone).unwrap();
            assert!(answer.url.as_str() == "wss://h" && answer.password.is_none());
            assert_eq!(answer.headers.iter().count(), 0);
        }
    }

    #[test]
    fn invalid_output_is_refused_and_not_repeated() {
        for (answer, words) in [
            (&b""[..], "no URL"),
            (b"\nwss://h", "no URL"),
            (b"\xff\xfe", "not UTF-8"),
            (b"wss://h\ns3cr3t", "line 2: expected \"Name: value\""),
            (
                b"wss://h\n\nCookie: gehe\x07im",
                "line 3: the value of the header Cookie",
            ),
            (
                b"wss://h\nVNC-Password:",
                "line 2: the value of the header VNC-Password is empty",
            ),
            (
                b"wss://h\nHost: s3cr3t",
                "line 2: the header Host is sent by mksgate itself",
            ),
        ] {
            let error = parse(answer).map(|_| ()).unwrap_err();
            assert!(error.contains(words) && !error.contains("gehe"), "{error}");
        }
    }
}

//! A program that prints the URL of a console: started for each connection, without a shell.

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

use super::headers::Headers;
use super::ws_url;
use crate::error::Error;
use crate::secret::Secret;

/// The most that is read of what it prints, in bytes: a URL, and as much again of headers.
const MAX_ANSWER: usize = 2 * ws_url::MAX;

/// The most of what it has to complain about that is logged, in bytes.
const MAX_COMPLAINT: usize = 1024;

/// How long is waited for the pipes' end once the program has ended.
const GRACE: Duration = Duration::from_millis(500);

/// What looks like a header and is the VNC password.
const VNC_PASSWORD: &str = "VNC-Password";

/// How many bytes of it VNC looks at (RFC 6143 section 7.2.2).
const VNC_PASSWORD_LENGTH: usize = 8;

/// A program and its arguments, which are not printed: they may hold a secret.
#[derive(Debug, Clone)]
pub struct UrlCommand {
    program: PathBuf,
    arguments: Secret<Vec<String>>,
}

/// What it prints.
pub struct Answer {
    /// The first line.
    pub url: Zeroizing<String>,
    /// For the request.
    pub headers: Headers,
    /// For RFB.
    pub password: Option<Secret<VncPassword>>,
}

impl fmt::Display for UrlCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.program.file_name().unwrap_or(self.program.as_os_str());
        write!(f, "{}", name.display())
    }
}

impl UrlCommand {
    /// `program` is looked for in `PATH` where it is a name alone.
    pub fn new(program: impl Into<PathBuf>, arguments: Vec<String>) -> Self {
        Self {
            program: program.into(),
            arguments: Secret::new(arguments),
        }
    }

    /// A program and its arguments in one text, split as a shell does; `None` where that is none.
    pub fn split(text: &str) -> Option<Self> {
        let words = shlex::split(text)?;
        let (program, arguments) = words.split_first()?;
        (!program.is_empty()).then(|| Self::new(program, arguments.to_vec()))
    }

    /// Runs it: its first line is the URL, each further one a header as `Name: value`, of which `VNC-Password` is
    /// the password for RFB. It and whatever it has started have ended when this has, or when the future is dropped.
    ///
    /// # Errors
    /// [`Error::UrlCommand`]. Nothing of what was printed is in it.
    pub async fn run(&self) -> Result<Answer, Error> {
        let (status, answer) = self
            .hear()
            .await
            .map_err(|error| Error::UrlCommand(format!("cannot be used ({error})")))?;
        let how = match status.success() {
            true => read(&answer),
            false => Err(format!("failed with {status}")),
        };
        how.map_err(Error::UrlCommand)
    }

    /// How it ended and what it printed. Its complaints are for the log.
    async fn hear(&self) -> io::Result<(ExitStatus, Zeroizing<Vec<u8>>)> {
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
        let _until_it_is_heard = Group::of(&child);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        // Large enough from the start: a buffer that grows leaves copies behind.
        let mut answer = Zeroizing::new(Vec::with_capacity(MAX_ANSWER + 1));
        let mut complaint = Vec::new();
        let status = {
            let heard = async {
                tokio::try_join!(collect(stdout, &mut answer), drain(stderr, &mut complaint))
            };
            let mut heard = pin!(heard);
            tokio::select! {
                all = &mut heard => {
                    all?;
                    child.wait().await?
                }
                status = child.wait() => {
                    // What it had to say is in the pipes already; only something that it has left running
                    // may hold them open.
                    timeout(GRACE, heard).await.unwrap_or(Ok(((), ())))?;
                    status?
                }
            }
        };
        self.log(status, &complaint);
        Ok((status, answer))
    }

    fn log(&self, status: ExitStatus, complaint: &[u8]) {
        let said: String = String::from_utf8_lossy(complaint)
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let said = said.trim_end();
        match status.success() {
            false => warn!(program = %self, %status, said, "url_command failed"),
            true => debug!(program = %self, said, "url_command"),
        }
    }
}

/// A program and all that it has started, as far as that has not made itself independent (`setsid`). Dropping it ends them.
#[cfg(unix)]
struct Group(Option<Pid>);

#[cfg(unix)]
impl Group {
    /// The group that `child` leads.
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(id.cast_signed())))
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Ignored on purpose: nothing of it may be left. While something is, nobody else has its number.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// All that it prints.
async fn collect(
    pipe: Option<impl AsyncRead + Unpin>,
    answer: &mut Zeroizing<Vec<u8>>,
) -> io::Result<()> {
    let limit = u64::try_from(MAX_ANSWER + 1).unwrap_or(u64::MAX);
    if let Some(pipe) = pipe {
        pipe.take(limit).read_to_end(answer).await?;
    }
    match answer.len() {
        ..=MAX_ANSWER => Ok(()),
        _ => Err(io::Error::other("it prints more than a URL")),
    }
}

/// All that it has to complain about, of which the beginning is kept.
async fn drain(pipe: Option<impl AsyncRead + Unpin>, complaint: &mut Vec<u8>) -> io::Result<()> {
    let Some(mut pipe) = pipe else { return Ok(()) };
    let mut block = vec![0; 4096];
    loop {
        let count = pipe.read(&mut block).await?;
        let room = MAX_COMPLAINT.saturating_sub(complaint.len());
        complaint.extend_from_slice(block.get(..count.min(room)).unwrap_or_default());
        if count == 0 {
            return Ok(());
        }
    }
}

/// The URL on the first line, and what the others say.
fn read(answer: &[u8]) -> Result<Answer, String> {
    let text = str::from_utf8(answer).map_err(|_| "printed what is no text")?;
    let (url, more) = text.split_once('\n').unwrap_or((text, ""));
    if url.trim().is_empty() {
        return Err("printed no URL on its first line".into());
    }
    let mut headers = Headers::default();
    headers
        .read(2, more)
        .map_err(|error| format!("printed what is of no use ({error})"))?;
    let password = headers.take(VNC_PASSWORD).map(|text| {
        let text = text.expose_secret();
        VncPassword::new(text.get(..VNC_PASSWORD_LENGTH).unwrap_or(text)).map(Secret::new)
    });
    Ok(Answer {
        url: url.trim().to_owned().into(),
        headers,
        password: password
            .transpose()
            .map_err(|error| format!("printed a useless {VNC_PASSWORD} ({error})"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_url_and_the_others_are_headers_and_the_password() {
        let text = b"wss://h/x\r\nCookie: a=b\r\n\n# why\nvnc-password: PVEVNC:6543210\n";
        let answer = read(text).unwrap();
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
            let answer = read(alone).unwrap();
            assert!(answer.url.as_str() == "wss://h" && answer.password.is_none());
            assert_eq!(answer.headers.iter().count(), 0);
        }
    }

    #[test]
    fn anything_else_is_refused_in_words_that_repeat_nothing() {
        for (answer, words) in [
            (&b""[..], "no URL"),
            (b"\nwss://h", "no URL"),
            (b"\xff\xfe", "no text"),
            (b"wss://h\ngeheim", "line 2: it is no \"Name: value\""),
            (
                b"wss://h\n\nCookie: gehe\x07im",
                "line 3: the value of the header Cookie",
            ),
            (
                b"wss://h\nVNC-Password:",
                "line 2: the value of the header VNC-Password is empty",
            ),
            (
                b"wss://h\nHost: geheim",
                "line 2: the header Host is not for you to set",
            ),
        ] {
            let error = read(answer).map(|_| ()).unwrap_err();
            assert!(error.contains(words) && !error.contains("gehe"), "{error}");
        }
    }
}

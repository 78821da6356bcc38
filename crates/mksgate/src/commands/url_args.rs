//! Options for a console at a URL; they mean the same as the keys of a `[[console]]` with a URL.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use rfb_proto::VncPassword;
use secrecy::{ExposeSecret, SecretString};

use super::CommandError;
use config::{parse_duration, secret_file, secret_variables};
use console::endpoint::{self, Endpoint, Origin};
use console::headers::{COOKIE, Headers};
use console::secret::Secret;
use console::tls::Trust;
use console::url_command::UrlCommand;
use console::ws_url::WsUrl;
use gateway::settings::Limits;

#[derive(Args)]
#[command(next_help_heading = "A console at a URL, in place of a VM")]
pub(crate) struct UrlArgs {
    #[command(flatten)]
    origin: UrlOrCommand,
    /// How the host's certificate is verified: system, webpki, file:PATH, sha256:HEX or danger-accept-any [default: system]
    #[arg(long, requires = ORIGIN)]
    trust: Option<String>,
    /// WebSocket subprotocol to request: binary, none, or another name [default: binary]
    #[arg(long, value_name = "WORD", requires = ORIGIN)]
    subprotocol: Option<String>,
    /// Header of the WebSocket request; may be repeated. Other users of this machine can read it
    #[arg(long = "header", value_name = "NAME: VALUE", requires = ORIGIN)]
    headers: Vec<String>,
    /// Header with its value in an environment variable; may be repeated
    #[arg(long = "header-env", value_name = "NAME=VARIABLE", requires = ORIGIN)]
    headers_env: Vec<String>,
    /// File with headers, one NAME: VALUE per line; must be readable by you only
    #[arg(long, value_name = "FILE", requires = ORIGIN)]
    headers_file: Option<PathBuf>,
    /// Cookie header of the WebSocket request. Other users of this machine can read it
    #[arg(long, requires = ORIGIN, conflicts_with_all = ["cookie_file", "cookie_env"])]
    cookie: Option<String>,
    /// File with the cookie in its first line; must be readable by you only
    #[arg(long, value_name = "FILE", requires = ORIGIN, conflicts_with = "cookie_env")]
    cookie_file: Option<PathBuf>,
    /// Environment variable with the cookie
    #[arg(long, value_name = "VARIABLE", requires = ORIGIN)]
    cookie_env: Option<String>,
    /// File with the server's VNC password in its first line; must be readable by you only
    #[arg(long, value_name = "FILE", requires = ORIGIN, conflicts_with = "password_env")]
    password_file: Option<PathBuf>,
    /// Environment variable with the server's VNC password
    #[arg(long, value_name = "VARIABLE", requires = ORIGIN)]
    password_env: Option<String>,
    /// Allow ws:// to other machines: attackers on the network can read and change everything
    #[arg(long, requires = ORIGIN)]
    allow_plain: bool,
    /// Time limit for opening the console [default: 30s]
    #[arg(long, value_name = "TIME", requires = ORIGIN)]
    handshake_timeout: Option<String>,
}

/// The source of the URL.
#[derive(Args)]
#[group(id = ORIGIN, multiple = false)]
struct UrlOrCommand {
    /// URL of the console: wss://HOST:PORT/PATH, or ws:// on this machine; --against means the same. Other users of this
    /// machine can read it
    #[arg(long, visible_alias = "against", value_name = "URL")]
    url: Option<String>,
    /// Command that prints a URL for each connection; split into arguments as by a shell, but run without one
    #[arg(long, value_name = "COMMAND")]
    url_command: Option<String>,
}

/// The argument group that the other options require.
pub(super) const ORIGIN: &str = "origin";

impl UrlArgs {
    /// Whether a URL or a command that prints one is given.
    pub(super) const fn is_given(&self) -> bool {
        self.origin.url.is_some() || self.origin.url_command.is_some()
    }

    /// The endpoint and its handshake timeout; `None` without a URL.
    pub(super) fn endpoint(&self) -> Result<Option<(Endpoint, Duration)>, CommandError> {
        let Some(origin) = self.origin()? else {
            return Ok(None);
        };
        let console = self
            .with_origin(origin)
            .and_then(|endpoint| Ok(Some((endpoint, self.timeout()?))));
        console.map_err(CommandError::Usage)
    }

    fn origin(&self) -> Result<Option<Origin>, CommandError> {
        let origin = match (&self.origin.url, &self.origin.url_command) {
            (Some(url), _) => self.url(url).map(Origin::Fixed),
            (None, Some(command)) => UrlCommand::split(command).map(Origin::Command).ok_or(
                "--url-command is not a command: write \"PROGRAM ARGUMENT\", with each quote closed",
            ),
            (None, None) => return Ok(None),
        };
        let usage = |error: &str| CommandError::Usage(error.into());
        origin.map(Some).map_err(usage)
    }

    fn url(&self, text: &str) -> Result<WsUrl, &'static str> {
        match WsUrl::parse(text)? {
            exposed if exposed.is_exposed && !self.allow_plain => Err(
                "ws:// to another machine can be read and changed on the way: write wss://, or add --allow-plain",
            ),
            url => Ok(url),
        }
    }

    fn with_origin(&self, origin: Origin) -> Result<Endpoint, String> {
        let mut endpoint = Endpoint {
            trust: self.trust(&origin)?,
            headers: self.headers()?,
            password: vnc_password(self.password_file.as_ref(), self.password_env.as_ref())?,
            allow_plain: self.allow_plain,
            ..Endpoint::new(origin)
        };
        if let Some(word) = &self.subprotocol {
            endpoint.subprotocol = endpoint::subprotocol(word)?;
        }
        Ok(endpoint)
    }

    /// ws:// has no certificate to verify.
    fn trust(&self, origin: &Origin) -> Result<Trust, String> {
        match (&self.trust, origin) {
            (None, _) => Ok(Trust::System),
            (Some(_), Origin::Fixed(url)) if !url.encrypted => Err(
                "--trust has no effect with ws://, which has no certificate: leave it out, or write wss://".into(),
            ),
            (Some(word), _) => Trust::parse(word, Path::to_path_buf),
        }
    }

    /// Headers from arguments, environment and file, and the cookie.
    fn headers(&self) -> Result<Headers, String> {
        let mut headers = Headers::default();
        for header in &self.headers {
            let (name, value) = header
                .split_once(':')
                .ok_or("--header takes \"NAME: VALUE\", with a colon between them")?;
            headers.add(name.trim(), value.trim().into())?;
        }
        for header in &self.headers_env {
            let (name, variable) = header.split_once('=').ok_or(
                "--header-env takes NAME=VARIABLE, the name of a variable and not the value itself",
            )?;
            let value = secret_variables::read(variable, "value of the header")?;
            headers.add(name, value)?;
        }
        if let Some(file) = &self.headers_file {
            secret_file::read_headers(file, &mut headers).map_err(in_file(file))?;
        }
        let cookie = match &self.cookie {
            Some(cookie) => Some(cookie.as_str().into()),
            None => read_secret(
                self.cookie_file.as_ref(),
                self.cookie_env.as_ref(),
                "cookie",
            )?,
        };
        if let Some(cookie) = cookie {
            headers.add(COOKIE, cookie)?;
        }
        Ok(headers)
    }

    fn timeout(&self) -> Result<Duration, String> {
        match &self.handshake_timeout {
            None => Ok(Limits::default().handshake_timeout),
            Some(text) => match parse_duration(text)? {
                Duration::ZERO => Err(
                    "--handshake-timeout 0s leaves no time to connect: write 30s, or leave it out"
                        .into(),
                ),
                timeout => Ok(timeout),
            },
        }
    }
}

/// A VNC password from a file or an environment variable.
pub(super) fn vnc_password(
    file: Option<&PathBuf>,
    variable: Option<&String>,
) -> Result<Option<Secret<VncPassword>>, String> {
    let Some(text) = read_secret(file, variable, "password")? else {
        return Ok(None);
    };
    let password = VncPassword::new(text.expose_secret()).map_err(|error| error.to_string())?;
    Ok(Some(Secret::new(password)))
}

/// A secret from a file or an environment variable; `what` names it in errors.
fn read_secret(
    file: Option<&PathBuf>,
    variable: Option<&String>,
    what: &str,
) -> Result<Option<SecretString>, String> {
    match (file, variable) {
        (Some(file), _) => secret_file::read_line(file)
            .map(Some)
            .map_err(in_file(file)),
        (None, Some(variable)) => secret_variables::read(variable, what).map(Some),
        (None, None) => Ok(None),
    }
}

fn in_file(file: &Path) -> impl Fn(String) -> String {
    let shown = file.display().to_string();
    move |error| format!("{shown}: {error}")
}

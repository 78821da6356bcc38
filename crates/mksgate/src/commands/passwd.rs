//! `mksgate passwd`: prints a line for the users file, or a new key of the API and a line for its keys file.

use std::io::{BufRead, IsTerminal, Read, stdin};

use clap::Args;
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::{CommandError, print};
use gateway::{api_keys, hashing, users};
use terminal::{print_stderr, read_password};

/// VeNCrypt's limit (see `rfb_proto::MAX_CREDENTIAL`).
const MAX_LENGTH: usize = rfb_proto::MAX_CREDENTIAL;

/// Environment variable with the login name.
const LOGIN: &str = if cfg!(windows) { "USERNAME" } else { "USER" };

#[derive(Args)]
pub(crate) struct Options {
    /// Name of the user, or of the key [default: the current user]
    #[arg(value_name = "NAME")]
    user: Option<String>,
    /// Make a key of the page's API: its line for api_keys_file goes to stdout, the key itself to stderr, once
    #[arg(long, requires = "user")]
    api: bool,
}

/// Prompts twice on a terminal; otherwise reads the first line of stdin.
pub(crate) fn run(options: Options) -> Result<(), CommandError> {
    let user = options
        .user
        .or_else(|| std::env::var(LOGIN).ok().filter(|name| !name.is_empty()))
        .ok_or_else(|| {
            CommandError::Usage(format!("{LOGIN} is not set: write mksgate passwd NAME"))
        })?;
    users::check_name(&user).map_err(CommandError::Usage)?;
    if options.api {
        let (key, line) = api_keys::generate(&user).map_err(CommandError::failed)?;
        print(format!("{line}\n"))?;
        print_stderr(format!("The key of {user}, which is not shown again:"));
        print_stderr(key.as_str());
        return Ok(());
    }
    let password = if stdin().is_terminal() {
        ask_twice(&user)?
    } else {
        first_line()?
    };
    if password.is_empty() || password.len() > MAX_LENGTH {
        return Err(CommandError::Usage(format!(
            "the password must have 1 to {MAX_LENGTH} bytes: choose another"
        )));
    }
    let hash = hashing::hash(password.as_bytes()).map_err(CommandError::failed)?;
    print(format!("{user}:{hash}\n"))
}

fn ask_twice(user: &str) -> Result<Zeroizing<String>, CommandError> {
    let ask = |prompt: String| {
        read_password(&prompt)
            .map(|typed| Zeroizing::new(typed.expose_secret().to_owned()))
            .map_err(|error| CommandError::failed(format!("cannot read the password ({error})")))
    };
    let first = ask(format!("Password for {user}: "))?;
    let second = ask("Repeat the password: ".into())?;
    match first == second {
        true => Ok(first),
        false => Err(CommandError::Usage(
            "the two passwords differ: try again".into(),
        )),
    }
}

fn first_line() -> Result<Zeroizing<String>, CommandError> {
    // Capacity for the limit, one byte more to detect excess, and CRLF: no reallocation leaves a copy in memory.
    let mut line = Zeroizing::new(String::with_capacity(MAX_LENGTH + 4));
    let limit = u64::try_from(MAX_LENGTH + 3).unwrap_or(u64::MAX);
    stdin()
        .lock()
        .take(limit)
        .read_line(&mut line)
        .map_err(|error| CommandError::failed(format!("cannot read the password ({error})")))?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(line)
}

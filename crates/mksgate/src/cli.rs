//! The command line: what was typed, and the exit code that it earns.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{CommandError, check, demo, passwd, relay, serve, trust, vms};
use crate::config::Config;
use crate::log::LogFormat;
use crate::{environment, log};

/// Where the configuration is looked for, in this order, unless it is named.
const CONFIG_PATHS: [&str; 2] = ["gateway.toml", "/etc/mksgate/gateway.toml"];

/// The name of os-autoinst's program that does what `relay` does.
const RELAYS_OTHER_NAME: &str = "dewebsockify";

/// It failed.
const FAILED: u8 = 1;
/// The command line or the configuration is wrong; nothing was tried.
const USAGE: u8 = 2;

/// A plain VNC port for every ESXi virtual machine console.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Cli {
    /// The configuration [default: ./gateway.toml, else /etc/mksgate/gateway.toml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How the log on stderr is written
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    log: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway
    Serve,
    /// Read the configuration, log in to every vSphere and look up every console
    Check(check::Options),
    /// List virtual machines
    Vms(vms::Options),
    /// Hash a password and print the line to put into the users file
    Passwd(passwd::Options),
    /// Show the certificate that a host presents, and the line that trusts exactly it
    Trust(trust::Options),
    /// Put one WebSocket behind a TCP port, with the options of os-autoinst's dewebsockify
    Relay(relay::Options),
    /// Run a simulated ESXi and a gateway in front of it, to point any VNC viewer at
    Demo(demo::Options),
}

impl Command {
    /// What is logged: of a command that answers on stdout and tells its failure in one line, nothing.
    const fn level(&self) -> &'static str {
        match self {
            Self::Serve | Self::Demo(_) => "info",
            Self::Relay(options) => options.level(),
            _ => "off",
        }
    }
}

/// Runs the program: reads the command line, does what it says, and tells how that went.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse_from(arguments()) {
        Ok(cli) => cli,
        // Help and version are asked for; anything else is a usage error.
        Err(error) => {
            let asked = !error.use_stderr();
            // Ignored on purpose: there is nowhere else to write to.
            let _ = error.print();
            return if asked {
                ExitCode::SUCCESS
            } else {
                USAGE.into()
            };
        }
    };
    log::start(cli.log, cli.command.level());
    let (sentence, code) = match execute(cli) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(CommandError::Config(error)) => (error.to_string(), USAGE),
        Err(CommandError::Usage(sentence)) => (sentence, USAGE),
        Err(CommandError::Failed(sentence)) => (sentence, FAILED),
    };
    eprintln!("mksgate: {sentence}");
    code.into()
}

/// What was typed. Called by the name of the program that `relay` stands in for, that is what it does: openQA has
/// no place to say more than a program's name.
fn arguments() -> Vec<OsString> {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    let name = words.first().map(Path::new).and_then(Path::file_stem);
    if name.is_some_and(|name| name == RELAYS_OTHER_NAME) {
        words.insert(1, "relay".into());
    }
    words
}

fn execute(cli: Cli) -> Result<(), CommandError> {
    let command: std::pin::Pin<Box<dyn Future<Output = _>>> = match cli.command {
        Command::Serve => {
            let path = configuration(cli.config)?;
            Box::pin(serve::run(Config::load(&path)?, path))
        }
        Command::Check(options) => Box::pin(check::run(
            options,
            Config::load(&configuration(cli.config)?)?,
        )),
        Command::Vms(options) => {
            Box::pin(vms::run(options, configuration_or_environment(cli.config)?))
        }
        Command::Passwd(options) => return passwd::run(options),
        Command::Trust(options) => Box::pin(trust::run(options)),
        Command::Relay(options) => Box::pin(relay::run(options)),
        Command::Demo(options) => Box::pin(demo::run(options)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::Failed(format!("cannot start ({error})")))?;
    runtime.block_on(command)
}

/// Where the configuration is.
fn configuration(named: Option<PathBuf>) -> Result<PathBuf, CommandError> {
    let found = || {
        CONFIG_PATHS
            .iter()
            .map(PathBuf::from)
            .find(|path| path.exists())
    };
    named.or_else(found).ok_or_else(|| {
        let [here, etc] = CONFIG_PATHS;
        CommandError::Usage(format!(
            "there is no ./{here} and no {etc}: write one, or name it with --config"
        ))
    })
}

/// For commands that can do without a configuration: the one that is named or found, else what `GOVC_URL`
/// and its companions say.
fn configuration_or_environment(named: Option<PathBuf>) -> Result<Config, CommandError> {
    match (configuration(named), environment::vsphere()) {
        (Ok(path), _) => Ok(Config::load(&path)?),
        (Err(_), Some(vsphere)) => Ok(Config::of_one(
            environment::NAME,
            vsphere.map_err(CommandError::Usage)?,
        )),
        (Err(CommandError::Usage(sentence)), None) => {
            Err(CommandError::Usage(format!("{sentence}, or set GOVC_URL")))
        }
        (Err(error), None) => Err(error),
    }
}

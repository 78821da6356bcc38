//! The command line: what was typed, and the exit code that it earns.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::commands::{demo, serve};
use crate::config::{Config, ConfigError};
use crate::{StartError, log};

/// Where the configuration is looked for, in this order, unless it is named.
const CONFIG_PATHS: [&str; 2] = ["gateway.toml", "/etc/mksgate/gateway.toml"];

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

/// How a log line is written.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway
    Serve,
    /// Run a simulated ESXi and a gateway in front of it, to point any VNC viewer at
    Demo(demo::Options),
}

/// Why a command failed.
pub(crate) enum CommandError {
    /// The configuration is wrong.
    Config(ConfigError),
    /// What was asked for cannot be done as asked.
    Usage(String),
    /// It was tried and failed.
    Failed(String),
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<StartError> for CommandError {
    fn from(error: StartError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Runs the program: reads the command line, does what it says, and tells how that went.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
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
    log::start(cli.log);
    let (sentence, code) = match execute(cli) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(CommandError::Config(error)) => (error.to_string(), USAGE),
        Err(CommandError::Usage(sentence)) => (sentence, USAGE),
        Err(CommandError::Failed(sentence)) => (sentence, FAILED),
    };
    eprintln!("mksgate: {sentence}");
    code.into()
}

fn execute(cli: Cli) -> Result<(), CommandError> {
    let config = || load(cli.config);
    let command: std::pin::Pin<Box<dyn Future<Output = _>>> = match cli.command {
        Command::Serve => Box::pin(serve::run(config()?)),
        Command::Demo(options) => Box::pin(demo::run(options)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::Failed(format!("cannot start ({error})")))?;
    runtime.block_on(command)
}

fn load(named: Option<PathBuf>) -> Result<Config, CommandError> {
    let found = CONFIG_PATHS
        .iter()
        .map(PathBuf::from)
        .find(|path| path.exists());
    match named.or(found) {
        Some(path) => Ok(Config::load(&path)?),
        None => {
            let [here, etc] = CONFIG_PATHS;
            Err(CommandError::Usage(format!(
                "there is no ./{here} and no {etc}: write one, or name it with --config"
            )))
        }
    }
}

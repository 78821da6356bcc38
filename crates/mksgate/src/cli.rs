//! The command line: what was typed, and the exit code that it earns.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::CompleteEnv;

#[cfg(feature = "demo")]
use crate::commands::demo;
#[cfg(unix)]
use crate::commands::serve;
use crate::commands::{
    CommandError, check, completions, configuration, connect, keys, man, passwd, probe, relay,
    screenshot, trust, type_text, vms,
};
use gateway::settings::Config;

use crate::config;
use crate::log;
use crate::log::LogFormat;
use crate::terminal::{Terminal, print_stderr};
use crate::usage_error::OneLine;

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
    /// Say nothing but answers and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Show the log of a command that otherwise only answers, in place of the spinner
    #[arg(long, short, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    VmCommand(VmCommand),
    /// Run the gateway
    #[cfg(unix)]
    Serve,
    /// Read the configuration, log in to every vSphere and look up every console
    ///
    /// Ends with 1 where a console cannot be had. A VM that is off has its console as soon as it runs: that is told, and is
    /// no failure.
    Check(check::Options),
    /// Hash a password and print the line to put into the users file
    Passwd(passwd::Options),
    /// Show the certificate that a host presents, and the line that trusts exactly it
    Trust(trust::Options),
    /// Put one WebSocket behind a TCP port, with the options of os-autoinst's dewebsockify
    Relay(relay::Options),
    /// Run a simulated ESXi and a gateway in front of it, to point any VNC viewer at
    #[cfg(feature = "demo")]
    Demo(demo::Options),
    /// Print the script that lets a shell complete this command line, names of VMs included
    Completions(completions::Options),
    /// Print the manual page, or write one for each command
    Man(man::Options),
}

/// What is done once, without a daemon: a configuration, or what `GOVC_URL` and its companions say, is enough; for a console
/// at a URL, neither.
#[derive(Subcommand)]
enum VmCommand {
    /// Open a console: log in, take a ticket, and start the viewer that is installed
    Connect(connect::Options),
    /// List virtual machines
    Vms(vms::Options),
    /// Go the way to a console step by step, and tell what is found and how long it takes
    Probe(probe::Options),
    /// Save what a console shows as a PNG
    Screenshot(screenshot::Options),
    /// Type text on a console's keyboard
    Type(type_text::Options),
    /// Press keys on a console's keyboard, as in ctrl-alt-del
    Keys(keys::Options),
}

impl Command {
    /// What is logged: of a command that answers on stdout and tells its failure in one line, nothing.
    const fn level(&self) -> &'static str {
        match self {
            #[cfg(unix)]
            Self::Serve => "info",
            #[cfg(feature = "demo")]
            Self::Demo(_) => "info",
            Self::Relay(options) => options.level(),
            _ => "off",
        }
    }
}

/// Runs the program: reads the command line, does what it says, and tells how that went.
pub fn run() -> ExitCode {
    completions::remember_shell();
    // Where a shell asks, this answers and ends the program.
    CompleteEnv::with_factory(Cli::command)
        .var(completions::VARIABLE)
        .complete();
    let cli = match Cli::try_parse_from(arguments()) {
        Ok(cli) => cli,
        Err(error) => return report_clap_error(error),
    };
    let level = match cli.command.level() {
        "off" if cli.verbose => "info",
        level => level,
    };
    let terminal = Terminal {
        quiet: cli.quiet,
        shows_log: log::start(cli.log, level),
    };
    let (sentence, code) = match execute(cli, terminal) {
        Ok(code) => return code,
        Err(CommandError::Config(error)) => (error.to_string(), USAGE),
        Err(CommandError::Usage(sentence)) => (sentence, USAGE),
        Err(CommandError::Failed(sentence)) => (sentence, FAILED),
        Err(CommandError::Reported) => return FAILED.into(),
        Err(CommandError::Signalled(by)) => return by.exit_code().into(),
    };
    print_stderr(format!("mksgate: {sentence}"));
    code.into()
}

/// Help and version are asked for; anything else is a usage error.
fn report_clap_error(error: clap::Error) -> ExitCode {
    let code = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        // Whoever types a name alone wants to know what there is.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => USAGE.into(),
        _ => {
            print_stderr(format!("mksgate: {}", error.apply::<OneLine>().render()));
            return USAGE.into();
        }
    };
    // Ignored on purpose: there is nowhere else to write to.
    let _ = error.print();
    code
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

fn execute(cli: Cli, terminal: Terminal) -> Result<ExitCode, CommandError> {
    let config = cli.config;
    match cli.command {
        Command::Completions(options) => done(completions::run(&options)),
        Command::Man(options) => done(man::run(options, Cli::command())),
        Command::Passwd(options) => done(passwd::run(options)),
        Command::Trust(options) => done(block_on(trust::run(options))),
        Command::Relay(options) => done(block_on(relay::run(options))),
        #[cfg(feature = "demo")]
        Command::Demo(options) => done(block_on(demo::run(options))),
        #[cfg(unix)]
        Command::Serve => {
            let path = configuration::path(config)?;
            done(block_on(serve::run(config::load(&path)?, path)))
        }
        Command::Check(options) => {
            let config = config::load(&configuration::path(config)?)?;
            done(block_on(check::run(options, config, terminal)))
        }
        Command::VmCommand(command) => {
            command.execute(|| configuration::or_environment(config, terminal), terminal)
        }
    }
}

impl VmCommand {
    /// Two of them may do without a VM, and then without a configuration.
    fn execute(
        self,
        config: impl FnOnce() -> Result<Config, CommandError>,
        terminal: Terminal,
    ) -> Result<ExitCode, CommandError> {
        match self {
            Self::Connect(options) => block_on(connect::run(options, config, terminal)),
            Self::Probe(options) => done(block_on(probe::run(options, config, terminal))),
            Self::Vms(options) => done(block_on(vms::run(options, config()?, terminal))),
            Self::Screenshot(options) => {
                done(block_on(screenshot::run(options, config()?, terminal)))
            }
            Self::Type(options) => done(block_on(type_text::run(options, config()?, terminal))),
            Self::Keys(options) => done(block_on(keys::run(options, config()?, terminal))),
        }
    }
}

fn done(outcome: Result<(), CommandError>) -> Result<ExitCode, CommandError> {
    outcome.map(|()| ExitCode::SUCCESS)
}

fn block_on<T>(command: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::Failed(format!("cannot start ({error})")))?;
    let done = runtime.block_on(command);
    // Somebody may have been asked for what is not wanted any more: that thread is not waited for.
    runtime.shutdown_background();
    done
}

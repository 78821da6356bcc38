//! The command line and the exit code.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::CompleteEnv;

#[cfg(feature = "demo")]
use crate::commands::demo;
#[cfg(unix)]
use crate::commands::serve;
use crate::commands::{
    CommandError, check, completions, configuration, connect, exit_code, failure, keys, man,
    passwd, probe, relay, screenshot, trust, type_text, vms,
};
use config::client::ClientConfig;

use crate::help;
use crate::usage_error::OneLine;
use terminal::{Terminal, log};

/// os-autoinst's program that `relay` replaces.
const DEWEBSOCKIFY: &str = "dewebsockify";

/// A plain VNC port for every ESXi virtual machine console.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Cli {
    /// Configuration file [default: ./gateway.toml, else /etc/mksgate/gateway.toml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Format of the log on stderr
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    log: LogFormat,
    /// Print only answers and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Show the log instead of the spinner
    #[arg(long, short, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

/// How a log line is written.
#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object per line
    Json,
}

impl From<LogFormat> for log::Format {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Text => Self::Text,
            LogFormat::Json => Self::Json,
        }
    }
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    VmCommand(VmCommand),
    /// Run the gateway
    #[cfg(unix)]
    Serve,
    /// Check the configuration: log in to every vSphere, look up every console, and dial each host once
    ///
    /// Lists everything that is wrong and exits with 1: a console that is not available, a vSphere that cannot be asked, a
    /// pattern of a users file that matches no console, a certificate of the gateway that has expired or does so within 30
    /// days. Exits with 2 if the configuration itself is wrong. A VM that is powered off is shown, but is not a failure: it
    /// has a console once it runs.
    Check(check::Options),
    /// Hash a password and print a line for the users file, or make a key of the API
    Passwd(passwd::Options),
    /// Show the certificate that a host presents and the setting that pins it
    Trust(trust::Options),
    /// Serve one WebSocket on a TCP port, with the options of os-autoinst's dewebsockify
    Relay(relay::Options),
    /// Run a simulated ESXi host and a gateway in front of it, for trying out VNC viewers
    #[cfg(feature = "demo")]
    Demo(demo::Options),
    /// Print a shell completion script, which also completes VM names
    Completions(completions::Options),
    /// Print the manual page, or write one page per command
    Man(man::Options),
}

/// Commands that run once, without the daemon. They take a configuration or govc's environment; consoles at URLs need neither.
#[derive(Subcommand)]
enum VmCommand {
    /// Open a console: log in, acquire a ticket, and start the installed VNC viewer
    Connect(connect::Options),
    /// List virtual machines
    Vms(vms::Options),
    /// Open a console step by step and report the result and the duration of each step
    Probe(probe::Options),
    /// Save a console's screen as PNG
    Screenshot(screenshot::Options),
    /// Type text on a console's keyboard
    Type(type_text::Options),
    /// Press keys on a console's keyboard, for example ctrl-alt-del
    Keys(keys::Options),
}

impl Command {
    /// Log level. Commands that answer on stdout and report their failure in one line do not log.
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

/// Parses the command line, runs the command and reports its outcome.
pub fn run() -> ExitCode {
    completions::remember_shell();
    // Answers a completion request of the shell and exits, if there is one.
    CompleteEnv::with_factory(Cli::command)
        .var(completions::VARIABLE)
        .complete();
    let arguments = arguments();
    failure::print_as_json(wants_json(&arguments));
    let cli = match parse(arguments) {
        Ok(cli) => cli,
        Err(error) => return report_clap_error(error),
    };
    let level = match cli.command.level() {
        "off" if cli.verbose => "info",
        level => level,
    };
    let terminal = Terminal {
        quiet: cli.quiet,
        shows_log: log::start(cli.log.into(), level),
    };
    match execute(cli, terminal) {
        Ok(code) => code,
        Err(error) => error.report().into(),
    }
}

/// Whether errors are to be JSON, usage errors too: `--log json`, or a command's `--json`. Read before clap reads the command
/// line, which may be wrong.
fn wants_json(arguments: &[OsString]) -> bool {
    let options = arguments.iter().take_while(|word| *word != "--");
    let words: Vec<&OsString> = options.collect();
    let log_json =
        |pair: &[&OsString]| matches!(pair, [log, json] if *log == "--log" && *json == "json");
    words.windows(2).any(log_json)
        || words
            .iter()
            .any(|word| *word == "--json" || *word == "--log=json")
}

fn parse(arguments: Vec<OsString>) -> Result<Cli, clap::Error> {
    let mut command = help::with_sections(Cli::command());
    let matches = command.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Help and version go to stdout with exit code 0; all else is a usage error.
fn report_clap_error(error: clap::Error) -> ExitCode {
    let code = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        // No arguments at all: print the help.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => exit_code::USAGE.into(),
        _ => {
            let sentence = error.apply::<OneLine>().render().to_string();
            return CommandError::Usage(sentence).report().into();
        }
    };
    // There is nowhere else to report the failure.
    let _ = error.print();
    code
}

/// The arguments. When invoked as dewebsockify, inserts `relay`: openQA configures a program name, but no arguments.
fn arguments() -> Vec<OsString> {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    let name = words.first().map(Path::new).and_then(Path::file_stem);
    if name.is_some_and(|name| name == DEWEBSOCKIFY) {
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
            let config = config::load_listing_errors(&path)?;
            done(block_on(serve::run(config, path)))
        }
        Command::Check(options) => {
            let path = configuration::path(config)?;
            done(block_on(check::run(options, &path, terminal)))
        }
        Command::VmCommand(command) => {
            command.execute(|| configuration::or_environment(config, terminal), terminal)
        }
    }
}

impl VmCommand {
    /// All but `vms` take a URL instead of a VM, and then load no configuration.
    fn execute(
        self,
        config: impl FnOnce() -> Result<ClientConfig, CommandError>,
        terminal: Terminal,
    ) -> Result<ExitCode, CommandError> {
        match self {
            Self::Connect(options) => block_on(connect::run(options, config, terminal)),
            Self::Probe(options) => done(block_on(probe::run(options, config, terminal))),
            Self::Vms(options) => done(block_on(vms::run(options, config()?, terminal))),
            Self::Screenshot(options) => done(block_on(screenshot::run(options, config, terminal))),
            Self::Type(options) => done(block_on(type_text::run(options, config, terminal))),
            Self::Keys(options) => done(block_on(keys::run(options, config, terminal))),
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
        .map_err(|error| CommandError::failed(format!("cannot start ({error})")))?;
    let done = runtime.block_on(command);
    // A blocking password prompt may still be reading stdin: do not wait for its thread.
    runtime.shutdown_background();
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of an example from `mksgate` to a pipe or redirection.
    fn arguments_of(example: &str) -> Vec<OsString> {
        let words = shlex::split(example).unwrap();
        let words = words.into_iter().skip_while(|word| word != "mksgate");
        let ends = |word: &String| ["|", ">", ">>", "2>>"].contains(&word.as_str());
        words
            .take_while(|word| !ends(word))
            .map(OsString::from)
            .collect()
    }

    #[test]
    fn each_command_has_examples_and_they_are_valid() {
        let program = Cli::command();
        let commands = std::iter::once(&program).chain(program.get_subcommands());
        for command in commands {
            let name = command.get_name();
            let examples: Vec<&str> = help::examples(name).collect();
            assert!(!examples.is_empty(), "{name} has no example");
            for example in examples {
                let arguments = arguments_of(example);
                assert!(
                    name == "mksgate" || arguments.get(1).is_some_and(|word| word == name),
                    "{example} is an example of {name}"
                );
                if let Err(error) = parse(arguments) {
                    panic!("{example}: {error}");
                }
            }
        }
    }

    #[test]
    fn sections_are_in_the_long_help_alone() {
        let mut program = help::with_sections(Cli::command());
        program.build();
        for command in program.get_subcommands().cloned() {
            if command.get_name() == "help" {
                continue;
            }
            let mut command = command;
            let (short, long) = (command.render_help(), command.render_long_help());
            for title in ["Exit status:\n  0       done", "\nExamples:\n  mksgate "] {
                let name = command.get_name();
                assert!(long.to_string().contains(title), "{name}: {long}");
                assert!(!short.to_string().contains(title), "{name}: {short}");
            }
        }
    }
}

//! `mksgate check`: validates the configuration against the vSpheres and hosts that it names.

pub(super) mod certificates;
mod dial;
mod look_up;
mod problem;
mod report;
mod row;

use std::path::Path;
use std::time::SystemTime;

use clap::Args;

use super::{CommandError, exit_code, or_signal, print, print_async};
use console::printable::printable_json;
use gateway::settings::Config;
use look_up::{Outcome, VSpheres};
use problem::Problem;
use report::Report;
use terminal::signals::TerminationSignals;
use terminal::{Table, Terminal, print_stderr};

#[derive(Args)]
pub(crate) struct Options {
    /// Only read the configuration, without connecting to anything
    #[arg(long)]
    offline: bool,
    /// Log in and look up, but acquire no ticket and dial no console
    #[arg(long)]
    no_dial: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Prints one row per console, and everything that is wrong.
pub(crate) async fn run(
    options: Options,
    path: &Path,
    terminal: Terminal,
) -> Result<(), CommandError> {
    let config = match config::load_listing_errors(path) {
        Ok(config) => config,
        Err(errors) if options.json => {
            print_json(&Report::of_mistakes(&errors))?;
            return Err(CommandError::Reported(exit_code::USAGE));
        }
        Err(errors) => return Err(errors.into()),
    };
    let vspheres = VSpheres::new(&config.vspheres);
    let mut signals = TerminationSignals::watch()?;
    let checked = or_signal(&mut signals, check(&options, &config, &vspheres)).await;
    vspheres.log_out().await;
    let report = checked?;
    if options.json {
        let json = json(&report)?;
        or_signal(&mut signals, print_async(json)).await?;
        return match report.ok {
            true => Ok(()),
            false => Err(CommandError::Reported(exit_code::FAILURE)),
        };
    }
    for warning in &report.warnings {
        terminal.note(format!("mksgate: {warning}"));
    }
    let heading = ["LISTEN", "VSPHERE", "VM", "AUTH", "REACHED BY", "FOUND"];
    let rows: Vec<Vec<String>> = report.consoles.iter().map(row::Row::cells).collect();
    // Errors are in the last column and must not be truncated.
    let table = Table::new(&heading, &rows).aligned(None);
    or_signal(&mut signals, print_async(table)).await?;
    for problem in report.beside_table() {
        print_stderr(format!("mksgate: {}", problem.message));
    }
    report.verdict()
}

async fn check(
    options: &Options,
    config: &Config,
    vspheres: &VSpheres,
) -> Result<Report, CommandError> {
    let certificates = certificates::problems(config, SystemTime::now());
    let mut problems: Vec<Problem> = certificates.into_iter().map(Problem::from).collect();
    let mut warnings = config.settings_warnings();
    if options.offline {
        warnings.extend(config.ambiguous_rights(&[]));
        let outcomes = config.consoles.iter().map(|_| Outcome::NotChecked);
        return Ok(Report::new(config, outcomes.collect(), problems, warnings));
    }
    problems.extend(vspheres.log_in().await);
    let mut outcomes = vspheres.look_up(&config.consoles).await;
    if !options.no_dial {
        let limit = config.gateway.handshake_timeout;
        dial::each_host_once(config, vspheres, &mut outcomes, limit).await;
    }
    let vms: Vec<_> = outcomes
        .iter()
        .map(|outcome| outcome.vm().cloned())
        .collect();
    warnings.extend(config.ambiguous_rights(&vms));
    let unmatched = config.unmatched_rights(&vms).into_iter();
    problems.extend(unmatched.map(Problem::of_users_file));
    Ok(Report::new(config, outcomes, problems, warnings))
}

fn json(report: &Report) -> Result<String, CommandError> {
    let text = serde_json::to_string_pretty(report)
        .map_err(|error| CommandError::failed(error.to_string()))?;
    Ok(printable_json(&text) + "\n")
}

fn print_json(report: &Report) -> Result<(), CommandError> {
    print(json(report)?)
}

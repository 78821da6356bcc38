//! `mksgate vms`: lists virtual machines.

mod filter;
mod row;

use std::time::Duration;

use clap::Args;
use tokio::time::sleep;

use super::client_config::ClientConfig;
use super::table::Table;
use super::vm_args::VSphereArg;
use super::{CommandError, interruptible, login, print_async};
use crate::terminal::{self, Terminal};
use console::Error;
use console::printable::printable_json;
use filter::Filter;
use gateway::settings::ConsoleSettings;
use row::{COLUMNS, Row};

/// Polling interval of `--watch`.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    vsphere: VSphereArg,
    #[command(flatten)]
    filter: Filter,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
    /// Print the list again whenever it changes, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

pub(crate) async fn run(
    options: Options,
    config: ClientConfig,
    terminal: Terminal,
) -> Result<(), CommandError> {
    let ClientConfig {
        vspheres, consoles, ..
    } = config;
    let vspheres = options.vsphere.of(vspheres)?;
    let mut sessions = login::Sessions::default();
    let listed = interruptible(async {
        let spinner = terminal.spinner("logging in");
        let several = vspheres.len() > 1;
        for (name, settings) in vspheres {
            sessions.log_in(&name, settings, &spinner, &|_| {}).await?;
        }
        spinner.set_message("listing VMs");
        let mut rows = list(&options.filter, &sessions, &consoles).await?;
        drop(spinner);
        if !options.watch {
            return print_async(table(&rows, options.json, several)?)
                .await
                .map(drop);
        }
        while print_async(redrawn(&table(&rows, options.json, several)?)).await? {
            rows = changed(&rows, &options.filter, &sessions, &consoles).await?;
        }
        Ok(())
    })
    .await;
    sessions.log_out().await;
    listed
}

async fn list(
    filter: &Filter,
    sessions: &login::Sessions,
    consoles: &[ConsoleSettings],
) -> Result<Vec<Row>, CommandError> {
    let mut rows = Vec::new();
    for upstream in sessions.upstreams() {
        let found = upstream.client().vms().await.map_err(Error::from)?;
        let name = upstream.client().name();
        rows.extend(found.into_iter().map(|vm| Row::new(vm, name, consoles)));
    }
    filter.apply(&mut rows)?;
    Ok(rows)
}

/// Polls until the list differs.
async fn changed(
    previous: &[Row],
    filter: &Filter,
    sessions: &login::Sessions,
    consoles: &[ConsoleSettings],
) -> Result<Vec<Row>, CommandError> {
    loop {
        sleep(POLL_INTERVAL).await;
        let now = list(filter, sessions, consoles).await?;
        if now != previous {
            return Ok(now);
        }
    }
}

/// On a terminal, replaces the previous list.
fn redrawn(text: &str) -> String {
    match terminal::width() {
        // CUP and ED (ECMA-48): cursor home, clear the screen.
        Some(_) => format!("\u{1b}[H\u{1b}[2J{text}"),
        None => format!("{text}\n"),
    }
}

fn table(rows: &[Row], json: bool, several: bool) -> Result<String, CommandError> {
    if json {
        let text = serde_json::to_string_pretty(rows)
            .map_err(|error| CommandError::Failed(error.to_string()))?;
        return Ok(printable_json(&text) + "\n");
    }
    let width = terminal::width();
    let cells: Vec<Vec<String>> = rows.iter().map(Row::cells).collect();
    let mut table = Table::new(&COLUMNS, &cells);
    // On a terminal, omit a column that has the same value in every row.
    if width.is_some() && !several {
        table = table.without("VSPHERE");
    }
    let table = table.without_if_wider(width, &["MOREF", "UUID", "INSTANCE UUID"]);
    Ok(table.aligned(width))
}

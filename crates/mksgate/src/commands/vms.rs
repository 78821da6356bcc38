//! `mksgate vms`: lists virtual machines.

mod filter;
mod row;

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::time::sleep;

use super::unavailable::Unavailable;
use super::vm_args::VSphereArg;
use super::{CommandError, interruptible, login, print_async};
use config::client::ClientConfig;
use console::Error;
use console::printable::printable_json;
use console::upstream::Upstream;
use filter::Filter;
use gateway::settings::ConsoleSettings;
use row::{COLUMNS, Row};
use terminal::{Spinner, Table, Terminal};

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
        let mut unavailable = Unavailable::of(vspheres.len());
        let mut upstreams = Vec::new();
        for (name, settings) in vspheres {
            let upstream = sessions.log_in(&name, settings, &spinner, &|_| {}).await;
            upstreams.extend(unavailable.skip(&name, &spinner, upstream)?);
        }
        spinner.set_message("listing VMs");
        let listing = Listing {
            filter: &options.filter,
            upstreams: &upstreams,
            consoles: &consoles,
        };
        let mut rows = listing.rows(&mut unavailable, &spinner).await?;
        drop(spinner);
        unavailable.check_any_left()?;
        if !options.watch {
            print_async(table(&rows, options.json, several)?).await?;
            return unavailable.check_none();
        }
        while print_async(redrawn(&table(&rows, options.json, several)?)).await? {
            rows = listing.changed(&rows, &mut unavailable).await?;
        }
        Ok(())
    })
    .await;
    sessions.log_out().await;
    listed
}

/// What is listed.
struct Listing<'a> {
    filter: &'a Filter,
    upstreams: &'a [Arc<Upstream>],
    consoles: &'a [ConsoleSettings],
}

impl Listing<'_> {
    /// The VMs of those vSpheres that answer.
    async fn rows(
        &self,
        unavailable: &mut Unavailable,
        spinner: &Spinner,
    ) -> Result<Vec<Row>, CommandError> {
        let mut rows = Vec::new();
        for upstream in self.upstreams {
            let name = upstream.client().name();
            let found = upstream.client().vms().await.map_err(Error::from);
            let found = unavailable.skip(name, spinner, found.map_err(CommandError::from))?;
            let found = found.into_iter().flatten();
            rows.extend(found.map(|vm| Row::new(vm, name, self.consoles)));
        }
        self.filter.apply(&mut rows)?;
        Ok(rows)
    }

    /// Polls until the list differs.
    async fn changed(
        &self,
        previous: &[Row],
        unavailable: &mut Unavailable,
    ) -> Result<Vec<Row>, CommandError> {
        loop {
            sleep(POLL_INTERVAL).await;
            let now = self.rows(unavailable, &Spinner::hidden()).await?;
            if now != previous {
                return Ok(now);
            }
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
            .map_err(|error| CommandError::failed(error.to_string()))?;
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

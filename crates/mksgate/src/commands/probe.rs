//! `mksgate probe`: the way to a console, step by step, with what is found and how long it takes.

mod advice;
mod facts;
mod record;
mod way;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::time::timeout;
use vsphere::VmRef;

use super::wanted::{OfConsole, Wanted};
use super::which::Chosen;
use super::{CommandError, unless, unless_interrupted};
use crate::signals::Ends;
use crate::terminal::{Spinner, Terminal};
use console::client::ConsoleClient;
use console::dialer::Dialer;
use console::progress::{Observer, Progress};
use console::settings::TlsRecords;
use console::{Error, Step};
use facts::facts;
use gateway::settings::Config;
use record::Record;
use way::Way;

#[derive(Args)]
#[command(mut_arg("url", |url| url.long("against").alias("url")))]
pub(crate) struct Options {
    /// One object, for programs
    #[arg(long)]
    json: bool,
    // The last, since what follows would come under its heading.
    #[command(flatten)]
    console: OfConsole,
}

/// Goes the whole way, or as far as it goes; the last line says which.
pub(crate) async fn run(
    options: Options,
    config: impl FnOnce() -> Result<Config, CommandError>,
    terminal: Terminal,
) -> Result<(), CommandError> {
    let json = options.json;
    match options.console.wanted(config)? {
        Wanted::Vm(which, mut config) => {
            // Who has taken the records over from rustls does not know the certificate any more.
            for vsphere in config.vspheres.values_mut() {
                vsphere.tls_records = TlsRecords::Rustls;
            }
            let within = config.gateway.handshake_timeout;
            let told = Told::new(
                Way::to_vm(which.name(), which.asked(&config)),
                json,
                terminal,
                "logging in",
            );
            let observer = told.observer();
            let mut ends = Ends::watch()?;
            let work = async |chosen: &Chosen, _: &_| {
                // By its id it need not be looked up again.
                let vm = VmRef::Moref(chosen.vm.moref.clone());
                let dialer = Dialer::Vm(
                    Arc::clone(&chosen.upstream),
                    vm,
                    chosen.vnc_password.clone(),
                );
                let looked = async {
                    let looked = look(&dialer, within, &observer).await;
                    looked.map_err(|failure| CommandError::Failed(chosen.explain(&failure)))
                };
                unless(&mut ends, looked).await
            };
            let done = which
                .stay_before(*config, &told.spinner, &observer, work)
                .await;
            match done {
                Ok(()) => told.verdict(None),
                Err(CommandError::Failed(why)) => told.verdict(Some(facts(json!({}), why))),
                Err(other) => Err(other),
            }
        }
        Wanted::Url(endpoint, within) => {
            let told = Told::new(Way::to_url(&endpoint), json, terminal, "asking for the URL");
            let observer = told.observer();
            let dialer = Dialer::Url(endpoint);
            let looked = async {
                Ok(match look(&dialer, within, &observer).await {
                    Ok(()) => None,
                    Err(failure) => Some(advice::on(&failure, told.step()).await),
                })
            };
            let failed = unless_interrupted(looked).await?;
            told.verdict(failed)
        }
    }
}

async fn look(dialer: &Dialer, within: Duration, observer: &Observer) -> Result<(), Error> {
    let console = console::open_at(dialer, within, observer).await?;
    let (viewer, screen) = timeout(within, ConsoleClient::enter(console))
        .await
        .map_err(|_| dialer.slow(Step::Dial, within))??;
    observer(Progress::Screen(&screen));
    viewer.leave().await;
    Ok(())
}

/// What is told while it goes on: lines that stay, and one that says what is waited for.
struct Told {
    record: Arc<Mutex<Record>>,
    spinner: Spinner,
}

impl Told {
    fn new(way: Way, json: bool, terminal: Terminal, first: &str) -> Self {
        Self {
            record: Arc::new(Mutex::new(Record::new(way, json))),
            spinner: terminal.spinner(first),
        }
    }

    fn observer(&self) -> impl Fn(Progress<'_>) + Send + Sync + use<> {
        let (record, spinner) = (Arc::clone(&self.record), self.spinner.clone());
        move |milestone| {
            let mut record = locked(&record);
            spinner.suspend(|| record.reached(&milestone));
            spinner.hears(&milestone);
        }
    }

    fn step(&self) -> &'static str {
        locked(&self.record).step()
    }

    fn verdict(self, failed: Option<facts::Facts>) -> Result<(), CommandError> {
        self.spinner.done();
        locked(&self.record).verdict(failed)
    }
}

fn locked(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

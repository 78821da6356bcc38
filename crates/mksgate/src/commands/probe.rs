//! `mksgate probe`: opens a console step by step and reports the result and duration of each step.

mod advice;
mod facts;
mod record;
mod report;
mod steps;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::Args;
use tokio::time::timeout;

use super::console_args::{ConsoleArgs, ConsoleTarget};
use super::found_vm::FoundVm;
use super::{CommandError, interruptible, or_signal};
use config::client::ClientConfig;
use console::Error;
use console::client::ConsoleClient;
use console::dialer::{Dialer, TimeLimit};
use console::progress::{Observer, Progress};
use console::settings::TlsRecords;
use facts::FailedStep;
use record::Record;
use report::ReportFile;
use steps::Steps;
use terminal::signals::TerminationSignals;
use terminal::{Spinner, Terminal};
use trials::Section;

#[derive(Args)]
pub(crate) struct Options {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Write a report that can be published: it has no tickets and no names of VMs, users or addresses
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// For the report: open further consoles to test updates without acks, with ClientCaps and with a WebSocket ping
    #[arg(long, requires = "report")]
    thorough: bool,
    // Last: options after it would be listed under its help heading.
    #[command(flatten)]
    console: ConsoleArgs,
}

/// Runs all steps up to the first failure; the last line is the verdict.
pub(crate) async fn run(
    options: Options,
    config: impl FnOnce() -> Result<ClientConfig, CommandError>,
    terminal: Terminal,
) -> Result<(), CommandError> {
    let json = options.json;
    let target = options.console.into_target(config)?;
    let report = options.report.map(ReportFile::create).transpose()?;
    let depth = match (&report, options.thorough) {
        (None, _) => Depth::Updates,
        (Some(_), false) => Depth::Encodings,
        (Some(_), true) => Depth::Thorough,
    };
    match target {
        ConsoleTarget::Vm(vm_args, mut config) => {
            // In-place TLS records bypass rustls, which then does not know the peer's certificate.
            for vsphere in config.vspheres.values_mut() {
                vsphere.settings.tls_records = TlsRecords::Rustls;
            }
            let within = config.gateway.handshake_timeout;
            let path = Steps::to_vm(vm_args.name(), vm_args.vsphere_count(&config));
            let output = ProbeOutput::new(path, json, terminal, "logging in");
            let observer = output.observer();
            let mut signals = TerminationSignals::watch()?;
            let work = async |found_vm: &FoundVm, _: &_| {
                let dialer = found_vm.dialer();
                let tested = async {
                    let tested = open_and_test(&dialer, within, &observer, depth).await;
                    tested.map_err(|error| found_vm.explain(&error))
                };
                or_signal(&mut signals, tested).await
            };
            let done = vm_args
                .run_observed(*config, &output.spinner, &observer, work)
                .await;
            match done {
                Ok(sections) => output.end(Ok(sections), report),
                Err(CommandError::Failed(failure)) => output.end(Err(failure.into()), report),
                Err(other) => Err(other),
            }
        }
        ConsoleTarget::Url(endpoint, within) => {
            let path = Steps::to_url(&endpoint);
            let output = ProbeOutput::new(path, json, terminal, "asking for the URL");
            let dialer = Dialer::Url(endpoint);
            let probed = probe_url(&dialer, within, &output, depth);
            let done = interruptible(probed).await?;
            output.end(done, report)
        }
    }
}

async fn probe_url(
    dialer: &Dialer,
    within: Duration,
    output: &ProbeOutput,
    depth: Depth,
) -> Result<Result<Vec<Section>, FailedStep>, CommandError> {
    Ok(
        match open_and_test(dialer, within, &output.observer(), depth).await {
            Ok(sections) => Ok(sections),
            Err(failure) => Err(advice::for_failure(&failure, output.step()).await),
        },
    )
}

/// How much is tested.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Two framebuffer updates.
    Updates,
    /// Also each encoding, on the same connection.
    Encodings,
    /// Also further connections.
    Thorough,
}

async fn open_and_test(
    dialer: &Dialer,
    within: Duration,
    observer: &Observer,
    depth: Depth,
) -> Result<Vec<Section>, Error> {
    let console = dialer.dial(TimeLimit::of(within), observer).await?;
    let (mut viewer, screen) = timeout(within, ConsoleClient::enter(console))
        .await
        .map_err(|_| dialer.host_timeout(TimeLimit::of(within)))??;
    observer(Progress::Screen(&screen));
    let seen = trials::two_updates(&mut viewer).await?;
    observer(Progress::Updated(&seen));
    let mut sections = match depth {
        Depth::Updates => Vec::new(),
        Depth::Encodings | Depth::Thorough => trials::on_open_console(&mut viewer, &seen).await,
    };
    // Closed before the next connection: a host may allow one console only.
    viewer.leave().await;
    if depth == Depth::Thorough {
        sections.push(trials::thorough(dialer, within).await);
    }
    Ok(sections)
}

/// Progress output: finished steps as lines, and a spinner for the current step.
struct ProbeOutput {
    record: Arc<Mutex<Record>>,
    spinner: Spinner,
    terminal: Terminal,
}

impl ProbeOutput {
    fn new(path: Steps, json: bool, terminal: Terminal, first: &str) -> Self {
        Self {
            record: Arc::new(Mutex::new(Record::new(path, json))),
            spinner: terminal.spinner(first),
            terminal,
        }
    }

    fn observer(&self) -> impl Fn(Progress<'_>) + Send + Sync + use<> {
        let (record, spinner) = (Arc::clone(&self.record), self.spinner.clone());
        move |progress| {
            let mut record = locked(&record);
            spinner.suspend(|| record.complete(&progress));
            spinner.show_next(&progress);
        }
    }

    fn step(&self) -> &'static str {
        locked(&self.record).step()
    }

    /// Writes the report, if requested, and prints the verdict.
    fn end(
        self,
        done: Result<Vec<Section>, FailedStep>,
        report: Option<ReportFile>,
    ) -> Result<(), CommandError> {
        self.spinner.done();
        let mut record = locked(&self.record);
        let (sections, failed) = match done {
            Ok(sections) => (sections, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        let written = report.map(|report| {
            let failed_at = failed.as_ref().map(|_| record.step());
            report.write(&report::text(record.steps(), &sections, failed_at))
        });
        let verdict = record.verdict(failed);
        if let Some(path) = written.transpose()? {
            let shown = path.display();
            self.terminal.note(format!("report written to {shown}"));
        }
        verdict
    }
}

fn locked(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

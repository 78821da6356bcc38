//! `mksgate probe`: the way to a console, step by step, with what is found and how long it takes.

mod facts;

use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use console::Style;
use serde_json::{Map, Value, json};
use tokio::time::{Duration, Instant};

use super::which::{Chosen, Which};
use super::{CommandError, say, unless_interrupted};
use crate::config::{Config, TlsRecords};
use crate::milestone::{Milestone, Witness};
use crate::own_viewer::OwnViewer;
use crate::reach;
use crate::terminal::{Terminal, may_colour};

/// The steps, in their order: each ends with the milestone of the same place in [`Milestone`].
const STEPS: [&str; 8] = [
    "login",
    "vm",
    "ticket",
    "tcp",
    "tls",
    "websocket",
    "rfb",
    "screen",
];

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    which: Which,
    /// One object, for programs
    #[arg(long)]
    json: bool,
}

/// What has been seen so far.
struct Record {
    json: bool,
    begun: Instant,
    /// When the last step ended.
    last: Instant,
    /// For `--json`.
    steps: Vec<Value>,
}

/// Goes the whole way, or as far as it goes; the last line says which.
pub(crate) async fn run(
    options: Options,
    mut config: Config,
    terminal: Terminal,
) -> Result<(), CommandError> {
    // Who has taken the records over from rustls does not know the certificate any more.
    for vsphere in config.vspheres.values_mut() {
        vsphere.tls_records = TlsRecords::Rustls;
    }
    let within = config.gateway.handshake_timeout;
    let wanted = options.which.name();
    let record = Arc::new(Mutex::new(Record::new(options.json)));
    let spinner = terminal.spinner("logging in");
    let witness = {
        let (record, spoken) = (Arc::clone(&record), spinner.clone());
        move |milestone: Milestone<'_>| {
            let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
            spoken.suspend(|| record.reached(&milestone));
            spoken.hears(&milestone);
        }
    };
    let work =
        async |chosen: &Chosen, _: &_| unless_interrupted(look(chosen, within, &witness)).await;
    let done = options
        .which
        .stay_before(config, &spinner, &witness, work)
        .await;
    drop(spinner);
    let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
    match done {
        Ok(()) => record.verdict(&wanted, None),
        Err(CommandError::Failed(why)) => record.verdict(&wanted, Some(&why)),
        Err(other) => Err(other),
    }
}

async fn look(chosen: &Chosen, within: Duration, witness: &Witness) -> Result<(), CommandError> {
    let looked = async {
        let console = reach::open(&chosen.upstream, &chosen.vm, within, witness).await?;
        let (viewer, screen) = OwnViewer::enter(console).await?;
        witness(Milestone::Screen(&screen));
        viewer.leave().await;
        Ok(())
    };
    looked
        .await
        .map_err(|failure| CommandError::Failed(chosen.explain(&failure)))
}

impl Record {
    fn new(json: bool) -> Self {
        let now = Instant::now();
        Self {
            json,
            begun: now,
            last: now,
            steps: Vec::new(),
        }
    }

    /// The next step, by its name.
    fn step(&self) -> &'static str {
        STEPS.get(self.steps.len()).copied().unwrap_or("end")
    }

    fn reached(&mut self, milestone: &Milestone<'_>) {
        let (facts, sentence) = facts::of(milestone);
        self.ended(true, &sentence, facts);
    }

    fn ended(&mut self, ok: bool, sentence: &str, facts: Map<String, Value>) {
        let took = self.last.elapsed();
        let step = self.step();
        if !self.json {
            let mark = mark(ok);
            let sentence: String = sentence.chars().filter(|c| !c.is_control()).collect();
            let shown = format!("{mark} {step:<9} {:>5} ms  {sentence}\n", took.as_millis());
            // Ignored on purpose: the verdict tells whether somebody still reads.
            let _ = say(shown);
        }
        let mut entry = Map::new();
        entry.insert("step".into(), step.into());
        entry.insert("ok".into(), ok.into());
        entry.insert("seconds".into(), took.as_secs_f64().into());
        entry.extend(facts);
        self.steps.push(Value::Object(entry));
        self.last = Instant::now();
    }

    /// The last line.
    fn verdict(&mut self, vm: &str, failed: Option<&str>) -> Result<(), CommandError> {
        let step = self.step();
        if let Some(why) = failed {
            let facts = Map::from_iter([("error".to_owned(), why.into())]);
            self.ended(false, why, facts);
        }
        let took = self.last - self.begun;
        let verdict = match failed {
            None => format!("{vm} has a console, ready after {} ms", took.as_millis()),
            Some(_) => format!("{vm} has no console for us: it fails at {step}"),
        };
        if self.json {
            let answer = json!({
                "vm": vm,
                "ok": failed.is_none(),
                "seconds": took.as_secs_f64(),
                "steps": std::mem::take(&mut self.steps),
                "verdict": verdict,
            });
            say(format!("{answer:#}\n"))?;
        } else {
            say(format!("{}\n", coloured(failed.is_none(), &verdict)))?;
        }
        match failed {
            None => Ok(()),
            Some(_) => Err(CommandError::Told),
        }
    }
}

fn mark(ok: bool) -> String {
    coloured(ok, if ok { "ok    " } else { "FAILED" })
}

/// Green or red, where there are colours.
fn coloured(ok: bool, text: &str) -> String {
    let style = match ok {
        true => Style::new().green(),
        false => Style::new().red().bold(),
    };
    style.force_styling(may_colour()).apply_to(text).to_string()
}

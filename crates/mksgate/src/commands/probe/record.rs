//! Finished steps: printed at once, or collected for `--json`.

use std::io::stdout;

use serde_json::{Map, Value, json};
use term::Style;
use tokio::time::Instant;

use super::facts::{self, Facts};
use super::steps::Steps;
use crate::commands::{CommandError, print};
use crate::terminal::may_colour;
use console::printable::{printable, printable_json};
use console::progress::Progress;

pub(super) struct Record {
    json: bool,
    path: Steps,
    begun: Instant,
    /// End of the previous step.
    last: Instant,
    steps: Vec<Value>,
}

impl Record {
    pub(super) fn new(path: Steps, json: bool) -> Self {
        let now = Instant::now();
        Self {
            json,
            path,
            begun: now,
            last: now,
            steps: Vec::new(),
        }
    }

    pub(super) fn steps(&self) -> &[Value] {
        &self.steps
    }

    /// The current step.
    pub(super) fn step(&self) -> &'static str {
        self.path.step()
    }

    pub(super) fn reached(&mut self, progress: &Progress<'_>) {
        let found = facts::of(progress, self.path.trust.as_ref());
        let step = self.path.complete(progress);
        self.ended(step, true, found);
    }

    fn ended(&mut self, step: &str, ok: bool, (facts, sentence): Facts) {
        let took = self.last.elapsed();
        if !self.json {
            let mark = mark(ok);
            let (sentence, took) = (printable(&sentence), took.as_millis());
            let shown = format!("{mark} {step:<9} {took:>5} ms  {sentence}\n");
            // A closed stdout is reported by the verdict.
            let _ = print(shown);
        }
        let mut entry = Map::new();
        entry.insert("step".into(), step.into());
        entry.insert("ok".into(), ok.into());
        entry.insert("seconds".into(), took.as_secs_f64().into());
        entry.extend(facts);
        self.steps.push(Value::Object(entry));
        self.last = Instant::now();
    }

    /// Prints the verdict, after the failed step if there is one.
    pub(super) fn verdict(&mut self, failed: Option<Facts>) -> Result<(), CommandError> {
        let (ok, step) = (failed.is_none(), self.step());
        if let Some((mut facts, why)) = failed {
            facts.insert("error".into(), why.as_str().into());
            self.ended(step, false, (facts, why));
        }
        let (name, took) = (&self.path.name, self.last - self.begun);
        let verdict = match ok {
            true => format!("{name} has a console, ready after {} ms", took.as_millis()),
            false => format!("{name} has no console for us: it fails at {step}"),
        };
        if self.json {
            let answer = json!({
                (self.path.kind): name,
                "ok": ok,
                "seconds": took.as_secs_f64(),
                "steps": std::mem::take(&mut self.steps),
                "verdict": verdict,
            });
            print(printable_json(&format!("{answer:#}\n")))?;
        } else {
            print(format!("{}\n", coloured(ok, &printable(&verdict))))?;
        }
        match ok {
            true => Ok(()),
            false => Err(CommandError::Reported),
        }
    }
}

fn mark(ok: bool) -> String {
    coloured(ok, if ok { "ok    " } else { "FAILED" })
}

/// Green or red, if stdout supports colours.
fn coloured(ok: bool, text: &str) -> String {
    let style = match ok {
        true => Style::new().green(),
        false => Style::new().red().bold(),
    };
    style
        .force_styling(may_colour(&stdout()))
        .apply_to(text)
        .to_string()
}

//! Finished steps: printed at once, or collected for `--json`.

use std::io::stdout;

use serde_json::{Map, Value, json};
use term::Style;
use tokio::time::Instant;

use super::facts::{self, Facts, FailedStep};
use super::steps::Steps;
use crate::commands::{CommandError, print};
use console::printable::{printable, printable_json};
use console::progress::Progress;
use terminal::may_colour;

pub(super) struct Record {
    json: bool,
    path: Steps,
    started: Instant,
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
            started: now,
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

    pub(super) fn complete(&mut self, progress: &Progress<'_>) {
        if let Progress::LoggedIn { typing, .. } = progress {
            // What a person takes is neither the step's time nor the console's.
            self.started += *typing;
            self.last += *typing;
        }
        let found = facts::of(progress, self.path.trust.as_ref());
        let step = self.path.complete(progress);
        self.finish_step(step, true, found);
    }

    fn finish_step(&mut self, step: &str, ok: bool, (facts, sentence): Facts) {
        let duration = self.last.elapsed();
        if !self.json {
            let mark = step_mark(ok);
            let (sentence, duration) = (printable(&sentence), duration.as_millis());
            let shown = format!("{mark} {step:<9} {duration:>5} ms  {sentence}\n");
            // A closed stdout is reported by the verdict.
            let _ = print(shown);
        }
        let mut entry = Map::new();
        entry.insert("step".into(), step.into());
        entry.insert("ok".into(), ok.into());
        entry.insert("seconds".into(), duration.as_secs_f64().into());
        entry.extend(facts);
        self.steps.push(Value::Object(entry));
        self.last = Instant::now();
    }

    /// Prints the verdict, after the failed step if there is one.
    pub(super) fn verdict(&mut self, failed: Option<FailedStep>) -> Result<(), CommandError> {
        let (ok, step) = (failed.is_none(), self.step());
        let exit_code = failed.as_ref().map(|failed| failed.failure.exit_code());
        if let Some(FailedStep { failure, mut known }) = failed {
            known.insert("error".into(), failure.message.as_str().into());
            known.insert("code".into(), failure.code.into());
            let blame = failure.blame.map(|blame| blame.to_string());
            known.insert("blame".into(), json!(blame));
            self.finish_step(step, false, (known, failure.message));
        }
        let (name, duration) = (&self.path.name, self.last - self.started);
        let verdict = match ok {
            true => format!("{name}: the console opened in {} ms", duration.as_millis()),
            false => format!("{name}: the console did not open, step {step} failed"),
        };
        if self.json {
            let answer = json!({
                (self.path.kind): name,
                "ok": ok,
                "seconds": duration.as_secs_f64(),
                "steps": std::mem::take(&mut self.steps),
                "verdict": verdict,
            });
            print(printable_json(&format!("{answer:#}\n")))?;
        } else {
            print(format!("{}\n", coloured(ok, &printable(&verdict))))?;
        }
        exit_code.map_or(Ok(()), |code| Err(CommandError::Reported(code)))
    }
}

fn step_mark(ok: bool) -> String {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use vsphere::{About, ApiType};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_prompt_counts_neither_as_login_nor_as_console() {
        let mut record = Record::new(Steps::to_vm("web01".into(), 1), true);
        tokio::time::advance(Duration::from_secs(10)).await;
        record.complete(&Progress::LoggedIn {
            vsphere: "lab",
            about: &About {
                api_type: ApiType::Esxi,
                full_name: "VMware ESXi".into(),
                version: "7.0.3".into(),
                api_version: "7.0.3.0".into(),
                instance_uuid: None,
            },
            typing: Duration::from_secs(9),
        });
        assert_eq!(record.steps()[0]["seconds"], 1.0);
        assert_eq!(record.last - record.started, Duration::from_secs(1));
    }
}

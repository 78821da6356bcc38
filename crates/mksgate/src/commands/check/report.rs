//! The answer of `check`: every console, and everything that is wrong.

use config::ConfigErrors;
use serde::Serialize;

use super::look_up::Outcome;
use super::problem::{Kind, Problem};
use super::row::{Row, State};
use crate::commands::failure::Failure;
use crate::commands::{CommandError, exit_code};
use gateway::settings::Config;

/// As `--json` prints it; the keys are a contract.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) ok: bool,
    pub(super) consoles: Vec<Row>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<String>,
}

impl Report {
    pub(super) fn new(
        config: &Config,
        outcomes: Vec<Outcome>,
        mut problems: Vec<Problem>,
        warnings: Vec<String>,
    ) -> Self {
        let consoles = config.consoles.iter().zip(outcomes);
        let consoles: Vec<Row> = consoles
            .map(|(console, outcome)| Row::new(console, &config.gateway, outcome))
            .collect();
        let failed = consoles.iter().filter_map(|row| {
            let error = row.failure.clone()?;
            Some(Problem::new(Kind::Console, &row.listen, error))
        });
        problems.extend(failed);
        Self {
            ok: problems.is_empty(),
            consoles,
            problems,
            warnings,
        }
    }

    /// A configuration that cannot be read.
    pub(super) fn of_mistakes(errors: &ConfigErrors) -> Self {
        let problem = |error: &config::ConfigError| {
            let file = error.path().display();
            let place = match error.position() {
                Some((line, column)) => format!("{file}:{line}:{column}"),
                None => file.to_string(),
            };
            let failure = Failure::local("configuration", error.sentence());
            Problem::new(Kind::Configuration, &place, failure)
        };
        Self {
            ok: false,
            consoles: Vec::new(),
            problems: errors.iter().map(problem).collect(),
            warnings: Vec::new(),
        }
    }

    /// The problems that no row of the table shows.
    pub(super) fn beside_table(&self) -> impl Iterator<Item = &Problem> {
        self.problems
            .iter()
            .filter(|problem| problem.kind != Kind::Console)
    }

    /// # Errors
    /// Something is wrong. The problems outside the table were printed before.
    pub(super) fn verdict(&self) -> Result<(), CommandError> {
        let is_failed = |row: &&Row| row.state == State::Failed;
        let failed = self.consoles.iter().filter(is_failed).count();
        match (failed, self.ok) {
            (0, true) => Ok(()),
            (0, false) => Err(CommandError::Reported(exit_code::FAILURE)),
            (failed, _) => Err(CommandError::failed(format!(
                "{failed} of {} consoles are not available: see the table",
                self.consoles.len()
            ))),
        }
    }
}

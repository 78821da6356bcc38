//! Checks of `reconnect_for`, `wait` and `power_on`, in `[gateway]` and in `[[console]]`.

use std::time::Duration;

use gateway::settings::Reconnect;
use toml::Spanned;

use crate::document::Document;

/// `reconnect_for`, `wait` and `power_on`.
type Keys<'a> = (Option<Duration>, Option<bool>, Option<&'a Spanned<String>>);

impl Document<'_> {
    /// The keys of a section; those that are absent are as in `default`.
    pub(crate) fn reconnect(
        &self,
        (time, wait, power_on): Keys<'_>,
        default: Reconnect,
    ) -> Reconnect {
        Reconnect {
            reconnect_for: time.unwrap_or(default.reconnect_for),
            wait: wait.unwrap_or(default.wait),
            ask_power_on: power_on.map_or(default.ask_power_on, |word| self.asks(word)),
        }
    }

    fn asks(&self, word: &Spanned<String>) -> bool {
        match word.get_ref().as_str() {
            "ask" => true,
            "never" => false,
            other => {
                let sentence =
                    format!("power_on = {other:?} is not known: write \"ask\" or \"never\"");
                self.record(self.error_at(word.span(), sentence));
                false
            }
        }
    }
}

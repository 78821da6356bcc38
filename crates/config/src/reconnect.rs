//! Checks of `reconnect_for`, `wait` and `power_on`, in `[gateway]` and in `[[console]]`.

use std::ops::Range;

use gateway::settings::Reconnect;
use toml::Spanned;

use crate::document::Document;
use crate::file;
use crate::scalar::Time;

/// The three keys.
#[derive(Clone, Copy)]
struct Keys<'a> {
    reconnect_for: Option<&'a Spanned<Time>>,
    wait: Option<&'a Spanned<bool>>,
    power_on: Option<&'a Spanned<String>>,
}

impl Document<'_> {
    /// Those of `[gateway]`.
    pub(crate) fn reconnect(&self, gateway: &file::Gateway) -> Reconnect {
        let keys = Keys {
            reconnect_for: gateway.reconnect_for.as_ref(),
            wait: gateway.wait.as_ref(),
            power_on: gateway.power_on.as_ref(),
        };
        self.with_keys(keys, Reconnect::default())
    }

    /// Those of a console: keys that are absent are as in `default`. `is_translated`: it is a VM whose RFB is translated.
    pub(crate) fn reconnect_of(
        &self,
        console: &file::Console,
        is_translated: bool,
        default: Reconnect,
    ) -> Reconnect {
        let keys = Keys {
            reconnect_for: console.reconnect_for.as_ref(),
            wait: console.wait.as_ref(),
            power_on: console.power_on.as_ref(),
        };
        if let (false, Some((key, span))) = (is_translated, keys.first()) {
            let sentence = format!(
                "{key} has no effect at a URL or with transparent = true: remove one of the two"
            );
            self.record(self.error_at(span, sentence));
            return default;
        }
        self.with_keys(keys, default)
    }

    fn with_keys(&self, keys: Keys<'_>, default: Reconnect) -> Reconnect {
        let Keys {
            reconnect_for,
            wait,
            power_on,
        } = keys;
        let reconnect = Reconnect {
            reconnect_for: reconnect_for.map_or(default.reconnect_for, |time| time.get_ref().0),
            wait: wait.map_or(default.wait, |wait| *wait.get_ref()),
            ask_power_on: power_on.map_or(default.ask_power_on, |word| self.asks(word)),
        };
        let wait = wait.filter(|wait| *wait.get_ref());
        let wait = wait.map(|wait| ("wait", wait.span()));
        let power_on = power_on.filter(|_| reconnect.ask_power_on);
        let power_on = power_on.map(|word| ("power_on", word.span()));
        if let (false, Some((key, span))) = (reconnect.is_on(), wait.or(power_on)) {
            let sentence = format!(
                "{key} has no effect without reconnect_for: set how long viewers wait, as in reconnect_for = \"10m\""
            );
            self.record(self.error_at(span, sentence));
        }
        reconnect
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

impl Keys<'_> {
    /// The first that is there, and its place.
    fn first(&self) -> Option<(&'static str, Range<usize>)> {
        let time = self
            .reconnect_for
            .map(|time| ("reconnect_for", time.span()));
        let wait = self.wait.map(|wait| ("wait", wait.span()));
        let power_on = self.power_on.map(|word| ("power_on", word.span()));
        time.or(wait).or(power_on)
    }
}

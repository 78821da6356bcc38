//! Checks of a console's `keyboard`, `layout`, `paste`, `ctrl_alt_insert` and `transparent`.

use rfb_proto::keys::Layout;
use toml::Spanned;

use crate::document::Document;
use crate::file;
use gateway::{CtrlAltInsert, InputSettings};

impl Document<'_> {
    /// `None` for a transparent relay: as configured, or by default for a console at a URL.
    pub(crate) fn dialect_settings(&self, console: &file::Console) -> Option<InputSettings> {
        let given = [
            &console.keyboard,
            &console.layout,
            &console.paste,
            &console.ctrl_alt_insert,
        ];
        let given = given.into_iter().flatten().next();
        let is_vm = console.vm.is_some();
        let transparent = console
            .transparent
            .unwrap_or_else(|| !is_vm && given.is_none());
        if let (true, Some(word)) = (transparent, given) {
            let sentence = "this key has no effect with transparent = true: remove one of the two";
            self.record(self.error_at(word.span(), sentence));
        }
        let scancodes = self.choice(&console.keyboard, &[("scancode", true), ("keysym", false)]);
        let layouts = Layout::ALL.map(|layout| (layout.name(), layout));
        let settings = InputSettings {
            scancodes: scancodes.unwrap_or(true),
            layout: self.choice(&console.layout, &layouts).unwrap_or(Layout::Us),
            paste: self
                .choice(&console.paste, &[("off", false), ("type", true)])
                .unwrap_or(false),
            ctrl_alt_insert: self
                .choice(
                    &console.ctrl_alt_insert,
                    &[
                        ("delete", CtrlAltInsert::Delete),
                        ("as-is", CtrlAltInsert::AsIs),
                    ],
                )
                .unwrap_or_default(),
        };
        (!transparent).then_some(settings)
    }

    /// `None` where it is not given, or wrong.
    fn choice<T: Copy>(&self, word: &Option<Spanned<String>>, known: &[(&str, T)]) -> Option<T> {
        let word = word.as_ref()?;
        let found = known.iter().find(|(name, _)| name == word.get_ref());
        if found.is_none() {
            let names: Vec<String> = known.iter().map(|(name, _)| format!("{name:?}")).collect();
            let sentence = format!(
                "{:?} is not a value of this key: write one of {}",
                word.get_ref(),
                names.join(", ")
            );
            self.record(self.error_at(word.span(), sentence));
        }
        found.map(|(_, meaning)| *meaning)
    }
}

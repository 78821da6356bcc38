//! What will be done with a console's endpoint, as the command line and the environment say.

use super::Way;
use crate::commands::CommandError;
use crate::viewer_program::{Kind, ViewerProgram};

/// Who will use it.
pub(super) enum Plan {
    /// Whoever reads where it is.
    Serve,
    /// Whoever has our standard input and output.
    Stdio,
    /// A command of the user's own.
    Command(Vec<String>),
    /// A viewer.
    View(ViewerProgram),
}

impl Way {
    /// Finds the viewer, where there is to be one.
    pub(super) fn plan(&self) -> Result<Plan, CommandError> {
        if self.proxy_only {
            return Ok(Plan::Serve);
        }
        if self.stdio {
            return Ok(Plan::Stdio);
        }
        if !self.command.is_empty() {
            return Ok(Plan::Command(self.command.clone()));
        }
        let variable = || {
            let named = std::env::var("VNCVIEWER").ok();
            named.filter(|name| !name.is_empty())
        };
        let viewer = match self.viewer.clone().or_else(variable) {
            Some(name) => ViewerProgram::named(&name),
            None => ViewerProgram::any(),
        };
        let viewer = viewer.map_err(CommandError::Failed)?;
        there_is_a_screen(&viewer)?;
        Ok(Plan::View(viewer))
    }
}

/// Where there is none, every viewer would say so in words of its own. Who knows what an unknown one needs.
fn there_is_a_screen(viewer: &ViewerProgram) -> Result<(), CommandError> {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let has_one = cfg!(windows) || cfg!(target_os = "macos");
    if has_one || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") || viewer.kind == Kind::Unknown {
        return Ok(());
    }
    Err(CommandError::Failed(format!(
        "there is no screen for {} here (neither DISPLAY nor WAYLAND_DISPLAY is set): use --proxy-only, or come by ssh -X",
        viewer.kind.name()
    )))
}

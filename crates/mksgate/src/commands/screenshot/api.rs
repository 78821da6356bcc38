//! Captures without a console: from the host's `/screen`, else by CreateScreenshot_Task (`docs/webmks.md` 3.5).

use vsphere::{Client, Error, Vm};

use super::capture::Capture;

/// Tries `/screen` first: it is one request and leaves no file on the datastore.
pub(super) async fn take(client: &Client, vm: &Vm) -> Result<Capture, Error> {
    let name = &vm.name;
    match client.screen(&vm.moref).await {
        Ok(png) => {
            tracing::info!(vm = %name, "taken from /screen");
            Ok(png.into())
        }
        Err(Error::NoScreen { answered, .. }) => {
            tracing::info!(vm = %name, %answered, "/screen has no picture: using CreateScreenshot_Task");
            by_screenshot_task(client, vm).await
        }
        Err(error) => Err(error),
    }
}

/// The task writes a file into the VM's directory, which is deleted after the download.
async fn by_screenshot_task(client: &Client, vm: &Vm) -> Result<Capture, Error> {
    let name = &vm.name;
    let shot = client.screenshot(vm).await?;
    let path = &shot.path;
    let leftover = match &shot.not_removed {
        None => {
            tracing::info!(vm = %name, %path, "taken by CreateScreenshot_Task, and its file deleted");
            None
        }
        Some(why) => {
            tracing::info!(vm = %name, %path, "taken by CreateScreenshot_Task");
            Some(format!(
                "{name}: the screenshot file {path} was left on the datastore, since it cannot be deleted: {why}"
            ))
        }
    };
    Ok(Capture {
        png: shot.png,
        leftover,
    })
}

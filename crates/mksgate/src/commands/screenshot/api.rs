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
            tracing::info!(vm = %name, %answered, "no picture at /screen: CreateScreenshot_Task takes one");
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
    let left = match &shot.not_removed {
        None => {
            tracing::info!(vm = %name, %path, "taken by CreateScreenshot_Task, and its file removed");
            None
        }
        Some(why) => {
            tracing::info!(vm = %name, %path, "taken by CreateScreenshot_Task");
            Some(format!(
                "{name}: the host's own file of the picture stays in {path}, since it cannot be removed: {why}"
            ))
        }
    };
    Ok(Capture {
        png: shot.png,
        left,
    })
}

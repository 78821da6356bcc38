//! Pictures that open no console: what a host shows at `/screen`, and where it refuses that, a CreateScreenshot_Task
//! (`docs/webmks.md` 3.5).

use vsphere::{Client, Error, Vm};

use super::capture::Capture;

/// A PNG of what the VM shows now. `/screen` comes first: it leaves nothing behind, and it is one request.
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

/// The host writes a file for it, which is not to lie about among the VM's own: who asks for a picture here asks for none
/// over there.
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

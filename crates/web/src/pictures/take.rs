//! Takes one picture.

use tokio::task::spawn_blocking;
use tracing::{debug, warn};
use vsphere::{Client, Error, Vm};

use super::cache::Picture;
use super::endpoint::Endpoint;
use super::thumbnail::thumbnail;

/// Why there is no picture.
pub(super) enum Failure {
    VSphere(Error),
    /// CreateScreenshot_Task would leave its file.
    LeavesFiles,
    /// The PNG cannot be read.
    Unreadable,
}

/// A PNG of a host, and whether it comes from CreateScreenshot_Task.
struct Taken {
    png: Vec<u8>,
    by_task: bool,
}

/// A small picture of a VM, and whether it comes from CreateScreenshot_Task. `by_task`: `/screen` has refused before.
pub(super) async fn picture(
    client: &Client,
    vm: &Vm,
    by_task: bool,
    endpoint: &Endpoint,
) -> Result<(Picture, bool), Failure> {
    let Taken { png, by_task } = match by_task {
        true => by_screenshot_task(client, vm, endpoint).await?,
        false => match client.screen(&vm.moref).await {
            Ok(png) => Taken {
                png,
                by_task: false,
            },
            Err(Error::NoScreen { .. }) => by_screenshot_task(client, vm, endpoint).await?,
            Err(error) => return Err(Failure::VSphere(error)),
        },
    };
    let small = spawn_blocking(move || thumbnail(&png)).await;
    let small = small.ok().flatten().ok_or(Failure::Unreadable)?;
    Ok((Picture::new(small), by_task))
}

/// The task writes a file into the VM's directory, which is deleted after the download. Where one stays, there are no further
/// pictures by this way: there would be a file each time.
async fn by_screenshot_task(
    client: &Client,
    vm: &Vm,
    endpoint: &Endpoint,
) -> Result<Taken, Failure> {
    if endpoint.leaves_files() {
        return Err(Failure::LeavesFiles);
    }
    let shot = client.screenshot(vm).await;
    let left = match &shot {
        Ok(shot) => shot.not_removed.as_ref().map(|error| (&shot.path, error)),
        Err(Error::NotFetched { path, cause }) => Some((path, &**cause)),
        Err(_) => None,
    };
    if let Some((path, error)) = left {
        endpoint.left_file();
        let (vsphere, name) = (client.name(), &vm.name);
        warn!(
            vsphere,
            vm = name,
            "the picture {path} stays on the datastore ({error}): delete it; there are no pictures by CreateScreenshot_Task until mksgate is restarted, or set thumbnail_every = \"0s\""
        );
    }
    let shot = shot.map_err(Failure::VSphere)?;
    Ok(Taken {
        png: shot.png,
        by_task: true,
    })
}

impl Failure {
    /// As a warning, if it is the first since a picture of this vSphere was taken: there may be one for each VM.
    pub(super) fn log(&self, client: &Client, vm: &Vm, is_first: bool) {
        let (vsphere, vm) = (client.name(), &vm.name);
        let sentence = match self {
            Self::VSphere(error) => error.to_string(),
            Self::LeavesFiles => {
                "CreateScreenshot_Task leaves its files on the datastore".to_owned()
            }
            Self::Unreadable => "the host's picture is not a valid PNG".to_owned(),
        };
        match is_first {
            true => warn!(
                vsphere,
                vm, "no picture of this VM, and perhaps of others: {sentence}"
            ),
            false => debug!(vsphere, vm, "no picture of this VM: {sentence}"),
        }
    }
}

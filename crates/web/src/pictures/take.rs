//! Takes one picture.

use std::sync::Arc;

use gateway::settings::Web;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::{debug, warn};
use vsphere::{Client, Error, Vm};

use super::cache::Picture;
use super::endpoint::Endpoint;
use super::thumbnail::thumbnail;
use crate::app::App;
use crate::row::Row;

/// Why there is no picture.
enum Failure {
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

/// Takes the picture of a VM when its turn comes. This is never cancelled, so that the file of CreateScreenshot_Task is deleted.
pub(super) async fn take(app: Arc<App>, web: Arc<Web>, row: Arc<Row>, endpoint: Arc<Endpoint>) {
    let pictures = &app.pictures;
    let (key, every) = (&row.key, web.thumbnail_every);
    let _turn = tokio::select! {
        turn = endpoint.turn(&row.host, web.thumbnails_per_host) => turn,
        () = pictures.ended.cancelled() => return,
    };
    let vspheres = app.entrance.vspheres();
    let upstream = row.vsphere.as_ref().and_then(|name| vspheres.get(name));
    let (Some(upstream), Some(vm), false) = (upstream, &row.vm, endpoint.rests()) else {
        return pictures.cache(|cache| cache.put_off(key));
    };
    let Some(by_task) = pictures.cache(|cache| cache.begin(key, Instant::now(), every)) else {
        return;
    };
    match picture(upstream.client(), vm, by_task, &endpoint).await {
        Ok((picture, by_task)) => {
            endpoint.succeeded();
            pictures.cache(|cache| cache.succeed(key, picture, Instant::now(), by_task));
        }
        Err(Failure::VSphere(error @ Error::Http { status: 503, .. })) => {
            if let Some(pause) = endpoint.overloaded() {
                let (vsphere, seconds) = (upstream.client().name(), pause.as_secs());
                warn!(vsphere, "no pictures of VMs for {seconds} s: {error}");
            }
            pictures.cache(|cache| cache.put_off(key));
        }
        Err(failure) => {
            log(&failure, &row, &endpoint);
            pictures.cache(|cache| cache.fail(key, Instant::now(), every));
        }
    }
}

async fn picture(
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

/// As a warning, if it is the first since a picture of this vSphere was taken: there may be one for each VM.
fn log(failure: &Failure, row: &Row, endpoint: &Endpoint) {
    let (vsphere, vm) = (row.vsphere.as_deref().unwrap_or_default(), &row.name);
    let sentence = match failure {
        Failure::VSphere(error) => error.to_string(),
        Failure::LeavesFiles => {
            "CreateScreenshot_Task leaves its files on the datastore".to_owned()
        }
        Failure::Unreadable => "the host's picture is no PNG that can be read".to_owned(),
    };
    match endpoint.failed() {
        true => warn!(
            vsphere,
            vm, "no picture of this VM, and perhaps of others: {sentence}"
        ),
        false => debug!(vsphere, vm, "no picture of this VM: {sentence}"),
    }
}

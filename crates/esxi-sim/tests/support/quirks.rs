//! Desktops with quirks, and the first and last messages of their clients.

use esxi_sim::{EndReason, Host, Quirks, VmSettings};

use super::screen::SERVER_CAPS;
use super::{Viewer, console, soon, start};

/// A host with one VM that has these quirks.
pub(crate) async fn quirky(change: impl FnOnce(&mut Quirks)) -> Host {
    start(|settings| {
        let mut quirks = Quirks::default();
        change(&mut quirks);
        settings.vms = vec![VmSettings {
            quirks,
            ..VmSettings::desktop("vm08")
        }];
    })
    .await
}

/// A console after ServerInit.
pub(crate) async fn begun(host: &Host) -> Viewer {
    let mut viewer = console(host, "vm08").await;
    viewer.begin().await;
    viewer
}

/// Lists ServerCaps with SetEncodings; returns the announced bits.
pub(crate) async fn ask_for_caps(viewer: &mut Viewer) -> u32 {
    viewer.list(&[SERVER_CAPS]).await;
    let message = viewer.take(8).await;
    assert_eq!(message[..4], [127, 0, 0, 8]);
    u32::from_be_bytes(message[4..].try_into().unwrap())
}

/// Waits for a console to end with a protocol violation; returns its description.
pub(crate) async fn violation(mut viewer: Viewer, host: &Host, number: usize) -> String {
    assert_eq!(viewer.ended().await, Some(1002));
    drop(viewer);
    let counts = soon(host.counts_until(|counts| counts.ends.len() > number)).await;
    match &counts.ends[number].reason {
        EndReason::Violation(rule) => rule.clone(),
        other => panic!("{other:?}"),
    }
}

//! Desktops that have moods, and what their clients begin and end with.

use esxi_sim::{End, Host, Moods, VmSettings};

use super::screen::SERVER_CAPS;
use super::{Viewer, console, soon, start};

/// A host whose one VM has its moods changed before it starts.
pub(crate) async fn moody(change: impl FnOnce(&mut Moods)) -> Host {
    start(|settings| {
        let mut moods = Moods::default();
        change(&mut moods);
        settings.vms = vec![VmSettings {
            moods,
            ..VmSettings::desktop("vm08")
        }];
    })
    .await
}

/// Its console, up to and including ServerInit.
pub(crate) async fn begun(host: &Host) -> Viewer {
    let mut viewer = console(host, "vm08").await;
    viewer.begin().await;
    viewer
}

/// Lists VMware's ServerCaps and takes the answer: the bits.
pub(crate) async fn ask_for_caps(viewer: &mut Viewer) -> u32 {
    viewer.list(&[SERVER_CAPS]).await;
    let message = viewer.take(8).await;
    assert_eq!(message[..4], [127, 0, 0, 8]);
    u32::from_be_bytes(message[4..].try_into().unwrap())
}

/// Waits for the end of a console that broke a rule, and answers the rule.
pub(crate) async fn violation(mut viewer: Viewer, host: &Host, number: usize) -> String {
    assert_eq!(viewer.ended().await, Some(1002));
    drop(viewer);
    let counts = soon(host.counts_until(|counts| counts.ends.len() > number)).await;
    match &counts.ends[number].how {
        End::Violation(rule) => rule.clone(),
        other => panic!("{other:?}"),
    }
}

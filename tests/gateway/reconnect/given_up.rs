//! The console is not waited for any longer.

use esxi_sim::Placement;

use super::watching::{Watching, setup};
use crate::support::within;

#[tokio::test]
async fn deleted_vm_is_not_waited_for() {
    within(async {
        let testbed = setup().start().await;
        let mut watching = Watching::begin(&testbed).await;
        testbed.host.place("vm08", Placement::Deleted);
        watching.viewer.rest().await;
        let line = watching.viewer.closing_line().await;
        assert_eq!(line.cause, "vm-deleted");
        testbed.end().await;
    })
    .await;
}

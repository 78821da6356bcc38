//! Nothing stays pressed in the guest when a session has ended.

use esxi_sim::ServerCaps;
use mksgate::Limits;
use rfb_proto::input::{Key, Pointer};

use super::*;
use crate::support::within;

/// The ways in which a session ends while keys are down.
#[derive(Debug, Clone, Copy)]
enum Way {
    ViewerLeaves,
    ViewerResets,
    ViewerIsIdle,
    TimeIsUp,
    GatewayEnds,
    ViewerBreaksTheProtocol,
}

#[tokio::test]
async fn all_keys_are_up_when_a_session_has_ended_whichever_way() {
    within(async {
        for way in [
            Way::ViewerLeaves,
            Way::ViewerResets,
            Way::ViewerIsIdle,
            Way::TimeIsUp,
            Way::GatewayEnds,
            Way::ViewerBreaksTheProtocol,
        ] {
            for server_caps in [Some(ServerCaps::default()), None] {
                ends_with_keys_up(way, server_caps).await;
            }
        }
    })
    .await;
}

async fn ends_with_keys_up(way: Way, server_caps: Option<ServerCaps>) {
    let short = Some(Duration::from_millis(200));
    let default = Limits::default();
    let limits = match way {
        Way::ViewerIsIdle => Limits {
            idle_timeout: short,
            ..default
        },
        Way::TimeIsUp => Limits {
            max_session_time: short,
            ..default
        },
        _ => default,
    };
    let mut plan = Plan {
        limits,
        ..Plan::default()
    };
    plan.host.vms[0].moods.server_caps = server_caps;
    let house = plan.start().await;
    // Otherwise its keys would wait, for longer than some of these sessions last.
    let mut viewer = seeing(&house, &[Encoding::RAW]).await;
    let held = [0xffe3, 0xffe9, 0x61];
    for keysym in held {
        viewer.say(Message::Key(Key { down: true, keysym })).await;
    }
    let pointer = Pointer {
        buttons: 1,
        x: 3,
        y: 4,
    };
    viewer.say(Message::Pointer(pointer)).await;
    let down = house.host.keys_until("vm08", |keys| keys.len() == 3).await;
    assert!(down.iter().all(|key| key.down), "{way:?}");
    house
        .host
        .pointer_until("vm08", |pointer| pointer.buttons == 1)
        .await;
    match way {
        Way::ViewerLeaves => drop(viewer),
        Way::ViewerResets => viewer.reset(),
        Way::GatewayEnds => house.shutdown.now.cancel(),
        Way::ViewerBreaksTheProtocol => viewer.send(&[99]).await,
        Way::ViewerIsIdle | Way::TimeIsUp => {}
    }
    house
        .host
        .counts_until(|counts| counts.ends.len() == 1)
        .await;
    assert!(house.host.keys_down("vm08").is_empty(), "{way:?}");
    assert_eq!(house.host.pointer("vm08").buttons, 0, "{way:?}");
    house.end().await;
}

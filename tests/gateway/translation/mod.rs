//! The dialect end to end: viewers' messages at hosts with every quirk, and hosts' updates at viewers.

mod key_release;
mod key_repeat;
mod keys;
mod pictures;

use std::time::Duration;

use esxi_sim::{Quirks, VmSettings};
use gateway::InputSettings;
use gateway::settings::ConsoleSettings;
use rfb_proto::client_messages::{Message, set_encodings};
use rfb_proto::{Area, Encoding};

use crate::support::testbed::{Setup, Testbed, vm};
use crate::support::viewer::Viewer;

/// A testbed with one VM with these quirks and customized console settings.
async fn testbed_with(
    quirks: Quirks,
    customize: fn(ConsoleSettings) -> ConsoleSettings,
) -> Testbed {
    let mut setup = Setup {
        customize,
        ..Setup::default()
    };
    setup.host.vms = vec![VmSettings {
        quirks,
        ..vm("vm08")
    }];
    setup.start().await
}

/// A viewer that has received its first picture, so that the gateway knows the host's ServerCaps.
async fn viewer_with_picture(testbed: &Testbed, list: &[Encoding]) -> Viewer {
    let mut viewer = testbed.viewer().await;
    let desktop = viewer.open().await;
    viewer.set_encodings(list).await;
    viewer.picture(&desktop).await;
    viewer
}

impl Viewer {
    async fn send_message(&mut self, message: Message<'_>) {
        let mut bytes = Vec::new();
        message.write(&mut bytes);
        self.send(&bytes).await;
    }

    async fn set_encodings(&mut self, list: &[Encoding]) {
        let mut bytes = Vec::new();
        set_encodings(list.iter().copied(), &mut bytes);
        self.send(&bytes).await;
    }

    async fn request_update(&mut self, incremental: bool, area: Area) {
        let request = rfb_proto::client_messages::UpdateRequest { incremental, area };
        self.send_message(Message::UpdateRequest(request)).await;
    }

    /// Reads the header of a FramebufferUpdate and returns its number of rectangles.
    async fn update_head(&mut self) -> u16 {
        let head = self.bytes(4).await;
        assert_eq!(head[0], 0, "a FramebufferUpdate");
        u16::from_be_bytes([head[2], head[3]])
    }

    /// Reads the header of a rectangle.
    async fn rectangle(&mut self) -> (Area, Encoding) {
        let head = self.bytes(12).await;
        let side = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        let area = Area {
            x: side(0),
            y: side(2),
            width: side(4),
            height: side(6),
        };
        let encoding = i32::from_be_bytes(*head.last_chunk().unwrap());
        (area, Encoding(encoding))
    }
}

/// The whole screen of a small desktop.
const EVERYTHING: Area = Area {
    x: 0,
    y: 0,
    width: 160,
    height: 120,
};

//! A viewer that keeps its picture current.

use std::time::Duration;

use crate::support::testbed::{Setup, Testbed};
use crate::support::viewer::{Desktop, Viewer};
use gateway::settings::{Limits, Reconnect};
use rfb_proto::Area;
use rfb_proto::client_messages::{Message, UpdateRequest};

/// The bytes of a pixel.
const PIXEL: usize = 4;

/// The height of the band with the line.
const BAND: usize = 20;

/// A testbed whose consoles are waited for.
pub(super) fn setup() -> Setup {
    let setup = Setup::default();
    Setup {
        limits: Limits {
            reconnect: Reconnect {
                reconnect_for: Duration::from_secs(200),
                ..Reconnect::default()
            },
            ..setup.limits
        },
        ..setup
    }
}

/// A viewer, and what it shows.
pub(super) struct Watching {
    pub(super) viewer: Viewer,
    desktop: Desktop,
    /// Red, green, blue and an unused byte per pixel.
    pub(super) picture: Vec<u8>,
}

impl Watching {
    /// A viewer of the first port, with its first picture.
    pub(super) async fn begin(testbed: &Testbed) -> Self {
        let mut viewer = testbed.viewer().await;
        let desktop = viewer.open().await;
        let picture = viewer.picture(&desktop).await;
        let mut watching = Self {
            viewer,
            desktop,
            picture,
        };
        watching.request().await;
        watching
    }

    async fn request(&mut self) {
        let area = Area {
            x: 0,
            y: 0,
            width: self.desktop.width,
            height: self.desktop.height,
        };
        let mut bytes = Vec::new();
        let request = UpdateRequest {
            incremental: true,
            area,
        };
        Message::UpdateRequest(request).write(&mut bytes);
        self.viewer.send(&bytes).await;
    }

    /// Receives the answer to the last request, and requests the next update.
    pub(super) async fn update(&mut self) {
        let width = usize::from(self.desktop.width);
        let mut seen = vec![false; self.picture.len() / PIXEL];
        self.viewer
            .update(&mut self.picture, &mut seen, width)
            .await;
        self.request().await;
    }

    /// Receives updates until the gateway closes the connection, which it does between two messages.
    pub(super) async fn until_closed(&mut self) {
        while !self.viewer.is_at_end().await {
            self.update().await;
        }
    }

    /// Waits for the line over the picture.
    pub(super) async fn line(&mut self) {
        while !self.shows_line() {
            self.update().await;
        }
    }

    /// Waits for a line with another text than the present one.
    pub(super) async fn other_line(&mut self) {
        let before = self.picture.clone();
        while !self.shows_line() || self.picture == before {
            self.update().await;
        }
    }

    /// Waits until the whole picture is what a new viewer gets.
    pub(super) async fn current_picture(&mut self, testbed: &Testbed) {
        let mut other = testbed.viewer().await;
        let desktop = other.open().await;
        let picture = other.picture(&desktop).await;
        self.picture_is(&picture).await;
    }

    /// Waits until the whole picture is this one.
    pub(super) async fn picture_is(&mut self, picture: &[u8]) {
        while self.picture != picture {
            self.update().await;
        }
    }

    /// Whether the band at the bottom has no colours but those of the line.
    pub(super) fn shows_line(&self) -> bool {
        let length = BAND * usize::from(self.desktop.width) * PIXEL;
        let band = &self.picture[self.picture.len() - length..];
        let of = |colour: u8| {
            let pixels = band.chunks(PIXEL);
            pixels.filter(|pixel| pixel[..3] == [colour; 3]).count()
        };
        let (dark, bright) = (of(24), of(255));
        bright > 100 && dark + bright == length / PIXEL
    }
}

//! A desktop over RFB 3.8: the handshake, then updates out and input in.

use std::sync::Arc;

use bytes::{BufMut, BytesMut};

use super::client::{self, ClientMessage};
use super::handshake;
use super::line::Line;
use super::pixel::PixelFormat;
use crate::counts::End;
use crate::desktop::{Area, Desktop, Seen};

/// What one console has asked for.
struct Viewer<'a> {
    desktop: &'a Desktop,
    format: PixelFormat,
    /// A request that could not be answered yet, since nothing had changed.
    waiting: Option<Area>,
    seen: Seen,
}

/// Serves `desktop` until something ends it.
pub(super) async fn serve(line: &mut Line, name: &str, desktop: &Arc<Desktop>) -> End {
    match run(line, name, desktop).await {
        Ok(never) => match never {},
        Err(end) => end,
    }
}

async fn run(
    line: &mut Line,
    name: &str,
    desktop: &Arc<Desktop>,
) -> Result<std::convert::Infallible, End> {
    handshake::serve(line).await?;
    // ClientInit: the shared flag "is currently ignored by our server" (`docs/webmks.md` 1.2).
    line.take(1).await?;
    line.send(server_init(name, desktop)).await?;
    let mut viewer = Viewer {
        desktop,
        format: PixelFormat::NATIVE,
        waiting: None,
        seen: Seen::default(),
    };
    let mut changes = desktop.watch();
    loop {
        while let Some(message) = client::take(&mut line.inbox).map_err(End::Violation)? {
            if let Some(update) = viewer.hear(message) {
                line.send(update).await?;
            }
        }
        tokio::select! {
            received = line.receive() => received?,
            changed = changes.changed(), if viewer.waiting.is_some() => {
                changed.map_err(|_| End::Stopped)?;
                if let Some(update) = viewer.answer_waiting() {
                    line.send(update).await?;
                }
            }
        }
    }
}

impl Viewer<'_> {
    /// Does what a message asks for; answers an update if one is due.
    fn hear(&mut self, message: ClientMessage) -> Option<BytesMut> {
        match message {
            ClientMessage::SetPixelFormat(format) => self.format = format,
            // Raw needs no asking for, and no other encoding is spoken.
            ClientMessage::SetEncodings(_) | ClientMessage::CutText => {}
            ClientMessage::Key { down, keysym } => self.desktop.key(down, keysym),
            ClientMessage::Pointer { buttons, x, y } => self.desktop.point(x, y, buttons),
            ClientMessage::UpdateRequest {
                incremental,
                region,
            } => {
                let region = self.desktop.clip(region)?;
                if !incremental {
                    return self.update(region, false);
                }
                self.waiting = Some(region);
            }
        }
        self.answer_waiting()
    }

    fn answer_waiting(&mut self) -> Option<BytesMut> {
        let update = self.update(self.waiting?, true);
        if update.is_some() {
            self.waiting = None;
        }
        update
    }

    /// A FramebufferUpdate (RFC 6143 section 7.6.1) with what has changed in `region`; `None` if nothing has.
    fn update(&mut self, region: Area, incremental: bool) -> Option<BytesMut> {
        let mut rectangles = 0_u16;
        let mut body = BytesMut::new();
        let format = self.format;
        self.desktop
            .show(&mut self.seen, region, incremental, |area, rows| {
                rectangles += 1;
                write_raw(format, area, rows, &mut body);
            });
        if rectangles == 0 {
            return None;
        }
        let mut update = BytesMut::with_capacity(4);
        update.put_slice(&[0, 0]);
        update.put_u16(rectangles);
        update.unsplit(body);
        Some(update)
    }
}

/// A rectangle in Raw encoding (RFC 6143 section 7.7.1).
fn write_raw(format: PixelFormat, area: Area, rows: &[&[u32]], out: &mut BytesMut) {
    let pixels = usize::from(area.width) * usize::from(area.height);
    out.reserve(12 + pixels * format.bytes_per_pixel());
    for number in [area.x, area.y, area.width, area.height] {
        out.put_u16(number);
    }
    out.put_i32(RAW);
    rows.iter().for_each(|row| format.write_pixels(row, out));
}

/// ServerInit (RFC 6143 section 7.3.2); the desktop's name is the VM's (`docs/webmks.md` 2.2).
fn server_init(name: &str, desktop: &Desktop) -> BytesMut {
    let mut init = BytesMut::new();
    init.put_u16(desktop.width);
    init.put_u16(desktop.height);
    PixelFormat::NATIVE.write(&mut init);
    init.put_u32(u32::try_from(name.len()).unwrap_or(u32::MAX));
    init.put_slice(name.as_bytes());
    init
}

const RAW: i32 = 0;

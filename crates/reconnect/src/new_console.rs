//! A console that was opened again, up to its ServerInit.

use console::Error;
use console::client::ConsoleClient;
use console::host_link::OpenConsole;
use rfb_proto::PixelFormat;

/// A console that has sent ServerInit.
pub struct NewConsole {
    /// What it sends next is its first message after ServerInit.
    pub console: Box<OpenConsole>,
    /// The size of its framebuffer, in pixels.
    pub size: (u16, u16),
    /// Its pixel format.
    pub format: PixelFormat,
}

impl NewConsole {
    /// Sends ClientInit, with the shared-flag: no other client is disconnected (RFC 6143 section 7.3.1).
    ///
    /// # Errors
    /// The connection ends, or its RFB cannot be decoded.
    pub(crate) async fn enter(console: OpenConsole) -> Result<Self, Error> {
        let (client, screen) = ConsoleClient::enter(console).await?;
        Ok(Self {
            console: Box::new(client.into_console()),
            size: screen.size,
            format: screen.format,
        })
    }
}

//! The options of a capture, and the capture itself: from the console, or from the vSphere API.

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use rfb_proto::VncPassword;
use tokio::time::{Instant, timeout_at};
use vsphere::{Vm, VmRef};

use super::api;
use super::capture::Capture;
use console::client::{ConsoleClient, Picture, decode_png};
use console::dialer::{Dialer, TimeLimit};
use console::progress::{Observer, Progress};
use console::secret::Secret;
use console::upstream::Upstream;
use console::{Blame, Error};

/// Options of a capture.
#[derive(Args, Clone, Copy)]
pub(crate) struct CaptureArgs {
    /// Scale factor: 0.5 halves width and height
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = scale)]
    pub(super) scale: f64,
    /// Source: the console itself, in full resolution, or the vSphere API, which opens no console: /screen, else
    /// CreateScreenshot_Task
    #[arg(long, value_enum, default_value_t = Via::Webmks)]
    pub(super) via: Via,
    #[clap(skip)]
    pub(super) within: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Via {
    Webmks,
    Api,
}

impl CaptureArgs {
    /// A PNG of the VM's current screen.
    pub(super) async fn take(
        self,
        upstream: &Arc<Upstream>,
        vm: &Vm,
        password: Option<Secret<VncPassword>>,
        observer: &Observer,
    ) -> Result<Capture, Error> {
        if self.via == Via::Api {
            let taken = api::take(upstream.client(), vm).await?;
            if self.scale == 1.0 {
                return Ok(taken);
            }
            let picture = decode_png(&taken.png).map_err(Error::Setup)?;
            return self.encode(picture, taken.leftover);
        }
        // Dials by moref, which needs no second lookup.
        let vm = VmRef::Moref(vm.moref.clone());
        let dialer = Dialer::Vm(Arc::clone(upstream), vm, password);
        self.take_from(&dialer, observer).await
    }

    fn encode(self, picture: Picture, leftover: Option<String>) -> Result<Capture, Error> {
        let picture = match self.scale {
            1.0 => picture,
            scale => picture.scaled(scale),
        };
        let mut png = Vec::new();
        picture
            .write_png(&mut png)
            .map_err(|_| {
                Error::Setup("a screen of this size cannot be encoded as PNG: check in a viewer that the guest's screen is on".into())
            })?;
        Ok(Capture { png, leftover })
    }

    /// A PNG of what the console shows.
    pub(super) async fn take_from(
        self,
        dialer: &Dialer,
        observer: &Observer,
    ) -> Result<Capture, Error> {
        let limit = TimeLimit::of(self.within);
        let console = dialer.dial(limit, observer).await?;
        let captured = async {
            let (mut viewer, screen) = ConsoleClient::enter(console).await?;
            observer(Progress::Screen(&screen));
            let picture = viewer.frame().await?;
            viewer.leave().await;
            Ok(picture)
        };
        let slow = || Error::Slow {
            what: match dialer {
                Dialer::Vm(..) => "ESXi's picture".into(),
                Dialer::Url(endpoint) => endpoint.name.clone(),
            },
            blame: Blame::Esxi,
            within: self.within,
        };
        let picture = timeout_at(Instant::now() + self.within, captured)
            .await
            .unwrap_or_else(|_| Err(slow()))?;
        self.encode(picture, None)
    }
}

fn scale(text: &str) -> Result<f64, String> {
    let factor = text.parse().ok();
    factor
        .filter(|factor| (0.01..=1.0).contains(factor))
        .ok_or_else(|| "write a number from 0.01 to 1".into())
}

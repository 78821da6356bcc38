//! `mksgate screenshot`: what consoles show, as PNG.

mod all;
mod api;
mod file;
mod links;

use std::ffi::OsString;
use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::builder::TypedValueParser;
use clap::{Args, ValueEnum};
use rfb_proto::VncPassword;
use tokio::time::{Instant, timeout_at};
use vsphere::{Vm, VmRef};

use super::vm_password::VmPassword;
use super::which::{Chosen, OfVSphere, Which, known_vms};
use super::{CommandError, shown, unless};
use crate::signals::Ends;
use crate::terminal::{Spinner, Terminal, tell};
use console::client::{ConsoleClient, Picture};
use console::dialer::{Dialer, TimeLimit};
use console::progress::{Observer, Progress};
use console::secret::Secret;
use console::upstream::Upstream;
use console::{Blame, Error};
use gateway::settings::Config;

#[derive(Args)]
pub(crate) struct Options {
    /// A VM: its name, inventory path (/DC/vm/folder/name), uuid:…, instance-uuid:… or moref:…
    #[arg(required_unless_present = "all", conflicts_with = "all", add = known_vms())]
    vm: Option<VmRef>,
    #[command(flatten)]
    vsphere: OfVSphere,
    /// The file to write; - is standard output, where that is no terminal
    #[arg(
        short,
        long,
        value_name = "FILE.png",
        value_parser = clap::builder::OsStringValueParser::new().try_map(picture_file),
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    output: Option<PathBuf>,
    /// Every VM that is powered on, four at a time
    #[arg(long, requires = "directory")]
    all: bool,
    /// Where to write a file for each of them
    #[arg(short, long, value_name = "DIR", requires = "all")]
    directory: Option<PathBuf>,
    #[command(flatten)]
    password: VmPassword,
    #[command(flatten)]
    manner: Manner,
}

/// How pictures are taken.
#[derive(Args, Clone, Copy)]
pub(crate) struct Manner {
    /// Make them smaller: 0.5 is half as wide and half as high
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = scale)]
    scale: f64,
    /// Where from: the console itself, pixel for pixel, or vSphere, which opens no console: from /screen, else by
    /// CreateScreenshot_Task
    #[arg(long, value_enum, default_value_t = Via::Webmks)]
    via: Via,
    #[clap(skip)]
    within: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Via {
    Webmks,
    Api,
}

/// Takes one picture, or one of each VM.
pub(crate) async fn run(
    options: Options,
    config: Config,
    terminal: Terminal,
) -> Result<(), CommandError> {
    let manner = Manner {
        within: config.gateway.handshake_timeout,
        ..options.manner
    };
    match (options.vm, options.output, options.directory) {
        (Some(vm), Some(output), _) => {
            let mut ends = Ends::watch()?;
            let which = Which::new(vm, options.vsphere, options.password);
            let work = async |chosen: &Chosen, spinner: &Spinner| {
                chosen.must_run()?;
                let observer = spinner.observer();
                let password = chosen.vnc_password.clone();
                let taken = manner
                    .take(&chosen.upstream, &chosen.vm, password, &*observer)
                    .await;
                taken.map_err(|failure| CommandError::Failed(chosen.explain(&failure)))
            };
            let taken = which.visit(config, terminal, work).await?;
            taken.say_what_is_left();
            if output == Path::new("-") {
                return unless(&mut ends, shown(taken.png)).await.map(drop);
            }
            file::write(&output, &taken.png)
        }
        (_, _, Some(directory)) => {
            let password = options.password.read()?;
            let which = all::Which {
                vsphere: options.vsphere,
                password,
            };
            all::run(which, &directory, manner, config, terminal).await
        }
        // The command line has been checked for that.
        _ => Err(CommandError::Usage("name a VM and a file, or --all".into())),
    }
}

/// A picture that was taken.
struct Taken {
    png: Vec<u8>,
    /// What stays behind of it where it comes from, as a sentence.
    left: Option<String>,
}

impl Taken {
    /// Quiet or not: nobody else knows of it.
    fn say_what_is_left(&self) {
        if let Some(left) = &self.left {
            tell(left);
        }
    }
}

impl From<Vec<u8>> for Taken {
    fn from(png: Vec<u8>) -> Self {
        Self { png, left: None }
    }
}

impl Manner {
    /// A PNG of what the VM shows now.
    async fn take(
        self,
        upstream: &Arc<Upstream>,
        vm: &Vm,
        password: Option<Secret<VncPassword>>,
        observer: &Observer,
    ) -> Result<Taken, Error> {
        let (picture, left) = match self.via {
            Via::Webmks => (self.look(upstream, vm, password, observer).await?, None),
            Via::Api => {
                let taken = api::take(upstream.client(), vm).await?;
                if self.scale == 1.0 {
                    return Ok(taken);
                }
                let picture = file::decoded(&taken.png).map_err(Error::Setup)?;
                (picture, taken.left)
            }
        };
        let picture = match self.scale {
            1.0 => picture,
            scale => picture.scaled(scale),
        };
        let mut png = Vec::new();
        picture
            .write_png(&mut png)
            .map_err(|error| Error::Setup(format!("no PNG can be made of it ({error})")))?;
        Ok(Taken { png, left })
    }

    async fn look(
        self,
        upstream: &Arc<Upstream>,
        vm: &Vm,
        password: Option<Secret<VncPassword>>,
        observer: &Observer,
    ) -> Result<Picture, Error> {
        // By its id it need not be looked up again.
        let vm = VmRef::Moref(vm.moref.clone());
        let dialer = Dialer::Vm(Arc::clone(upstream), vm, password);
        let limit = TimeLimit::of(self.within);
        let console = dialer.dial(limit, observer).await?;
        let looked = async {
            let (mut viewer, screen) = ConsoleClient::enter(console).await?;
            observer(Progress::Screen(&screen));
            let picture = viewer.frame().await?;
            viewer.leave().await;
            Ok(picture)
        };
        let slow = || Error::Slow {
            what: "ESXi's picture".into(),
            blame: Blame::Esxi,
            within: self.within,
        };
        timeout_at(Instant::now() + self.within, looked)
            .await
            .unwrap_or_else(|_| Err(slow()))
    }
}

/// Bytes of a picture are commands to a terminal, and none that anybody meant.
fn picture_file(name: OsString) -> Result<PathBuf, &'static str> {
    match name.to_str() {
        Some("") => Err("write the name of a file"),
        Some("-") if stdout().is_terminal() => Err(
            "standard output is a terminal: write the name of a file, or send it to one with > or |",
        ),
        _ => Ok(name.into()),
    }
}

fn scale(text: &str) -> Result<f64, String> {
    let factor = text.parse().ok();
    factor
        .filter(|factor| (0.01..=1.0).contains(factor))
        .ok_or_else(|| "write a number from 0.01 to 1".into())
}

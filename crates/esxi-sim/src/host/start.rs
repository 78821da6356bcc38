//! Starts a host: its state, its ports and its tasks.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Host;
use crate::api_tasks::ApiTasks;
use crate::certificate::Identity;
use crate::console::session;
use crate::console_connections::Connections;
use crate::counts::Counters;
use crate::datastore::Datastore;
use crate::desktop::Desktop;
use crate::desktop_clock;
use crate::display::{Display, Displays};
use crate::host_state::HostState;
use crate::http::listener::{self, Port};
use crate::http::router::{self, Routes};
use crate::http::ticket::StartConsole;
use crate::inventory::Inventory;
use crate::inventory::vm::{Firmware, ReadScreen, Vm, moref, uuid};
use crate::key_repeat;
use crate::kind::Kind;
use crate::misbehaviour::MisbehaviourQueue;
use crate::placement::Placement;
use crate::sessions::Sessions;
use crate::settings::{Screen, Settings, VmSettings};
use crate::tickets::Tickets;
use crate::vim25::version::ApiVersion;

impl Host {
    /// Starts a host; its ports accept connections when this returns.
    ///
    /// # Errors
    /// The address cannot be bound, or the version is not one.
    pub async fn start(settings: Settings) -> io::Result<Self> {
        let api = ApiVersion::read(&settings.version).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "a version such as 7.0.3 is needed",
            )
        })?;
        let (listener, identity, address) = bind(settings.listen).await?;
        let api_port = |has_consoles| Port {
            listener,
            identity: Arc::clone(&identity),
            has_consoles,
        };
        let (ports, console_address, console_identity) = match console_listen(&settings) {
            None => {
                let ports = vec![(api_port(true), Routes::Both)];
                (ports, address, Arc::clone(&identity))
            }
            Some(listen) => {
                let (listener, identity, address) = bind(listen).await?;
                let console_port = Port {
                    listener,
                    identity: Arc::clone(&identity),
                    has_consoles: true,
                };
                let ports = vec![
                    (console_port, Routes::Console),
                    (api_port(false), Routes::Api),
                ];
                (ports, address, identity)
            }
        };
        let (vms, displays) = vms(settings.vms.clone(), settings.kind, settings.clock);
        let (displays, inventory) = (
            Arc::new(displays),
            Inventory::new(settings.kind, api, settings.version.clone(), vms),
        );
        let state = Arc::new(state(
            settings,
            inventory,
            console_address,
            console_identity,
        ));
        spawn_tasks(&state, &displays, ports);
        Ok(Self {
            state,
            address,
            identity,
            displays,
        })
    }
}

fn spawn_tasks(state: &Arc<HostState>, displays: &Arc<Displays>, ports: Vec<(Port, Routes)>) {
    let start_console = start_console(Arc::clone(state), Arc::clone(displays));
    for (port, routes) in ports {
        let (shared, start_console) = (Arc::clone(state), Arc::clone(&start_console));
        let answer = move |cork, request| {
            let (state, start_console) = (Arc::clone(&shared), Arc::clone(&start_console));
            router::answer(state, start_console, routes, cork, request)
        };
        let accepting = listener::accept(Arc::clone(state), port, answer);
        state.tasks.spawn(accepting);
    }
    let desktops: Vec<Arc<Desktop>> = displays.values().filter_map(Display::desktop).collect();
    for desktop in &desktops {
        let repeating = key_repeat::run(Arc::clone(desktop), state.stop.clone());
        state.tasks.spawn(repeating);
    }
    let clock = desktop_clock::run(desktops, state.stop.clone());
    state.tasks.spawn(clock);
    state.tasks.close();
}

/// Serves each console in a task of its own.
fn start_console(state: Arc<HostState>, displays: Arc<Displays>) -> Arc<StartConsole> {
    Arc::new(move |vm, upgrade, misbehaviour| {
        if let Some(display) = displays.get(&vm.moref) {
            let (shared, display) = (Arc::clone(&state), display.clone());
            let serving = session::run(shared, vm, display, upgrade, misbehaviour);
            state.tasks.spawn(serving);
        }
    })
}

/// The VMs in the order of their settings, and their displays.
fn vms(settings: Vec<VmSettings>, kind: Kind, clock: bool) -> (Vec<Arc<Vm>>, Displays) {
    let (mut vms, mut displays) = (Vec::new(), Displays::new());
    for (index, settings) in settings.into_iter().enumerate() {
        let display = display(&settings, clock);
        let read_screen = display
            .desktop()
            .map(|desktop| -> ReadScreen { Box::new(move || desktop.picture()) });
        let vm = vm(settings, index, kind, read_screen);
        displays.insert(vm.moref.clone(), display);
        vms.push(Arc::new(vm));
    }
    (vms, displays)
}

fn display(settings: &VmSettings, clock: bool) -> Display {
    match settings.screen {
        Screen::Desktop { width, height } => {
            let quirks = settings.quirks.clone();
            let desktop = Desktop::new(&settings.name, (width, height), clock, quirks);
            Display::Desktop(Arc::new(desktop))
        }
        Screen::Bridge(server) => Display::Bridge(server),
    }
}

fn vm(settings: VmSettings, index: usize, kind: Kind, read_screen: Option<ReadScreen>) -> Vm {
    // VMs with the same name in different folders need different uuids.
    let place = match &settings.folder {
        Some(folder) => format!("{folder}/{}", settings.name),
        None => settings.name.clone(),
    };
    Vm {
        moref: moref(kind, index),
        uuid: uuid("bios", &place),
        instance_uuid: uuid("instance", &place),
        name: settings.name,
        folder: settings.folder.filter(|_| kind == Kind::VCenter),
        console_permitted: settings.console_permitted,
        connections: Arc::new(Connections::new(settings.max_consoles)),
        cut_consoles_linger: settings.cut_consoles_linger,
        power: watch::Sender::new(settings.power),
        placement: Mutex::new(Placement::FirstHost),
        read_screen,
        silence: watch::Sender::new(()),
        renamed: Mutex::default(),
        guest_host_name: settings.guest_host_name,
        guest_address: settings.guest_address,
        denied_privileges: settings.denied_privileges,
        firmware: Firmware::default(),
        not_created_answers: AtomicU32::new(0),
    }
}

/// The address of a separate console port, if there is one.
fn console_listen(settings: &Settings) -> Option<SocketAddr> {
    let own = || {
        Some(SocketAddr::new(settings.listen.ip(), 0)).filter(|_| settings.kind == Kind::VCenter)
    };
    settings.console_listen.or_else(own)
}

/// Binds a port and generates a certificate for its address.
async fn bind(listen: SocketAddr) -> io::Result<(TcpListener, Arc<Identity>, SocketAddr)> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let identity = Arc::new(Identity::generate(address.ip())?);
    Ok((listener, identity, address))
}

fn state(
    settings: Settings,
    inventory: Inventory,
    console_address: SocketAddr,
    console_identity: Arc<Identity>,
) -> HostState {
    HostState {
        username: settings.username,
        password: settings.password,
        inventory,
        sessions: Sessions::default(),
        tickets: Tickets::new(settings.ticket_lifetime),
        counters: Counters::new(),
        misbehaviours: MisbehaviourQueue::default(),
        sdk_refusal: Mutex::default(),
        ticket_shape: Mutex::new(settings.tickets),
        datastore: Datastore::default(),
        api_tasks: ApiTasks::default(),
        screenshots: Mutex::default(),
        screen_refusal: Mutex::default(),
        screen_delay: Mutex::default(),
        console_address,
        console_identity,
        next_seed: AtomicU64::new(settings.seed),
        changes: watch::Sender::new(()),
        tasks: TaskTracker::new(),
        stop: CancellationToken::new(),
    }
}

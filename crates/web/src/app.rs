//! What all requests share.

use std::sync::Arc;

use gateway::WebEntrance;
use gateway::settings::Web;
use logins::pre_login_limit::PreLoginLimit;
use tokio_util::task::TaskTracker;

use crate::live::Live;
use crate::pictures::Pictures;
use crate::privileges::Privileges;
use crate::random::random_text;
use crate::rate_limits::RateLimits;
use crate::sessions::Sessions;
use crate::sources::Sources;
use crate::vms::Vms;

/// The state of the page.
pub(crate) struct App {
    /// The gateway.
    pub(crate) entrance: WebEntrance,
    /// The logins.
    pub(crate) sessions: Sessions,
    /// The list.
    pub(crate) live: Live,
    /// The pictures of VMs.
    pub(crate) pictures: Arc<Pictures>,
    /// The consoles that are open.
    pub(crate) consoles: TaskTracker,
    /// How often users and sources may do what.
    pub(crate) rate_limits: RateLimits,
    /// The connections by where they come from.
    pub(crate) sources: Sources,
    /// The connections without a request so far.
    pub(crate) unanswered: PreLoginLimit,
    /// What the accounts of the vSpheres may do with VMs.
    pub(crate) privileges: Privileges,
    /// Makes the form tokens of users without a cookie; `None` where the operating system has no randomness.
    pub(crate) secret: Option<String>,
}

impl App {
    pub(crate) fn new(entrance: WebEntrance) -> Self {
        let live = Live::new();
        live.update(&entrance, &mut Vms::default(), false);
        let factor = entrance.settings().map_or(1, |web| web.rate_limit_factor);
        Self {
            entrance,
            sessions: Sessions::default(),
            live,
            pictures: Arc::new(Pictures::new()),
            consoles: TaskTracker::new(),
            rate_limits: RateLimits::new(factor),
            sources: Sources::default(),
            unanswered: PreLoginLimit::default(),
            privileges: Privileges::default(),
            secret: random_text().ok(),
        }
    }
}

/// The state of the routes.
#[derive(Clone)]
pub(crate) struct Routed {
    /// What all connections share.
    pub(crate) app: Arc<App>,
    /// The settings of this connection.
    pub(crate) web: Arc<Web>,
}

//! The sessions of `/sdk`, by cookie.

pub(crate) mod property_collectors;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use self::property_collectors::Collectors;
use crate::random;
use crate::vim25::value::{Fields, MoRef, Value, date_time};

/// The open sessions by cookie value.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Arc<Session>>>);

/// A session of a user.
pub(crate) struct Session {
    /// `UserSession.key`, which is not the cookie.
    pub(crate) key: String,
    pub(crate) since: SystemTime,
    pub(crate) objects: Mutex<SessionObjects>,
    pub(crate) collectors: Mutex<Collectors>,
}

/// Objects that a session created on the host.
#[derive(Default)]
pub(crate) struct SessionObjects {
    pub(crate) views: HashMap<String, View>,
    /// Pages of RetrievePropertiesEx that were not fetched, by token: whole `objects` elements.
    pub(crate) pages: HashMap<String, Vec<String>>,
}

/// A ContainerView.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) container: MoRef,
    pub(crate) recursive: bool,
    /// The types of its objects; empty: all.
    pub(crate) kinds: Vec<String>,
}

impl Sessions {
    /// Opens a session; returns its cookie value, or `None` when [`SESSIONS`] are open.
    pub(crate) fn open(&self) -> Option<String> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= SESSIONS {
            return None;
        }
        let cookie = random::token();
        let session = Session {
            key: random::token(),
            since: SystemTime::now(),
            objects: Mutex::default(),
            collectors: Mutex::default(),
        };
        open.insert(cookie.clone(), Arc::new(session));
        Some(cookie)
    }

    pub(crate) fn find(&self, cookie: &str) -> Option<Arc<Session>> {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(cookie).cloned()
    }

    /// Ends a session; returns whether it existed.
    pub(crate) fn end(&self, cookie: &str) -> bool {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(cookie).is_some()
    }

    /// Ends all sessions, as their idle timeout would.
    pub(crate) fn end_all(&self) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.clear();
    }
}

impl Session {
    /// Its UserSession.
    pub(crate) fn user_session(&self, username: &str) -> Fields {
        vec![
            ("key", Value::text(self.key.as_str())),
            ("userName", Value::text(username)),
            ("fullName", Value::text("Simulated User")),
            ("loginTime", date_time(self.since)),
            ("lastActiveTime", date_time(self.since)),
            ("locale", Value::text("en")),
            ("messageLocale", Value::text("en")),
        ]
    }

    /// Keeps a page for a token; false when the session has [`PAGES`].
    pub(crate) fn keep_page(&self, token: &str, objects: Vec<String>) -> bool {
        let mut kept = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.pages.len() >= PAGES {
            return false;
        }
        kept.pages.insert(token.to_owned(), objects);
        true
    }

    pub(crate) fn take_page(&self, token: &str) -> Option<Vec<String>> {
        let mut kept = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        kept.pages.remove(token)
    }

    /// Keeps a view; false when the session has [`VIEWS`].
    pub(crate) fn keep_view(&self, id: &str, view: View) -> bool {
        let mut kept = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.views.len() >= VIEWS {
            return false;
        }
        kept.views.insert(id.to_owned(), view);
        true
    }

    pub(crate) fn view(&self, id: &str) -> Option<View> {
        let kept = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        kept.views.get(id).cloned()
    }

    pub(crate) fn destroy_view(&self, id: &str) -> bool {
        let mut kept = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        kept.views.remove(id).is_some()
    }
}

/// A client that never logs out gets an error instead of the host's memory. ESXi's own limit is not known.
const SESSIONS: usize = 4096;
/// Likewise for clients that do not use their continuation tokens.
const PAGES: usize = 64;
/// Likewise for clients that never destroy their views.
const VIEWS: usize = 64;

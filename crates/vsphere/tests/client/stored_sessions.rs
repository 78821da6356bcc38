//! A session that a store keeps from one client to the next.

use std::sync::{Arc, Mutex};

use vsphere::{Client, Error, SessionCookie, SessionStore, VmRef};

use crate::support::{COOKIE, Host, fault, fixture, nothing, ok};
use crate::watching::watched_host;

/// A store in memory.
#[derive(Default)]
struct Memory(Mutex<Option<SessionCookie>>);

impl Memory {
    fn with(cookie: &str) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(SessionCookie::new(cookie).unwrap()))))
    }

    fn kept(&self) -> Option<String> {
        self.load().map(|cookie| cookie.expose().to_owned())
    }
}

impl SessionStore for Memory {
    fn load(&self) -> Option<SessionCookie> {
        self.0.lock().unwrap().clone()
    }

    fn save(&self, cookie: &SessionCookie) -> bool {
        let mut kept = self.0.lock().unwrap();
        let is_free = kept.is_none();
        if is_free {
            *kept = Some(cookie.clone());
        }
        is_free
    }

    fn remove(&self, ended: &SessionCookie) {
        self.0.lock().unwrap().take_if(|kept| kept == ended);
    }
}

async fn host() -> Host {
    let host = Host::esxi().await;
    host.on("CurrentTime", nothing("CurrentTime"));
    host.on("DestroyView", nothing("DestroyView"));
    host
}

fn client(host: &Host, store: &Arc<Memory>, with_password: bool) -> Client {
    let mut settings = host.settings();
    settings.sessions = Some(Arc::clone(store) as Arc<dyn SessionStore>);
    settings.password = settings.password.filter(|_| with_password);
    Client::new(settings).unwrap()
}

fn vm08() -> VmRef {
    VmRef::Name("vm08".into())
}

#[tokio::test]
async fn the_next_client_uses_the_stored_session_without_a_login_or_a_password() {
    let (host, store) = (host().await, Arc::new(Memory::default()));
    let first = client(&host, &store, true);
    first.ticket(&vm08()).await.unwrap();
    first.logout().await;
    assert_eq!(store.kept().as_deref(), Some(COOKIE));
    let second = client(&host, &store, false);
    second.ticket(&vm08()).await.unwrap();
    second.logout().await;
    assert_eq!((host.count("Login"), host.count("Logout")), (1, 0));
    assert_eq!(store.kept().as_deref(), Some(COOKIE));
}

#[tokio::test]
async fn views_are_destroyed_in_a_session_that_stays_open() {
    let (host, store) = (host().await, Arc::new(Memory::default()));
    let client = client(&host, &store, true);
    client.ticket(&vm08()).await.unwrap();
    assert_eq!(host.count("CreateContainerView"), 1);
    client.logout().await;
    assert_eq!((host.count("DestroyView"), host.count("Logout")), (1, 0));
}

#[tokio::test]
async fn collectors_are_destroyed_in_a_session_that_stays_open() {
    let (host, store) = (watched_host().await, Arc::new(Memory::default()));
    let _unanswered = host.gate("WaitForUpdatesEx");
    let client = client(&host, &store, true);
    let _watch = client.watch("7");
    tokio::select! {
        () = client.run() => {}
        () = host.called("WaitForUpdatesEx", 1) => {}
    }
    assert_eq!(host.count("DestroyPropertyCollector"), 0);
    client.logout().await;
    let destroyed = host.count("DestroyPropertyCollector");
    assert_eq!((destroyed, host.count("Logout")), (1, 0));
}

#[tokio::test]
async fn a_stored_session_that_has_ended_leads_to_one_login_and_a_new_entry() {
    let (host, store) = (host().await, Memory::with("vmware_soap_session=\"old\""));
    let client = client(&host, &store, true);
    client.ticket(&vm08()).await.unwrap();
    assert_eq!(host.count("Login"), 1);
    assert_eq!(store.kept().as_deref(), Some(COOKIE));
}

#[tokio::test]
async fn a_session_that_ends_meanwhile_is_renewed_and_stored_anew() {
    let (host, store) = (host().await, Arc::new(Memory::default()));
    let client = client(&host, &store, true);
    client.ticket(&vm08()).await.unwrap();
    host.expire();
    client.ticket(&vm08()).await.unwrap();
    assert_eq!((host.count("Login"), host.count("Logout")), (2, 0));
    assert_eq!(
        store.kept().as_deref(),
        Some("vmware_soap_session=\"c00kie-2\"")
    );
}

#[tokio::test]
async fn without_a_session_or_a_password_nothing_is_sent_to_log_in() {
    let (host, store) = (host().await, Memory::with("vmware_soap_session=\"old\""));
    let client = client(&host, &store, false);
    let error = client.login().await.unwrap_err();
    assert!(matches!(&error, Error::PasswordNeeded { username, .. } if username == "root"));
    assert_eq!((host.count("Login"), store.kept()), (0, None));
}

#[tokio::test]
async fn a_session_that_is_not_kept_is_logged_out() {
    let (host, store) = (host().await, Arc::new(Memory::default()));
    let client = client(&host, &store, true);
    // Another program is faster.
    let gate = host.gate("Login");
    let (ticket, ()) = tokio::join!(client.login(), async {
        host.called("Login", 1).await;
        assert!(store.save(&SessionCookie::new("vmware_soap_session=\"other\"").unwrap()));
        gate.send(ok(fixture("login"))).await.unwrap();
    });
    ticket.unwrap();
    client.logout().await;
    assert_eq!(host.count("Logout"), 1);
    assert_eq!(
        store.kept().as_deref(),
        Some("vmware_soap_session=\"other\"")
    );
}

#[tokio::test]
async fn any_fault_ends_a_stored_session() {
    let (host, store) = (host().await, Arc::new(Memory::default()));
    client(&host, &store, true).login().await.unwrap();
    host.on("CurrentTime", fault("no-permission-8.0"));
    client(&host, &store, true).login().await.unwrap();
    assert_eq!(host.count("Login"), 2);
}

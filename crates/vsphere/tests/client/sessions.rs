//! One session, however many use it; kept while it is used, given back when it is not.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinSet, time};
use vsphere::{Client, Error, VmRef};

use crate::support::{COOKIE, Host, fault, fixture, ok, status};

fn vm08() -> VmRef {
    VmRef::Name("vm08".into())
}

/// So many callers at once; their results.
async fn crowd(client: &Arc<Client>, size: usize) -> Vec<Result<(), Error>> {
    let mut callers = JoinSet::new();
    for _ in 0..size {
        let client = Arc::clone(client);
        callers.spawn(async move { client.ticket(&vm08()).await.map(|_| ()) });
    }
    let results = callers.join_all().await;
    assert_eq!(results.len(), size);
    results
}

/// Lets that much time pass for timers alone: with the clock stopped for longer, waiting for a socket would pass time too.
async fn pass(duration: Duration) {
    time::pause();
    time::advance(duration).await;
    time::resume();
}

#[tokio::test]
async fn an_ended_session_is_renewed_once_and_the_call_goes_on() {
    let host = Host::esxi().await;
    let client = host.client();
    client.ticket(&vm08()).await.unwrap();
    host.forget();
    host.script_of(
        "AcquireTicket",
        [
            fault("not-authenticated"),
            ok(fixture("ticket-7.0-standalone")),
        ],
    );
    client.ticket(&vm08()).await.unwrap();
    assert_eq!(host.methods(), ["AcquireTicket", "Login", "AcquireTicket"]);
}

#[tokio::test]
async fn a_session_that_ends_at_once_again_is_told_and_not_renewed_for_ever() {
    let host = Host::esxi().await;
    host.on("AcquireTicket", fault("not-authenticated"));
    let error = host.client().ticket(&vm08()).await.unwrap_err();
    assert!(matches!(error, Error::NotAuthenticated { .. }), "{error:?}");
    assert_eq!(host.count("Login"), 2);
}

#[tokio::test]
async fn logging_out_ends_the_session_once_and_is_quiet_without_one() {
    let host = Host::esxi().await;
    let client = host.client();
    client.logout().await;
    assert!(host.methods().is_empty());
    client.ticket(&vm08()).await.unwrap();
    client.logout().await;
    client.logout().await;
    assert_eq!(host.count("Logout"), 1);
    assert_eq!(host.asked().last().unwrap().cookie.as_deref(), Some(COOKIE));
    client.ticket(&vm08()).await.unwrap();
    assert_eq!(host.count("Login"), 2);
}

#[tokio::test]
async fn a_thousand_callers_on_an_expired_session_cause_one_login_and_lose_no_call() {
    let host = Host::esxi().await;
    let client = Arc::new(host.client());
    client.ticket(&vm08()).await.unwrap();
    host.expire();
    host.forget();
    let results = crowd(&client, 1000).await;
    assert!(
        results.iter().all(Result::is_ok),
        "{:?}",
        results.iter().find(|r| r.is_err())
    );
    assert_eq!(host.count("Login"), 1);
    assert_eq!(host.count("RetrievePropertiesEx"), 0);
}

#[tokio::test]
async fn callers_who_waited_for_a_login_that_failed_share_its_failure() {
    let host = Host::esxi().await;
    host.on("Login", status(400, ""));
    let client = Arc::new(host.client());
    let results = crowd(&client, 100).await;
    assert!(
        results
            .iter()
            .all(|r| matches!(r, Err(Error::Http { status: 400, .. }))),
        "{results:?}"
    );
    assert_eq!(host.count("Login"), 1);
    host.on("Login", ok(fixture("login")));
    client.ticket(&vm08()).await.unwrap();
}

#[tokio::test]
async fn wrong_credentials_are_sent_once_in_ten_minutes() {
    let host = Host::esxi().await;
    host.on("Login", fault("invalid-login"));
    let client = Arc::new(host.client());
    let results = crowd(&client, 20).await;
    let wrong = |r: &Result<(), Error>| matches!(r, Err(Error::InvalidLogin { username, .. }) if username == "root");
    assert!(results.iter().all(wrong), "{results:?}");
    pass(Duration::from_secs(590)).await;
    assert!(wrong(&client.ticket(&vm08()).await.map(|_| ())));
    assert_eq!(host.count("Login"), 1);
    host.on("Login", ok(fixture("login")));
    pass(Duration::from_secs(11)).await;
    client.ticket(&vm08()).await.unwrap();
    assert_eq!(host.count("Login"), 2);
}

#[tokio::test]
async fn at_most_four_calls_are_under_way() {
    let host = Host::esxi().await;
    let client = Arc::new(host.client());
    client.ticket(&vm08()).await.unwrap();
    host.forget();
    let gate = host.gate("AcquireTicket");
    let answers = async {
        for answered in 0..20 {
            // One answered makes room for one more, never for two.
            host.called("AcquireTicket", (answered + 4).min(20)).await;
            assert_eq!(host.count("AcquireTicket"), (answered + 4).min(20));
            gate.send(ok(fixture("ticket-bare"))).await.unwrap();
        }
    };
    let (results, ()) = tokio::join!(crowd(&client, 20), answers);
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

#[tokio::test]
async fn a_session_in_use_is_kept_alive() {
    let host = Host::esxi().await;
    host.on("CurrentTime", ok(crate::support::envelope("<CurrentTimeResponse xmlns='urn:vim25'><returnval>2026-01-01T00:00:00Z</returnval></CurrentTimeResponse>")));
    let client = Arc::new(host.client());
    let running = Arc::clone(&client);
    let mut background = JoinSet::new();
    background.spawn(async move { running.run().await });
    client.ticket(&vm08()).await.unwrap();
    let user = client.in_use();
    pass(Duration::from_secs(660)).await;
    host.called("CurrentTime", 1).await;
    assert_eq!(host.asked().last().unwrap().cookie.as_deref(), Some(COOKIE));
    drop(user);
}

#[tokio::test]
async fn a_session_that_nobody_has_used_for_an_hour_is_logged_out() {
    let host = Host::esxi().await;
    let client = Arc::new(host.client());
    let running = Arc::clone(&client);
    let mut background = JoinSet::new();
    background.spawn(async move { running.run().await });
    client.ticket(&vm08()).await.unwrap();
    pass(Duration::from_secs(3660)).await;
    host.called("Logout", 1).await;
    assert_eq!(host.count("CurrentTime"), 0);
}

#[tokio::test]
async fn a_session_that_ended_while_kept_alive_is_renewed_by_the_next_user() {
    let host = Host::esxi().await;
    let client = Arc::new(host.client());
    let running = Arc::clone(&client);
    let mut background = JoinSet::new();
    background.spawn(async move { running.run().await });
    client.ticket(&vm08()).await.unwrap();
    let _user = client.in_use();
    host.expire();
    pass(Duration::from_secs(660)).await;
    host.called("CurrentTime", 1).await;
    client.ticket(&vm08()).await.unwrap();
    assert_eq!(host.count("Login"), 2);
}

#[tokio::test]
async fn an_endpoint_that_was_replaced_is_discovered_again_after_a_failed_login() {
    let host = Host::esxi().await;
    let client = host.client();
    client.ticket(&vm08()).await.unwrap();
    host.expire();
    host.script_of("Login", [fault("not-supported"), ok(fixture("login"))]);
    client.ticket(&vm08()).await.unwrap_err();
    client.ticket(&vm08()).await.unwrap();
    assert_eq!(host.count("RetrieveServiceContent"), 2);
}

#[tokio::test]
async fn who_waits_for_somebody_elses_login_waits_no_longer_than_its_own_deadline() {
    let host = Host::esxi().await;
    let gate = host.gate("Login");
    let client = host.client();
    let vm = vm08();
    let patient = client.ticket(&vm);
    let impatient = async {
        host.called("Login", 1).await;
        let deadline = time::Instant::now() + Duration::from_millis(200);
        let error = client.ticket_before(&vm, deadline).await.unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
        gate.send(status(400, "")).await.unwrap();
    };
    let (patient, ()) = tokio::join!(patient, impatient);
    assert!(
        matches!(patient, Err(Error::Http { status: 400, .. })),
        "{patient:?}"
    );
}

#[tokio::test]
async fn a_login_whose_caller_has_left_is_done_by_the_next() {
    let host = Host::esxi().await;
    let gate = host.gate("Login");
    let client = host.client();
    let vm = vm08();
    tokio::select! {
        result = client.ticket(&vm) => panic!("{result:?}"),
        () = host.called("Login", 1) => {}
    }
    // The host may not have noticed yet that the first has left, and answer it.
    gate.send(status(400, "")).await.unwrap();
    gate.send(status(400, "")).await.unwrap();
    let (next, ()) = tokio::join!(client.ticket(&vm), host.called("Login", 2));
    assert!(
        matches!(next, Err(Error::Http { status: 400, .. })),
        "{next:?}"
    );
}

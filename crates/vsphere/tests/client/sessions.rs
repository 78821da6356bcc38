//! Sessions: shared by all callers, kept alive while in use, logged out when unused.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinSet, time};
use vsphere::{Client, Error, VmRef};

use crate::support::{COOKIE, Host, fault, fixture, ok, running, status};

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
async fn ended_session_is_renewed_and_the_call_repeated() {
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
    let mut methods = host.methods();
    // The old session is logged out of meanwhile.
    methods.retain(|method| method != "Logout");
    assert_eq!(methods, ["AcquireTicket", "Login", "AcquireTicket"]);
}

/// The cookies of all sessions that were logged out, in order.
fn logged_out(host: &Host) -> Vec<String> {
    let asked = host.asked().into_iter();
    let logouts = asked.filter(|asked| asked.method == "Logout");
    let mut cookies: Vec<String> = logouts.filter_map(|asked| asked.cookie).collect();
    cookies.sort();
    cookies
}

fn cookies(sessions: usize) -> Vec<String> {
    (1..=sessions)
        .map(|session| COOKIE.replace('1', &session.to_string()))
        .collect()
}

#[tokio::test]
async fn session_reported_as_ended_by_one_call_is_logged_out() {
    let host = Host::esxi().await;
    host.on("AcquireTicket", fault("not-authenticated"));
    let client = host.client();
    for _ in 0..2 {
        client.ticket(&vm08()).await.unwrap_err();
    }
    client.logout().await;
    assert_eq!(host.count("Login"), 3);
    assert_eq!(logged_out(&host), cookies(3));
}

#[tokio::test]
async fn session_reported_as_ended_by_keep_alive_is_logged_out() {
    let host = Host::esxi().await;
    host.on("CurrentTime", fault("not-authenticated"));
    let client = Arc::new(host.client());
    let _background = running(&client);
    client.ticket(&vm08()).await.unwrap();
    let _user = client.in_use();
    pass(Duration::from_secs(660)).await;
    host.called("Logout", 1).await;
    client.ticket(&vm08()).await.unwrap();
    client.logout().await;
    assert_eq!(logged_out(&host), cookies(2));
}

#[tokio::test]
async fn session_that_ends_twice_is_an_error() {
    let host = Host::esxi().await;
    host.on("AcquireTicket", fault("not-authenticated"));
    let error = host.client().ticket(&vm08()).await.unwrap_err();
    assert!(matches!(error, Error::NotAuthenticated { .. }), "{error:?}");
    assert_eq!(host.count("Login"), 2);
}

#[tokio::test]
async fn logout_is_sent_once_and_only_with_a_session() {
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
async fn three_hundred_callers_on_an_expired_session_cause_one_login_and_lose_no_call() {
    let host = Host::esxi().await;
    let client = Arc::new(host.client());
    client.ticket(&vm08()).await.unwrap();
    host.expire();
    host.forget();
    let results = crowd(&client, 300).await;
    assert!(
        results.iter().all(Result::is_ok),
        "{:?}",
        results.iter().find(|r| r.is_err())
    );
    assert_eq!(host.count("Login"), 1);
    assert_eq!(host.count("RetrievePropertiesEx"), 0);
}

#[tokio::test]
async fn callers_that_waited_for_a_login_share_its_error() {
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
    let error = client.ticket(&vm08()).await.unwrap_err();
    assert!(
        matches!(&error, Error::RefusedBefore { username, .. } if username == "root"),
        "{error:?}"
    );
    assert_eq!(host.count("Login"), 1);
    host.on("Login", ok(fixture("login")));
    pass(Duration::from_secs(11)).await;
    client.ticket(&vm08()).await.unwrap();
    assert_eq!(host.count("Login"), 2);
}

#[tokio::test]
async fn at_most_four_calls_are_concurrent() {
    let host = Host::esxi().await;
    let client = Arc::new(host.client());
    client.ticket(&vm08()).await.unwrap();
    host.forget();
    let gate = host.gate("AcquireTicket");
    let answers = async {
        for answered in 0..20 {
            // Each answer lets exactly one more call start.
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
    let _background = running(&client);
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
    let _background = running(&client);
    client.ticket(&vm08()).await.unwrap();
    pass(Duration::from_secs(3660)).await;
    host.called("Logout", 1).await;
    assert_eq!(host.count("CurrentTime"), 0);
}

#[tokio::test]
async fn a_session_that_ended_while_kept_alive_is_renewed_by_the_next_user() {
    let host = Host::esxi().await;
    let client = Arc::new(host.client());
    let _background = running(&client);
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
async fn waiting_for_a_shared_login_ends_at_the_callers_deadline() {
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

/// Begins a login whose answer waits at the gate, and leaves.
async fn begin_a_login_and_leave(host: &Host, client: &Client) {
    let vm = vm08();
    tokio::select! {
        result = client.ticket(&vm) => panic!("{result:?}"),
        () = host.called("Login", 1) => {}
    }
}

#[tokio::test]
async fn login_continues_after_its_caller_is_dropped() {
    let host = Host::esxi().await;
    let gate = host.gate("Login");
    let client = host.client();
    begin_a_login_and_leave(&host, &client).await;
    gate.send(ok(fixture("login"))).await.unwrap();
    let soon = time::Instant::now() + Duration::from_secs(10);
    client.ticket_before(&vm08(), soon).await.unwrap();
    assert_eq!(host.count("Login"), 1);
    assert_eq!(host.asked().last().unwrap().cookie.as_deref(), Some(COOKIE));
}

#[tokio::test]
async fn dropped_callers_of_a_slow_login_cause_only_one_login() {
    let host = Host::esxi().await;
    let gate = host.gate("Login");
    let client = Arc::new(host.client());
    for _ in 0..10 {
        begin_a_login_and_leave(&host, &client).await;
    }
    assert_eq!(host.count("Login"), 1);
    gate.send(ok(fixture("login"))).await.unwrap();
    assert!(crowd(&client, 10).await.iter().all(Result::is_ok));
    assert_eq!(host.count("Login"), 1);
}

#[tokio::test]
async fn refused_credentials_are_not_sent_again_after_the_caller_is_dropped() {
    let host = Host::esxi().await;
    let gate = host.gate("Login");
    let client = host.client();
    begin_a_login_and_leave(&host, &client).await;
    gate.send(fault("invalid-login")).await.unwrap();
    for _ in 0..3 {
        let soon = time::Instant::now() + Duration::from_secs(10);
        let error = client.ticket_before(&vm08(), soon).await.unwrap_err();
        let refused = matches!(
            error,
            Error::InvalidLogin { .. } | Error::RefusedBefore { .. }
        );
        assert!(refused, "{error:?}");
    }
    assert_eq!(host.count("Login"), 1);
}

#[tokio::test]
async fn login_continues_after_its_callers_deadline() {
    let host = Host::esxi().await;
    let gate = host.gate("Login");
    let client = Arc::new(host.client());
    let began = Arc::clone(&client);
    let mut impatient = JoinSet::new();
    impatient.spawn(async move {
        let deadline = time::Instant::now() + Duration::from_millis(500);
        began.ticket_before(&vm08(), deadline).await
    });
    host.called("Login", 1).await;
    let answer = async {
        let result = impatient.join_next().await.unwrap().unwrap();
        assert!(matches!(result, Err(Error::Timeout { .. })), "{result:?}");
        gate.send(ok(fixture("login"))).await.unwrap();
    };
    let (patient, ()) = tokio::join!(crowd(&client, 50), answer);
    assert!(patient.iter().all(Result::is_ok), "{patient:?}");
    assert_eq!(host.count("Login"), 1);
}

#[tokio::test]
async fn logout_waits_for_a_pending_login() {
    let host = Host::esxi().await;
    let gate = host.gate("Login");
    let client = host.client();
    begin_a_login_and_leave(&host, &client).await;
    gate.send(ok(fixture("login"))).await.unwrap();
    client.logout().await;
    assert_eq!(host.methods().last().unwrap(), "Logout");
    assert_eq!(host.asked().last().unwrap().cookie.as_deref(), Some(COOKIE));
}

#[tokio::test]
async fn logout_cancels_an_endless_login() {
    let host = Host::esxi().await;
    let gate = host.gate("Login");
    let client = host.client();
    let vm = vm08();
    let waiting = client.ticket(&vm);
    let logout = async {
        host.called("Login", 1).await;
        let before = time::Instant::now();
        // Nothing comes over any socket now: time may jump to the next timer.
        time::pause();
        client.logout().await;
        time::resume();
        assert!(before.elapsed() < Duration::from_secs(10));
    };
    let (waited, ()) = tokio::join!(waiting, logout);
    assert!(matches!(waited, Err(Error::Timeout { .. })), "{waited:?}");
    // The host may not have noticed yet that the first was broken off, and answer it.
    gate.send(ok(fixture("login"))).await.unwrap();
    gate.send(ok(fixture("login"))).await.unwrap();
    client.ticket(&vm).await.unwrap();
    assert_eq!(host.count("Login"), 2);
    assert_eq!(host.count("Logout"), 0);
}

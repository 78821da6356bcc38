//! SessionManager: login and logout.

use secrecy::ExposeSecret;

use super::call::{Call, Reply};
use crate::vim25::fault::Fault;
use crate::vim25::value::write_fields;

/// Login. InvalidLogin also for a client that is logged in already, which os-autoinst avoids by clearing its cookies
/// (`docs/webmks.md` 3.3); that it is this fault is a guess.
pub(super) fn login(call: &Call<'_>) -> Result<Reply, Fault> {
    let state = call.state;
    let name = call
        .arguments
        .child("userName")
        .map(|name| name.text.as_str());
    let password = call
        .arguments
        .child("password")
        .map(|password| password.text.as_str());
    let right =
        name == Some(state.username.as_str()) && password == Some(state.password.expose_secret());
    let cookie = Some(())
        .filter(|()| right && call.session.is_none())
        .and_then(|()| state.sessions.open());
    let found = cookie
        .as_deref()
        .and_then(|cookie| state.sessions.find(cookie));
    let (Some(cookie), Some(session)) = (cookie, found) else {
        state.counters.update(|counts| counts.logins_refused += 1);
        return Err(Fault::invalid_login());
    };
    state.counters.update(|counts| {
        counts.logins += 1;
        counts.sessions_open += 1;
    });
    let mut xml = String::from("<returnval>");
    write_fields(&session.user_session(&state.username), &mut xml);
    xml.push_str("</returnval>");
    Ok(Reply {
        xml,
        cookie: Some(cookie),
    })
}

/// Logout: ends the caller's session.
pub(super) fn logout(call: &Call<'_>) -> Reply {
    if call
        .cookie
        .is_some_and(|cookie| call.state.sessions.end(cookie))
    {
        call.state.changes.send_replace(());
        call.state.counters.update(|counts| {
            counts.logouts += 1;
            counts.sessions_open = counts.sessions_open.saturating_sub(1);
        });
    }
    Reply::default()
}

/// SessionIsActive, for the caller's own session only.
pub(super) fn is_active(call: &Call<'_>) -> Reply {
    let key = call.arguments.text_of("sessionID");
    let active = call
        .session
        .as_ref()
        .is_some_and(|session| Some(session.key.as_str()) == key);
    format!("<returnval>{active}</returnval>").into()
}

//! Answers that are too large, truncated, malformed or not SOAP are refused with bounded memory.

use vsphere::{Error, VmRef};

use crate::support::{Host, Reply, envelope, fixture, ok, status};

async fn answered_with(reply: Reply) -> Error {
    let host = Host::esxi().await;
    host.on("AcquireTicket", reply);
    host.client()
        .ticket(&VmRef::Name("vm08".into()))
        .await
        .unwrap_err()
}

#[tokio::test]
async fn an_oversized_answer_is_refused() {
    let error = answered_with(ok(vec![b'x'; (16 << 20) + 1])).await;
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn a_truncated_answer_is_refused() {
    let whole = fixture("ticket-8.0");
    let error = answered_with(ok(whole[..whole.len() / 2].to_owned())).await;
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
}

#[tokio::test]
async fn entities_and_other_encodings_are_refused() {
    let laden = format!(
        "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]>{}",
        envelope("<R>&a;</R>")
    );
    let error = answered_with(ok(laden)).await;
    assert!(
        matches!(&error, Error::Malformed { reason, .. } if reason.contains("document type")),
        "{error:?}"
    );
    let latin1 = [envelope("<R>").into_bytes(), vec![0xe9], b"</R>".to_vec()].concat();
    let error = answered_with(ok(latin1)).await;
    assert!(
        matches!(&error, Error::Malformed { reason, .. } if reason.contains("UTF-8")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_web_page_is_no_vsphere() {
    for page in [
        "<!doctype html><html><p>Hello</html>",
        "<html/>",
        "hello",
        "",
    ] {
        let error = answered_with(ok(page)).await;
        assert!(
            matches!(error, Error::NotAVsphere { .. }),
            "{page:?}: {error:?}"
        );
    }
    let error = answered_with(status(404, "")).await;
    assert!(matches!(error, Error::NotAVsphere { .. }), "{error:?}");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let reply = Reply {
        headers: vec![("location", "https://elsewhere.example/".into())],
        ..status(302, "")
    };
    let error = answered_with(reply).await;
    assert!(
        matches!(error, Error::Http { status: 302, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_answer_without_what_was_asked_for_is_malformed() {
    let empty = envelope("<AcquireTicketResponse xmlns='urn:vim25'/>");
    let error = answered_with(ok(empty)).await;
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
}

#[tokio::test]
async fn a_ticket_that_could_break_a_request_line_is_refused_without_being_shown() {
    for bad in ["a b", "a\r\nX: y", "../x", "a?b", "", "é"] {
        let ticket = format!(
            "<AcquireTicketResponse><returnval><ticket>{bad}</ticket></returnval></AcquireTicketResponse>"
        );
        let error = answered_with(ok(envelope(&ticket))).await;
        assert!(
            matches!(error, Error::Malformed { .. }),
            "{bad:?}: {error:?}"
        );
        assert!(bad.len() < 4 || !format!("{error:?} {error}").contains(bad));
    }
}

#[tokio::test]
async fn a_thumbprint_that_is_none_is_refused() {
    let ticket = fixture("ticket-8.0").replace(":1E:1F", ":1E");
    let error = answered_with(ok(ticket)).await;
    assert!(
        matches!(&error, Error::Malformed { reason, .. } if reason.contains("thumbprint")),
        "{error:?}"
    );
}

//! A refusal, as `{"error": code, "message": sentence}`.

use axum::Json;
use axum::http::header::{ACCEPT, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use gateway::TokenError;
use serde::Serialize;

use crate::rate_limits::Limited;

/// A status, a code for programs, and a sentence for people.
#[derive(Debug, PartialEq)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    retry_after: Option<HeaderValue>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    message: &'a str,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retry_after: None,
        }
    }

    pub(crate) fn no_key() -> Self {
        let message = "A valid API key is required: send it as `Authorization: Bearer KEY`.";
        Self::new(StatusCode::UNAUTHORIZED, "key-required", message)
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", message)
    }

    pub(crate) fn no_such_path() -> Self {
        let message = "There is no such path: GET /api describes those that there are.";
        Self::new(StatusCode::NOT_FOUND, "no-such-path", message)
    }

    pub(crate) fn method_not_allowed(allowed: &str) -> Self {
        let message = format!("This path takes {allowed} only.");
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            message,
        )
    }

    pub(crate) fn no_such_vm() -> Self {
        let message = "There is no such virtual machine, or this key has no right to it.";
        Self::new(StatusCode::NOT_FOUND, "no-such-vm", message)
    }

    /// A refusal of any request to the page.
    pub(crate) fn of_status(status: StatusCode, sentence: &str) -> Self {
        let code = match status {
            StatusCode::PAYLOAD_TOO_LARGE => "body-too-large",
            StatusCode::REQUEST_TIMEOUT => "request-timeout",
            StatusCode::MISDIRECTED_REQUEST => "unknown-host",
            _ => "forbidden",
        };
        Self::new(status, code, sentence.trim_end())
    }

    /// The log has the reason.
    pub(crate) fn broken(error: impl std::fmt::Display) -> Self {
        tracing::error!("a request to the API failed: {error}");
        let message = "The request failed: the gateway's log has the reason.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal-error", message)
    }

    /// A token that does not open its console, for a client that asks for JSON; `None`: it wants a page.
    pub(crate) fn of_token(error: &TokenError, headers: &HeaderMap) -> Option<Self> {
        let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
        if !accept.is_some_and(|accept| accept.contains("application/json")) {
            return None;
        }
        let (status, code) = match error {
            TokenError::Used => (StatusCode::GONE, "token-used"),
            TokenError::Expired => (StatusCode::GONE, "token-expired"),
            TokenError::Unknown | TokenError::ConsoleGone => {
                (StatusCode::NOT_FOUND, "no-such-token")
            }
        };
        let message =
            "This token opens no console: each works once, within a minute. Ask for a new one.";
        Some(Self::new(status, code, message))
    }
}

impl From<Limited> for ApiError {
    fn from(limited: Limited) -> Self {
        Self {
            retry_after: Some(limited.retry_after()),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate-limited",
                limited.sentence(),
            )
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Json(Body {
            error: self.code,
            message: &self.message,
        });
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = self.retry_after {
            headers.insert(RETRY_AFTER, wait);
        }
        response
    }
}

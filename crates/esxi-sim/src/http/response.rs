//! Answers without a body, and no answer at all.

use std::fmt;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Response, StatusCode};

/// The connection is to be closed without an answer.
#[derive(Debug)]
pub(crate) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dropped without an answer")
    }
}

impl std::error::Error for Dropped {}

/// An empty answer.
pub(crate) fn status(code: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = code;
    response
}

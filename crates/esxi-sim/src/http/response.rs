//! Responses without a body, and closing without a response.

use std::fmt;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Response, StatusCode};

/// Close the connection without a response.
#[derive(Debug)]
pub(crate) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dropped without an answer")
    }
}

impl std::error::Error for Dropped {}

/// A response without a body.
pub(crate) fn status(code: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = code;
    response
}

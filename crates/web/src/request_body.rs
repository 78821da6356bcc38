//! Reads the body of a request before the request is answered, so that no handler waits for a client that sends slowly.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use tokio::time::timeout;

/// Thousands of times a form of ours, or a request to the API.
const MAX_SIZE: usize = 64 * 1024;

/// A form is a packet or two.
const TIME: Duration = Duration::from_secs(10);

/// The request with its whole body.
///
/// # Errors
/// The body is too long, takes too long, or the connection failed.
pub(crate) async fn whole(request: Request) -> Result<Request, (StatusCode, &'static str)> {
    let (head, body) = request.into_parts();
    match timeout(TIME, to_bytes(body, MAX_SIZE)).await {
        Ok(Ok(body)) => Ok(Request::from_parts(head, Body::from(body))),
        // Its error is either that of the limit or that of the connection, on which nobody reads the answer.
        Ok(Err(_)) => Err((
            StatusCode::PAYLOAD_TOO_LARGE,
            "The request is too long: 64 KiB are read.\n",
        )),
        Err(_) => Err((
            StatusCode::REQUEST_TIMEOUT,
            "The request was not sent within 10 s.\n",
        )),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::{StreamExt, stream};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_may_be_neither_slow_nor_long() {
        let status = async |body| {
            whole(Request::new(body))
                .await
                .map_err(|(status, _)| status)
        };
        let whole = status(Body::from("a=b")).await.unwrap().into_body();
        assert_eq!(to_bytes(whole, 9).await.unwrap(), "a=b");
        let long = status(Body::from(vec![0; MAX_SIZE + 1])).await;
        assert_eq!(long.unwrap_err(), StatusCode::PAYLOAD_TOO_LARGE);
        let begin = stream::once(async { Ok::<Bytes, std::io::Error>("a=".into()) });
        let slow = Body::from_stream(begin.chain(stream::pending()));
        assert_eq!(status(slow).await.unwrap_err(), StatusCode::REQUEST_TIMEOUT);
    }
}

//! A page that says what went wrong.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use gateway::TokenError;

/// A status and a sentence.
#[derive(Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage {
    status: StatusCode,
    title: &'static str,
    sentence: String,
    /// Leads from the request's path to the page's root.
    root: &'static str,
}

impl ErrorPage {
    pub(crate) fn new(
        status: StatusCode,
        title: &'static str,
        sentence: impl Into<String>,
    ) -> Self {
        Self {
            status,
            title,
            sentence: sentence.into(),
            root: "",
        }
    }

    /// For a path with `depth` slashes after the first.
    pub(crate) fn at_depth(mut self, depth: usize) -> Self {
        self.root = root(depth);
        self
    }

    /// A used, expired or unknown token.
    pub(crate) fn of_token(error: &TokenError) -> Self {
        let (status, sentence) = match error {
            TokenError::Used => (
                StatusCode::GONE,
                "This link was used already: each opens a console once. Ask for a new one.",
            ),
            TokenError::Expired => (
                StatusCode::GONE,
                "This link has expired: it is valid for a minute. Ask for a new one.",
            ),
            _ => (
                StatusCode::NOT_FOUND,
                "This link leads to no console. Ask for a new one.",
            ),
        };
        Self::new(status, "No console", sentence)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "Not found",
            "There is no such page, or you may not see it.",
        )
    }

    pub(crate) fn broken(error: impl std::fmt::Display) -> Self {
        tracing::error!("a page could not be made: {error}");
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(
            status,
            "Error",
            "The page could not be made: the log has the reason.",
        )
    }
}

/// Leads from a path with `depth` slashes after the first to the root. Links are relative, so that a reverse proxy can serve
/// the page below a path.
pub(crate) const fn root(depth: usize) -> &'static str {
    match depth {
        0 => "./",
        1 => "../",
        2 => "../../",
        _ => "../../../",
    }
}

/// A page, or the error that it could not be made.
pub(crate) fn rendered(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => ErrorPage::broken(error).into_response(),
    }
}

impl IntoResponse for ErrorPage {
    fn into_response(self) -> Response {
        let html = self.render().unwrap_or_else(|_| self.sentence.clone());
        (self.status, Html(html)).into_response()
    }
}

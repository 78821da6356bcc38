//! The list of consoles.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use crate::app::Routed;
use crate::error_page::rendered;
use crate::row::{PowerState, Row};
use crate::rows::Rows;
use crate::visitor::Visitor;

/// Rows on one page.
const PAGE: usize = 200;

/// What a search has found, and what the form shows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Search {
    /// Words that each row has.
    q: String,
    /// Rows in this state only: a word of [`PowerState`], or empty.
    power: String,
    /// `folder`: rows are grouped.
    group: String,
    /// The page, from 1.
    page: usize,
    /// Only the rows, for a script.
    part: String,
}

/// The rows of a folder; all rows where they are not grouped.
struct Group<'a> {
    folder: Option<&'a str>,
    rows: Vec<&'a Row>,
}

/// One page of what was found.
struct Found<'a> {
    /// The version of the list.
    version: u64,
    groups: Vec<Group<'a>>,
    /// How many there are on all pages.
    total: usize,
    /// The first and the last on this page, from 1.
    first: usize,
    last: usize,
    previous: Option<String>,
    next: Option<String>,
    is_filtered: bool,
}

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage<'a> {
    root: &'static str,
    user: &'a str,
    csrf: &'a str,
    has_session: bool,
    search: &'a Search,
    found: Found<'a>,
    has_pictures: bool,
    /// Seconds between two pictures of a VM.
    picture_every: u64,
}

#[derive(Template)]
#[template(path = "rows.html")]
struct RowsPart<'a> {
    root: &'static str,
    found: Found<'a>,
    has_pictures: bool,
}

pub(crate) async fn show(
    State(routed): State<Routed>,
    visitor: Visitor,
    Query(search): Query<Search>,
) -> Response {
    let rows = routed.app.live.rows();
    let found = search.find(&rows, &visitor);
    let picture_every = routed.web.thumbnail_every;
    let has_pictures = !picture_every.is_zero();
    match search.part.is_empty() {
        false => rendered(&RowsPart {
            root: "./",
            found,
            has_pictures,
        }),
        true => rendered(&ListPage {
            root: "./",
            user: &visitor.user.name,
            csrf: &visitor.csrf,
            has_session: visitor.cookie.is_some(),
            search: &search,
            found,
            has_pictures,
            picture_every: picture_every.as_secs(),
        }),
    }
}

impl Search {
    fn find<'a>(&self, rows: &'a Rows, visitor: &'a Visitor) -> Found<'a> {
        let words: Vec<String> = self.q.split_whitespace().map(str::to_lowercase).collect();
        let is_wanted = |row: &&Arc<Row>| {
            (self.power.is_empty() || row.power.class() == self.power) && row.has(&words)
        };
        let wanted = rows.all.iter().filter(is_wanted);
        let mut found: Vec<&Row> = wanted
            .filter(|row| row.is_for(&visitor.user))
            .map(|row| &**row)
            .collect();
        if self.is_grouped() {
            // Stable: the names stay in order within a folder.
            found.sort_by_key(|row| (&row.vsphere, &row.folder));
        }
        let total = found.len();
        let pages = total.div_ceil(PAGE).max(1);
        let page = self.page.clamp(1, pages);
        let first = (page - 1) * PAGE;
        let on_page: Vec<&Row> = found.into_iter().skip(first).take(PAGE).collect();
        let last = first + on_page.len();
        Found {
            version: rows.version,
            groups: self.groups(on_page),
            total,
            first: first + 1,
            last,
            previous: (page > 1).then(|| self.link(page - 1)),
            next: (page < pages).then(|| self.link(page + 1)),
            is_filtered: !words.is_empty() || !self.power.is_empty(),
        }
    }

    fn groups<'a>(&self, rows: Vec<&'a Row>) -> Vec<Group<'a>> {
        if !self.is_grouped() {
            return vec![Group { folder: None, rows }];
        }
        let same =
            |one: &&Row, other: &&Row| one.vsphere == other.vsphere && one.folder == other.folder;
        rows.chunk_by(same)
            .map(|rows| Group {
                folder: rows.first().map(|row| row.folder.as_str()),
                rows: rows.to_vec(),
            })
            .collect()
    }

    fn is_grouped(&self) -> bool {
        self.group == "folder"
    }

    /// The same search on another page.
    fn link(&self, page: usize) -> String {
        let query = [
            ("q", &self.q),
            ("power", &self.power),
            ("group", &self.group),
        ];
        let query = query.into_iter().filter(|(_, value)| !value.is_empty());
        let encoded = |value| {
            percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC)
        };
        let query = query.map(|(key, value)| format!("{key}={}&", encoded(value.as_str())));
        format!("?{}page={page}", query.collect::<String>())
    }

    /// Each state, with its word and whether it is chosen.
    fn states(&self) -> [(&'static str, &'static str, bool); 3] {
        let state = |state: PowerState, text| (state.class(), text, state.class() == self.power);
        [
            state(PowerState::On, "On"),
            state(PowerState::Off, "Off"),
            state(PowerState::Suspended, "Suspended"),
        ]
    }
}

//! All consoles, as they were at one moment.

use std::collections::HashMap;
use std::sync::Arc;

use gateway::{Console, OpenSession, User};

use crate::row::{Key, Row};

/// The consoles, in the order of their names.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Rows {
    pub(crate) all: Vec<Arc<Row>>,
    /// Another one after each change.
    pub(crate) version: u64,
    by_key: HashMap<Key, usize>,
}

/// What has become of a console.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    Added(Arc<Row>),
    /// From the first to the second.
    Changed(Arc<Row>, Arc<Row>),
    Removed(Arc<Row>),
}

impl Rows {
    /// Those of the VMs, and those of the consoles that are of no VM.
    pub(crate) fn of(vms: Vec<Row>, others: &[Console], sessions: &[OpenSession]) -> Self {
        let mut rows = vms;
        rows.extend(others.iter().map(Row::of_port));
        let mut viewers = viewers(sessions);
        for row in &mut rows {
            let on_it: Vec<String> = match (&row.key, row.consoles.first()) {
                (Key::Port(_), Some(port)) => viewers_of_port(sessions, &port.name).collect(),
                _ => viewers.remove(&row.key).unwrap_or_default(),
            };
            row.viewers = on_it.join(", ");
        }
        rows.sort_by_cached_key(|row| (row.name.to_lowercase(), row.key.clone()));
        let keys = rows
            .iter()
            .enumerate()
            .map(|(at, row)| (row.key.clone(), at));
        let by_key = keys.collect();
        Self {
            all: rows.into_iter().map(Arc::new).collect(),
            version: 0,
            by_key,
        }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Arc<Row>> {
        self.all.get(*self.by_key.get(key)?)
    }

    /// What has changed since `before`. Rows that are the same are shared with it.
    pub(crate) fn since(mut self, before: &Self) -> (Self, Vec<Change>) {
        let mut changes = Vec::new();
        for row in &mut self.all {
            match before.get(&row.key) {
                Some(same) if same == row => *row = Arc::clone(same),
                Some(other) => {
                    changes.push(Change::Changed(Arc::clone(other), Arc::clone(row)));
                }
                None => changes.push(Change::Added(Arc::clone(row))),
            }
        }
        let removed = before.all.iter().filter(|row| self.get(&row.key).is_none());
        changes.extend(removed.cloned().map(Change::Removed));
        (self, changes)
    }

    /// Those that the user may open.
    pub(crate) fn of_user<'a>(&'a self, user: &'a User) -> impl Iterator<Item = &'a Arc<Row>> {
        self.all.iter().filter(|row| row.is_for(user))
    }
}

/// Who is on each VM.
fn viewers(sessions: &[OpenSession]) -> HashMap<Key, Vec<String>> {
    let mut viewers: HashMap<Key, Vec<String>> = HashMap::new();
    for session in sessions {
        if let Some(vm) = &session.vm {
            let key = Key::Vm(vm.vsphere.clone(), vm.moref.clone());
            viewers.entry(key).or_default().push(who(session));
        }
    }
    viewers
}

/// Who is on a console whose VM is not in the list.
fn viewers_of_port<'a>(
    sessions: &'a [OpenSession],
    name: &'a str,
) -> impl Iterator<Item = String> + 'a {
    let on_it = sessions
        .iter()
        .filter(move |session| session.console == name);
    on_it.map(who)
}

fn who(session: &OpenSession) -> String {
    let user = match &session.user {
        Some(user) => user.clone(),
        None => session.viewer.ip().to_string(),
    };
    match session.view_only {
        true => format!("{user} (watching)"),
        false => user,
    }
}

//! PropertyCollector: filters and WaitForUpdatesEx (`docs/webmks.md` 3.4).

use std::str::FromStr;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use quick_xml::escape::escape;
use tokio::time::sleep;

use super::call::{Call, Reply};
use super::property_filter::select;
use crate::random;
use crate::sessions::Session;
use crate::sessions::property_collectors::{Change, Collector, Collectors, Filter};
use crate::vim25::fault::Fault;
use crate::vim25::value::{MoRef, Value};

/// CreatePropertyCollector.
pub(super) fn create_collector(call: &Call<'_>) -> Result<Reply, Fault> {
    let session = session(call)?;
    let mut collectors = lock(session);
    if collectors.len() >= COLLECTORS {
        return Err(Fault::bad_request(
            "too many property collectors in this session",
        ));
    }
    let id = format!("session[{}]{}", session.key, random::token());
    collectors.insert(id.clone(), Collector::default());
    Ok(returned(MoRef::new("PropertyCollector", id)))
}

/// DestroyPropertyCollector, which destroys its filters too.
pub(super) fn destroy_collector(call: &Call<'_>) -> Result<Reply, Fault> {
    let gone = lock(session(call)?).remove(&call.this.id);
    call.state.changes.send_replace(());
    gone.map(|_| Reply::default())
        .ok_or_else(|| Fault::not_found(&call.this))
}

/// CreateFilter. Fails if an object does not exist.
pub(super) fn create_filter(call: &Call<'_>) -> Result<Reply, Fault> {
    let spec = call
        .arguments
        .child("spec")
        .ok_or_else(|| Fault::invalid_argument("spec"))?;
    select(&|object| call.managed_object(object), spec)?;
    let session = session(call)?;
    let id = format!("session[{}]{}", session.key, random::token());
    with_collector(call, session, |collector| {
        if collector.filters.len() >= FILTERS {
            return Err(Fault::bad_request(
                "too many filters in this property collector",
            ));
        }
        collector
            .filters
            .push(Filter::new(id.clone(), spec.clone()));
        Ok(())
    })?;
    call.state.changes.send_replace(());
    Ok(returned(MoRef::new("PropertyFilter", id)))
}

/// DestroyPropertyFilter.
pub(super) fn destroy_filter(call: &Call<'_>) -> Result<Reply, Fault> {
    let mut collectors = lock(session(call)?);
    for collector in collectors.values_mut() {
        let before = collector.filters.len();
        collector.filters.retain(|filter| filter.id != call.this.id);
        if collector.filters.len() < before {
            return Ok(Reply::default());
        }
    }
    Err(Fault::not_found(&call.this))
}

/// CancelWaitForUpdates: a pending wait fails with RequestCanceled.
pub(super) fn cancel(call: &Call<'_>) -> Result<Reply, Fault> {
    with_collector(call, session(call)?, |collector| {
        collector.cancelled += 1;
        Ok(())
    })?;
    call.state.changes.send_replace(());
    Ok(Reply::default())
}

/// WaitForUpdatesEx, and the older WaitForUpdates without options: returns the changes since `version`, or nothing
/// after `maxWaitSeconds`. A set with more than `maxObjectUpdates` is truncated.
pub(super) async fn wait(call: &Call<'_>) -> Result<Reply, Fault> {
    let session = session(call)?;
    let mut changes = call.state.changes.subscribe();
    let version = call.arguments.text_of("version").unwrap_or_default();
    start(call, session, version)?;
    let cancelled = with_collector(call, session, |collector| Ok(collector.cancelled))?;
    let deadline = sleep(longest(call));
    tokio::pin!(deadline);
    loop {
        changes.mark_unchanged();
        let live = call
            .cookie
            .and_then(|cookie| call.state.sessions.find(cookie));
        if live.is_none() {
            return Err(Fault::not_authenticated(&call.this));
        }
        if with_collector(call, session, |collector| Ok(collector.cancelled))? != cancelled {
            return Err(Fault::request_cancelled());
        }
        if let Some(updates) = updates(call, session)? {
            return Ok(updates.into());
        }
        tokio::select! {
            // Cannot fail: `call.state` owns the sender.
            _ = changes.changed() => {}
            () = &mut deadline => return Ok(Reply::default()),
        }
    }
}

fn longest(call: &Call<'_>) -> Duration {
    let seconds = option(call, "maxWaitSeconds");
    seconds.map_or(LONGEST, Duration::from_secs).min(LONGEST)
}

fn option<T: FromStr>(call: &Call<'_>, name: &str) -> Option<T> {
    let options = call.arguments.child("options")?;
    options.text_of(name)?.parse().ok()
}

/// Checks the version to continue from; the empty version reports everything.
fn start(call: &Call<'_>, session: &Session, version: &str) -> Result<(), Fault> {
    with_collector(call, session, |collector| {
        if version.is_empty() {
            collector.left_out.clear();
            collector.filters.iter_mut().for_each(Filter::reset);
        } else if version != collector.version.to_string() {
            return Err(Fault::invalid_collector_version());
        }
        Ok(())
    })
}

/// The UpdateSet since the last report; `None` if nothing changed.
fn updates(call: &Call<'_>, session: &Session) -> Result<Option<String>, Fault> {
    let most = option(call, "maxObjectUpdates").unwrap_or(usize::MAX);
    with_collector(call, session, |collector| {
        if collector.left_out.is_empty() {
            for filter in &mut collector.filters {
                let now = select(&|object| call.managed_object(object), &filter.spec)?;
                let changes = filter.report_changes(now).into_iter();
                let with_filter = changes.map(|change| (filter.id.clone(), change));
                collector.left_out.extend(with_filter);
            }
        }
        if collector.left_out.is_empty() {
            return Ok(None);
        }
        let count = collector.left_out.len().min(most);
        let sets = filter_sets(collector.left_out.drain(..count));
        collector.version += 1;
        let version = collector.version;
        let truncated = match collector.left_out.is_empty() {
            true => "",
            false => "<truncated>true</truncated>",
        };
        Ok(Some(format!(
            "<returnval><version>{version}</version>{sets}{truncated}</returnval>"
        )))
    })
}

/// One `filterSet` for each run of changes of the same filter.
fn filter_sets(changes: impl Iterator<Item = (String, Change)>) -> String {
    let mut sets = String::new();
    let mut last: Option<String> = None;
    for (filter, change) in changes {
        if last.as_ref() != Some(&filter) {
            sets.push_str(if last.is_some() { "</filterSet>" } else { "" });
            sets.push_str("<filterSet>");
            Value::Ref(MoRef::new("PropertyFilter", filter.as_str())).write("filter", &mut sets);
            last = Some(filter);
        }
        write_change(&change, &mut sets);
    }
    sets.push_str("</filterSet>");
    sets
}

fn write_change(change: &Change, xml: &mut String) {
    xml.push_str(&format!("<objectSet><kind>{}</kind>", change.kind));
    Value::Ref(change.object.clone()).write("obj", xml);
    for (path, value) in &change.values {
        let path = escape(path.as_str());
        xml.push_str(&format!("<changeSet><name>{path}</name><op>assign</op>"));
        value.write_typed("val", xml);
        xml.push_str("</changeSet>");
    }
    xml.push_str("</objectSet>");
}

fn session<'a>(call: &'a Call<'_>) -> Result<&'a Arc<Session>, Fault> {
    call.session
        .as_ref()
        .ok_or_else(|| Fault::not_authenticated(&call.this))
}

fn lock(session: &Session) -> MutexGuard<'_, Collectors> {
    session
        .collectors
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

/// Calls `act` with the collector that the call is on.
fn with_collector<T>(
    call: &Call<'_>,
    session: &Session,
    act: impl FnOnce(&mut Collector) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut collectors = lock(session);
    if call.this.id == call.state.inventory.ids.property_collector {
        return act(collectors.entry(call.this.id.clone()).or_default());
    }
    let collector = collectors.get_mut(&call.this.id);
    act(collector.ok_or_else(|| Fault::not_found(&call.this))?)
}

fn returned(object: MoRef) -> Reply {
    let mut xml = String::new();
    Value::Ref(object).write("returnval", &mut xml);
    xml.into()
}

/// Bounds memory for clients that never destroy their collectors or filters.
const COLLECTORS: usize = 64;
const FILTERS: usize = 4096;
/// The longest wait; clients repeat it.
const LONGEST: Duration = Duration::from_secs(30 * 60);

//! Property collectors: their filters, and what each filter has reported.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::vim25::element::Element;
use crate::vim25::value::{MoRef, ObjectContent, Value};

/// A session's collectors by id. The default collector is created on first use.
pub(crate) type Collectors = HashMap<String, Collector>;

/// A PropertyCollector.
#[derive(Default)]
pub(crate) struct Collector {
    pub(crate) filters: Vec<Filter>,
    /// Updates that a truncated UpdateSet left out, and their filters.
    pub(crate) left_out: VecDeque<(String, Change)>,
    /// The latest version of an UpdateSet; 0 before the first.
    pub(crate) version: u64,
    /// Number of CancelWaitForUpdates calls.
    pub(crate) cancelled: u64,
}

/// A PropertyFilter.
pub(crate) struct Filter {
    pub(crate) id: String,
    /// Its PropertyFilterSpec.
    pub(crate) spec: Element,
    reported: Vec<ObjectContent>,
}

/// An ObjectUpdate.
#[derive(Debug, PartialEq)]
pub(crate) struct Change {
    /// `enter`, `modify` or `leave`.
    pub(crate) kind: &'static str,
    pub(crate) object: MoRef,
    pub(crate) values: Vec<(String, Value)>,
}

impl Filter {
    pub(crate) fn new(id: String, spec: Element) -> Self {
        Self {
            id,
            spec,
            reported: Vec::new(),
        }
    }

    /// Reports everything again next time.
    pub(crate) fn reset(&mut self) {
        self.reported.clear();
    }

    /// The differences between the last report and `now`.
    pub(crate) fn report_changes(&mut self, now: Vec<ObjectContent>) -> Vec<Change> {
        let before = std::mem::replace(&mut self.reported, now);
        let known: HashMap<&MoRef, &ObjectContent> =
            before.iter().map(|old| (&old.object, old)).collect();
        let entered_or_modified = self.reported.iter().filter_map(|content| {
            let old = known.get(&content.object);
            let mut values = content.values.clone();
            values.retain(|value| old.is_none_or(|old| !old.values.contains(value)));
            let kind = if old.is_none() { "enter" } else { "modify" };
            (old.is_none() || !values.is_empty()).then(|| Change {
                kind,
                object: content.object.clone(),
                values,
            })
        });
        let still: HashSet<&MoRef> = self.reported.iter().map(|now| &now.object).collect();
        let left = before
            .iter()
            .filter(|old| !still.contains(&old.object))
            .map(|old| Change {
                kind: "leave",
                object: old.object.clone(),
                values: Vec::new(),
            });
        entered_or_modified.chain(left).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(id: &str, number: i32) -> ObjectContent {
        ObjectContent {
            object: MoRef::new("VirtualMachine", id),
            values: vec![
                ("same".into(), Value::Bool(true)),
                ("number".into(), Value::Int(number)),
            ],
        }
    }

    #[test]
    fn only_differences_are_reported() {
        let mut filter = Filter::new("f".into(), Element::default());
        let kinds =
            |changes: &[Change]| changes.iter().map(|change| change.kind).collect::<Vec<_>>();
        assert_eq!(
            kinds(&filter.report_changes(vec![content("1", 1), content("2", 1)])),
            ["enter", "enter"]
        );
        assert_eq!(
            filter.report_changes(vec![content("1", 1), content("2", 1)]),
            []
        );
        let changes = filter.report_changes(vec![content("2", 2)]);
        assert_eq!(kinds(&changes), ["modify", "leave"]);
        assert_eq!(changes[0].values, [("number".into(), Value::Int(2))]);
        filter.reset();
        assert_eq!(
            kinds(&filter.report_changes(vec![content("2", 2)])),
            ["enter"]
        );
    }
}

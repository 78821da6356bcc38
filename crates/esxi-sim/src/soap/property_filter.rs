//! Which objects and properties a PropertyFilterSpec selects.

use std::collections::{HashMap, HashSet};

use crate::vim25::element::Element;
use crate::vim25::fault::Fault;
use crate::vim25::managed_type::is_a;
use crate::vim25::reference::reference;
use crate::vim25::value::{MoRef, ObjectContent, Value};

/// Looks up a managed object with all its properties; `None` if it does not exist.
pub(super) type Lookup<'a> = &'a dyn Fn(&MoRef) -> Option<Value>;

/// The objects that a PropertyFilterSpec selects, with their current values.
pub(super) fn select(lookup: Lookup<'_>, filter: &Element) -> Result<Vec<ObjectContent>, Fault> {
    let mut selection = Selection {
        lookup,
        named: HashMap::new(),
        seen: HashSet::new(),
        chosen: Vec::new(),
        known: HashSet::new(),
    };
    for start in filter.children_of("objectSet") {
        selection.start(start)?;
    }
    let contents = selection
        .chosen
        .iter()
        .filter_map(|object| content(lookup, filter, object));
    Ok(contents.collect())
}

/// The traversal of a filter, from its starting objects along its selection specs.
struct Selection<'a> {
    lookup: Lookup<'a>,
    /// TraversalSpecs by name, for SelectionSpecs that refer to them.
    named: HashMap<&'a str, &'a Element>,
    /// Visited pairs of object and traversal: traversals may be recursive.
    seen: HashSet<(MoRef, usize)>,
    chosen: Vec<MoRef>,
    /// The same as a set.
    known: HashSet<MoRef>,
}

impl<'a> Selection<'a> {
    fn start(&mut self, start: &'a Element) -> Result<(), Fault> {
        let object =
            reference(start, "obj").ok_or_else(|| Fault::invalid_argument("objectSet.obj"))?;
        if (self.lookup)(&object).is_none() {
            return Err(Fault::not_found(&object));
        }
        self.name_all(start);
        if !start.is_true("skip") {
            self.choose(&object);
        }
        self.walk(&object, start);
        Ok(())
    }

    fn name_all(&mut self, element: &'a Element) {
        for select in element.children_of("selectSet") {
            if let Some(name) = select
                .text_of("name")
                .filter(|_| select.child("path").is_some())
            {
                self.named.insert(name, select);
            }
            self.name_all(select);
        }
    }

    fn choose(&mut self, object: &MoRef) {
        if self.known.insert(object.clone()) {
            self.chosen.push(object.clone());
        }
    }

    /// Follows the traversals of `from` whose type matches `object`.
    fn walk(&mut self, object: &MoRef, from: &'a Element) {
        for select in from.children_of("selectSet") {
            let by_name = || self.named.get(select.text_of("name")?).copied();
            let traversal = if select.child("path").is_some() {
                Some(select)
            } else {
                by_name()
            };
            if let Some(traversal) = traversal {
                self.traverse(object, traversal);
            }
        }
    }

    fn traverse(&mut self, object: &MoRef, traversal: &'a Element) {
        let fits = traversal
            .text_of("type")
            .is_some_and(|kind| is_a(&object.kind, kind));
        let identity = std::ptr::from_ref(traversal).addr();
        if !fits || !self.seen.insert((object.clone(), identity)) {
            return;
        }
        let path = traversal.text_of("path").unwrap_or_default();
        let properties = (self.lookup)(object);
        let targets = match properties
            .as_ref()
            .and_then(|properties| properties.at(path))
        {
            Some(Value::Ref(to)) => vec![to.clone()],
            Some(Value::Refs(list)) => list.clone(),
            _ => Vec::new(),
        };
        for target in targets {
            if !traversal.is_true("skip") {
                self.choose(&target);
            }
            self.walk(&target, traversal);
        }
    }
}

/// The requested properties of an object; `None` if the filter has no PropertySpec of its type. Properties that the
/// simulator does not have are left out as if unset; a real host answers InvalidProperty.
fn content(lookup: Lookup<'_>, filter: &Element, object: &MoRef) -> Option<ObjectContent> {
    let sets: Vec<&Element> = filter
        .children_of("propSet")
        .filter(|set| {
            set.text_of("type")
                .is_some_and(|kind| is_a(&object.kind, kind))
        })
        .collect();
    if sets.is_empty() {
        return None;
    }
    let properties = lookup(object)?;
    let paths = sets.iter().flat_map(|set| paths(set, &properties));
    let values = paths.filter_map(|path| Some((path.to_owned(), properties.at(path)?.clone())));
    Some(ObjectContent {
        object: object.clone(),
        values: values.collect(),
    })
}

fn paths<'a>(set: &'a Element, properties: &'a Value) -> Vec<&'a str> {
    match properties {
        Value::Data(_, fields) if set.is_true("all") => {
            fields.iter().map(|(name, _)| *name).collect()
        }
        _ => set
            .children_of("pathSet")
            .map(|path| path.text.trim())
            .collect(),
    }
}

//! PropertyCollector: evaluates filters and returns properties.

use std::collections::{HashMap, HashSet};

use super::call::{Call, Reply, reference};
use super::{service_instance, session_manager};
use crate::inventory::is_a;
use crate::random;
use crate::vim25::element::Element;
use crate::vim25::fault::Fault;
use crate::vim25::object_content::ObjectContent;
use crate::vim25::value::{MoRef, Value};

/// Fetch: a single property, as pyVmomi reads `vm.name`. Not in the public WSDL.
pub(super) fn fetch(call: &Call<'_>) -> Result<Reply, Fault> {
    let properties = properties(call, &call.this).ok_or_else(|| Fault::not_found(&call.this))?;
    let path = call.arguments.text_of("prop").unwrap_or_default();
    let mut xml = String::new();
    if let Some(value) = properties.at(path) {
        value.write_typed("returnval", &mut xml);
    }
    Ok(xml.into())
}

/// RetrieveProperties: all objects in one response.
pub(super) fn retrieve_all(call: &Call<'_>) -> Result<Reply, Fault> {
    let objects = objects(call)?;
    Ok(objects
        .iter()
        .map(|object| format!("<returnval>{object}</returnval>"))
        .collect::<String>()
        .into())
}

/// RetrievePropertiesEx: at most `maxObjects` objects, and a token if there are more.
pub(super) fn retrieve(call: &Call<'_>) -> Result<Reply, Fault> {
    let objects = objects(call)?;
    let options = call.arguments.child("options");
    let most = options
        .and_then(|options| options.text_of("maxObjects"))
        .and_then(|most| most.parse().ok());
    if objects.is_empty() {
        return Ok(Reply::default());
    }
    page(call, objects, most.filter(|most| *most > 0).unwrap_or(PAGE))
}

/// ContinueRetrievePropertiesEx: the next page.
pub(super) fn continue_(call: &Call<'_>) -> Result<Reply, Fault> {
    page(call, taken(call)?, PAGE)
}

/// CancelRetrievePropertiesEx: drops the remaining pages.
pub(super) fn cancel(call: &Call<'_>) -> Result<Reply, Fault> {
    taken(call).map(|_| Reply::default())
}

fn taken(call: &Call<'_>) -> Result<Vec<String>, Fault> {
    let token = call.arguments.text_of("token").unwrap_or_default();
    let pages = call
        .session
        .as_ref()
        .and_then(|session| session.take_page(token));
    pages.ok_or_else(|| Fault::invalid_argument("token"))
}

fn page(call: &Call<'_>, mut objects: Vec<String>, most: usize) -> Result<Reply, Fault> {
    let rest = objects.split_off(most.min(PAGE).min(objects.len()));
    let mut xml = String::from("<returnval>");
    if !rest.is_empty() {
        let token = random::token();
        xml.push_str(&format!("<token>{token}</token>"));
        let kept = call
            .session
            .as_ref()
            .is_some_and(|session| session.keep_page(&token, rest));
        if !kept {
            return Err(Fault::bad_request(
                "too many unfinished retrievals in this session",
            ));
        }
    }
    for object in objects {
        xml.push_str(&format!("<objects>{object}</objects>"));
    }
    xml.push_str("</returnval>");
    Ok(xml.into())
}

/// An ObjectContent's XML for each object that the call's filters select, in order of selection.
fn objects(call: &Call<'_>) -> Result<Vec<String>, Fault> {
    let mut contents = Vec::new();
    for filter in call.arguments.children_of("specSet") {
        contents.extend(select(call, filter)?.iter().map(ObjectContent::to_xml));
    }
    Ok(contents)
}

/// The objects that a PropertyFilterSpec selects, with their current values.
pub(super) fn select(call: &Call<'_>, filter: &Element) -> Result<Vec<ObjectContent>, Fault> {
    let mut selection = Selection {
        call,
        named: HashMap::new(),
        seen: HashSet::new(),
        chosen: Vec::new(),
    };
    for start in filter.children_of("objectSet") {
        selection.start(start)?;
    }
    let contents = selection
        .chosen
        .iter()
        .filter_map(|object| content(call, filter, object));
    Ok(contents.collect())
}

/// The traversal of a filter, from its starting objects along its selection specs.
struct Selection<'a> {
    call: &'a Call<'a>,
    /// TraversalSpecs by name, for SelectionSpecs that refer to them.
    named: HashMap<&'a str, &'a Element>,
    /// Visited pairs of object and traversal: traversals may be recursive.
    seen: HashSet<(MoRef, usize)>,
    chosen: Vec<MoRef>,
}

impl<'a> Selection<'a> {
    fn start(&mut self, start: &'a Element) -> Result<(), Fault> {
        let object =
            reference(start, "obj").ok_or_else(|| Fault::invalid_argument("objectSet.obj"))?;
        if properties(self.call, &object).is_none() {
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
        if !self.chosen.contains(object) {
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
        let properties = properties(self.call, object);
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
fn content(call: &Call<'_>, filter: &Element, object: &MoRef) -> Option<ObjectContent> {
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
    let properties = properties(call, object)?;
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

/// All properties of an object of the inventory, a view of this session, a task or a manager; `None` if it does not
/// exist.
fn properties(call: &Call<'_>, object: &MoRef) -> Option<Value> {
    let inventory = &call.state.inventory;
    match object.kind.as_str() {
        "ContainerView" => {
            let view = call.session.as_ref()?.view(&object.id)?;
            Some(Value::Data(
                "ContainerView",
                vec![("view", Value::Refs(view))],
            ))
        }
        "ServiceInstance" => Some(Value::Data(
            "ServiceInstance",
            vec![("content", service_instance::service_content(inventory))],
        )),
        "SessionManager" if object.id == inventory.ids.session_manager => {
            let session = Value::Data(
                "UserSession",
                session_manager::user_session(call, call.session.as_ref()?),
            );
            Some(Value::Data(
                "SessionManager",
                vec![("currentSession", session)],
            ))
        }
        "Task" => call.state.api_tasks.properties(object),
        _ => inventory.entity(object),
    }
}

/// The maximum and default page size.
const PAGE: usize = 100;

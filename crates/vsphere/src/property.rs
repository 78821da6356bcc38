//! The PropertyCollector: filter specifications, and results in pages.

use crate::{
    call::{Call, CallError, Calls},
    fault::{self, Fault},
    object::{Object, PropertySpec},
    open_session::OpenSession,
    reference::Reference,
    transport::Deadline,
    xml::{Element, Writer},
};

/// The objects to read.
pub(crate) enum ObjectSet<'a> {
    /// Every object of a container view.
    View(&'a Reference),
    /// These objects.
    Objects(&'a [Reference]),
    /// The objects in `from`, those reached from them by `steps`, and the objects in `beside`, which are not traversed.
    Traverse {
        from: &'a [Reference],
        steps: &'a [TraversalSpec],
        beside: &'a [Reference],
    },
}

/// From objects of a type to those that a property refers to; any other step of the same traversal may follow.
pub(crate) struct TraversalSpec {
    pub(crate) name: &'static str,
    pub(crate) from: &'static str,
    pub(crate) property: &'static str,
}

/// Reads all pages of one RetrievePropertiesEx. Objects that were deleted meanwhile are left out, as are properties that the
/// account may not read. NotAuthenticated is returned as a fault also where the server reports it for each object.
pub(crate) async fn retrieve(
    calls: &Calls,
    open: &OpenSession,
    source: ObjectSet<'_>,
    wanted: &[PropertySpec],
    deadline: Deadline,
) -> Result<Vec<Object>, CallError> {
    let first = calls
        .call(collector(open, "RetrievePropertiesEx", deadline), |out| {
            out.element("specSet", &[], |spec| filter_spec(spec, &source, wanted));
            out.element("options", &[], |options| options.value("maxObjects", PAGE));
        })
        .await?;
    let mut objects = Vec::new();
    let mut token = page(calls, &first, wanted, &mut objects)?;
    while let Some(next) = token {
        let more = calls
            .call(
                collector(open, "ContinueRetrievePropertiesEx", deadline),
                |out| {
                    out.value("token", &next);
                },
            )
            .await?;
        token = page(calls, &more, wanted, &mut objects)?;
    }
    Ok(objects)
}

/// A `PropertyFilterSpec`'s inside.
pub(crate) fn filter_spec(out: &mut Writer, source: &ObjectSet<'_>, wanted: &[PropertySpec]) {
    for wanted in wanted {
        out.element("propSet", &[], |set| {
            set.value("type", wanted.kind);
            for property in wanted.properties {
                set.value("pathSet", property);
            }
        });
    }
    match source {
        ObjectSet::View(view) => out.element("objectSet", &[], |set| {
            view.write("obj", set);
            set.value("skip", "true");
            select(set, "eachOfTheView", "ContainerView", "view", &[]);
        }),
        ObjectSet::Objects(objects) => plain(out, objects),
        ObjectSet::Traverse {
            from,
            steps,
            beside,
        } => {
            traverse(out, from, steps);
            plain(out, beside);
        }
    }
}

fn plain(out: &mut Writer, objects: &[Reference]) {
    for object in objects {
        out.element("objectSet", &[], |set| object.write("obj", set));
    }
}

/// A TraversalSpec may name others, itself too, but a name must be declared once in each ObjectSpec before it is used.
fn traverse(out: &mut Writer, objects: &[Reference], steps: &[TraversalSpec]) {
    let names: Vec<&'static str> = steps.iter().map(|step| step.name).collect();
    for object in objects {
        out.element("objectSet", &[], |set| {
            object.write("obj", set);
            set.value("skip", "false");
            for step in steps {
                select(set, step.name, step.from, step.property, &names);
            }
        });
    }
}

fn select(out: &mut Writer, name: &str, from: &str, property: &str, then: &[&'static str]) {
    out.element("selectSet", &[("xsi:type", "TraversalSpec")], |spec| {
        spec.value("name", name);
        spec.value("type", from);
        spec.value("path", property);
        spec.value("skip", "false");
        for next in then {
            spec.element("selectSet", &[], |selection| selection.value("name", next));
        }
    });
}

fn collector<'a>(open: &'a OpenSession, method: &'static str, deadline: Deadline) -> Call<'a> {
    open.call(method, &open.service.property_collector, deadline)
}

/// Adds the objects of one page and returns the token of the next.
fn page(
    calls: &Calls,
    response: &Element,
    wanted: &[PropertySpec],
    objects: &mut Vec<Object>,
) -> Result<Option<String>, CallError> {
    // Without results there is no `returnval` element.
    let Some(result) = response.child("returnval") else {
        return Ok(None);
    };
    for object in result.children("objects") {
        check_session(object)?;
        if objects.len() >= MAX_OBJECTS {
            return Err(calls
                .malformed(format!("it lists more than {MAX_OBJECTS} objects"))
                .into());
        }
        objects.extend(Object::read(object, wanted));
    }
    Ok(result
        .text_of("token")
        .map(str::to_owned)
        .filter(|token| !token.is_empty()))
}

/// NotAuthenticated as a fault, where an `ObjectContent` or an `ObjectUpdate` reports it instead of its properties.
pub(crate) fn check_session(object: &Element) -> Result<(), CallError> {
    let faults = object
        .children("missingSet")
        .filter_map(|missing| missing.child("fault"));
    for fault in faults.map(Fault::read_localized) {
        if fault.kind == fault::FaultKind::NotAuthenticated {
            return Err(CallError::Fault(fault));
        }
    }
    Ok(())
}

/// Objects in a page: some 700 kB. Most inventories are one page.
const PAGE: &str = "500";

/// vCenter 8 manages 40,000 powered-on VMs at most, 45,000 registered; beyond twice that it is no vCenter.
pub(crate) const MAX_OBJECTS: usize = 100_000;

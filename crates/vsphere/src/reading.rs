//! All parsers of answers behind one function, for the fuzz target.

use crate::{
    about::ApiType,
    connections::ConsoleConnection,
    datastore::DatastorePath,
    inventory::tree::Tree,
    inventory_path::unescape_name,
    reference::Reference,
    runtime_info::{ConnectionState, Power},
    service::{self, ServiceContent},
    soap::{self, Reply},
    ticket::Ticket,
    vm::Vm,
    watch::VmState,
    xml::Element,
};

/// Parses the bytes as every kind of answer and discards the result. No input makes it panic, and memory is bounded.
#[doc(hidden)]
pub fn read_answer(document: &[u8]) {
    let _ = service::newest_version(document);
    let Ok(Some(Reply::Returned(response))) = soap::reply(document) else {
        return;
    };
    let _ = ConsoleConnection::read_all(&response);
    for value in response.children("returnval") {
        let _ = ServiceContent::read(value, None);
        let _ = DatastorePath::read(value.text());
        let _ = Ticket::read(value, nameless(value), ApiType::Esxi);
        let mut state = VmState::default();
        let mut tree = Tree::new(Reference::new("Folder", "ha-folder-root"));
        for object in objects(value) {
            state.apply(object);
            tree.apply(object);
        }
        let _ = tree.ids().filter_map(|id| tree.vm(&id)).count();
    }
}

/// The elements that may be updates of objects: those of an `UpdateSet`, and any others.
fn objects(value: &Element) -> impl Iterator<Item = &Element> {
    let inside = |element| Element::elements(element).iter();
    let sets = value.children("filterSet").flat_map(inside);
    value.elements().iter().chain(sets)
}

fn nameless(value: &Element) -> Vm {
    Vm {
        moref: String::new(),
        name: unescape_name(value.text()),
        power: Power::Off,
        connection: ConnectionState::Connected,
        host: None,
        host_moref: None,
        path: None,
        uuid: value.text().parse().ok(),
        instance_uuid: None,
    }
}

#[cfg(test)]
mod tests {
    use super::read_answer;

    #[test]
    fn truncated_and_corrupted_answers_do_not_panic() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
        let mut read = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let whole = std::fs::read(file.unwrap().path()).unwrap();
            for at in 0..whole.len() {
                read_answer(&whole[..at]);
                // Every third only: all of them take ten seconds.
                if at % 3 != 0 {
                    continue;
                }
                for flipped in [whole[at] ^ 1, whole[at] ^ 0x80, b'<', b'&', 0] {
                    let mut bad = whole.clone();
                    bad[at] = flipped;
                    read_answer(&bad);
                }
            }
            read += 1;
        }
        assert!(read >= 20, "only {read} fixtures");
    }
}

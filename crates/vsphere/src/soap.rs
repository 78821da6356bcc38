//! SOAP envelopes of requests and answers.

use crate::{
    fault::Fault,
    reference::Reference,
    xml::{self, Element, Writer, XmlError},
};

/// The envelope of one call of `method` on `this`; `arguments` writes what follows `_this`.
pub(crate) fn call(
    method: &'static str,
    this: &Reference,
    arguments: impl FnOnce(&mut Writer),
) -> String {
    let mut out = Writer::default();
    out.element("soapenv:Envelope", &ENVELOPE, |envelope| {
        envelope.element("soapenv:Body", &[], |body| {
            body.element(method, &[("xmlns", "urn:vim25")], |inside| {
                this.write("_this", inside);
                arguments(inside);
            });
        });
    });
    out.finish()
}

/// The answer to a call.
#[derive(Debug)]
pub(crate) enum Reply {
    /// The `…Response` element, with its `returnval`s.
    Returned(Element),
    /// The fault.
    Fault(Fault),
}

/// Reads an envelope. `None` when the document is well-formed XML but no SOAP.
pub(crate) fn reply(document: &[u8]) -> Result<Option<Reply>, XmlError> {
    let mut envelope = xml::parse(document)?;
    if envelope.name() != "Envelope" {
        return Ok(None);
    }
    let content = envelope.take_child("Body").and_then(Element::into_first);
    Ok(content.map(|content| match content.name() {
        "Fault" => Reply::Fault(Fault::read(&content)),
        _ => Reply::Returned(content),
    }))
}

/// SOAP 1.1, section 4; the two XML Schema prefixes are for arguments that need a dynamic type.
const ENVELOPE: [(&str, &str); 3] = [
    ("xmlns:soapenv", "http://schemas.xmlsoap.org/soap/envelope/"),
    ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
    ("xmlns:xsd", "http://www.w3.org/2001/XMLSchema"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_is_an_envelope_with_this_as_first_argument() {
        let this = Reference::new("VirtualMachine", "vm-4<2");
        let text = call("AcquireTicket", &this, |out| {
            out.value("ticketType", "webmks")
        });
        let root = xml::parse(text.as_bytes()).unwrap();
        let method = &root.child("Body").unwrap().elements()[0];
        assert_eq!(method.name(), "AcquireTicket");
        assert_eq!(method.attribute("xmlns"), Some("urn:vim25"));
        assert_eq!(method.elements()[0].name(), "_this");
        assert_eq!(Reference::read(&method.elements()[0]), Some(this));
        assert_eq!(method.text_of("ticketType"), Some("webmks"));
    }

    #[test]
    fn document_without_envelope_is_no_reply() {
        assert!(reply(b"<html><body/></html>").unwrap().is_none());
        assert!(reply(b"<Envelope><Body/></Envelope>").unwrap().is_none());
        assert!(reply(b"<Envelope/>").unwrap().is_none());
        assert!(reply(b"Bad gateway").is_err());
    }
}

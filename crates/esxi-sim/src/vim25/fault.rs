//! vim25 faults and their SOAP form.

use quick_xml::escape::escape;

use super::value::{Fields, MoRef, Value, write_fields};
use crate::power::Power;

/// A fault, sent with HTTP status 500 and a typed detail (`docs/webmks.md` 3.1).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    /// `None`: a fault of the SOAP layer, without typed detail.
    kind: Option<&'static str>,
    message: String,
    fields: Fields,
}

impl Fault {
    fn typed(kind: &'static str, message: impl Into<String>, fields: Fields) -> Self {
        Self {
            kind: Some(kind),
            message: message.into(),
            fields,
        }
    }

    /// Wrong user name or password.
    pub(crate) fn invalid_login() -> Self {
        let message = "Cannot complete login due to an incorrect user name or password.";
        Self::typed("InvalidLogin", message, Vec::new())
    }

    /// No session, or an expired one.
    pub(crate) fn not_authenticated(object: &MoRef) -> Self {
        let fields = vec![
            ("object", Value::Ref(object.clone())),
            ("privilegeId", Value::text("System.View")),
        ];
        Self::typed(
            "NotAuthenticated",
            "The session is not authenticated.",
            fields,
        )
    }

    /// The user lacks a privilege on an object.
    pub(crate) fn no_permission(object: &MoRef, privilege: &str) -> Self {
        let fields = vec![
            ("object", Value::Ref(object.clone())),
            ("privilegeId", Value::text(privilege)),
        ];
        Self::typed(
            "NoPermission",
            "Permission to perform this operation was denied.",
            fields,
        )
    }

    /// ManagedObjectNotFound, with the text that os-autoinst matches for VMs under creation (`docs/webmks.md` 2.1).
    pub(crate) fn not_found(object: &MoRef) -> Self {
        let message = format!(
            "The object 'vim.{}:{}' has already been deleted or has not been completely created",
            object.kind, object.id
        );
        Self::typed(
            "ManagedObjectNotFound",
            message,
            vec![("obj", Value::Ref(object.clone()))],
        )
    }

    /// The VM is not powered on.
    pub(crate) fn invalid_power_state(existing: Power) -> Self {
        Self::power_state(Power::On, existing)
    }

    /// The VM's power state does not allow the change to `requested`.
    pub(crate) fn power_state(requested: Power, existing: Power) -> Self {
        let state = |word| Value::Word("VirtualMachinePowerState", word);
        let fields = vec![
            ("requestedState", state(requested.word())),
            ("existingState", state(existing.word())),
        ];
        let message = format!(
            "The attempted operation cannot be performed in the current state ({}).",
            match existing {
                Power::On => "Powered on",
                Power::Off => "Powered off",
                Power::Suspended => "Suspended",
            }
        );
        Self::typed("InvalidPowerState", message, fields)
    }

    /// `RemoteDisplay.maxConnections` is reached.
    pub(crate) fn connection_limit(limit: u32) -> Self {
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let fields = vec![("connectionLimit", Value::Int(limit))];
        let message = "The limit of console connections to the virtual machine has been reached.";
        Self::typed("MksConnectionLimitReached", message, fields)
    }

    /// A version that the property collector did not issue, or an old one.
    pub(crate) fn invalid_collector_version() -> Self {
        let message = "The version of the property collector is not valid.";
        Self::typed("InvalidCollectorVersion", message, Vec::new())
    }

    /// CancelWaitForUpdates was called.
    pub(crate) fn request_cancelled() -> Self {
        let message = "The task was canceled by a user.";
        Self::typed("RequestCanceled", message, Vec::new())
    }

    /// Another operation on the VM is in progress. The text of this and the next two faults is a guess.
    pub(crate) fn task_in_progress() -> Self {
        let message = "The operation is not allowed while another task is in progress.";
        Self::typed("TaskInProgress", message, Vec::new())
    }

    /// The VM's state does not allow the operation.
    pub(crate) fn invalid_state() -> Self {
        let message = "The operation is not allowed in the current state.";
        Self::typed("InvalidState", message, Vec::new())
    }

    /// VMware Tools do not run in the guest. The text is a guess.
    pub(crate) fn tools_unavailable() -> Self {
        let message =
            "The operation failed because VMware Tools are not running in this virtual machine.";
        Self::typed("ToolsUnavailable", message, Vec::new())
    }

    /// vCenter has no connection to the VM's host. The text is a guess.
    pub(crate) fn host_not_connected() -> Self {
        let message = "The operation is not allowed because the host is not connected.";
        Self::typed("HostNotConnected", message, Vec::new())
    }

    /// A FileFault: the datastore is full.
    pub(crate) fn no_disk_space() -> Self {
        let fields = vec![
            ("file", Value::text("[datastore1]")),
            ("datastore", Value::text("datastore1")),
        ];
        let message = "Insufficient disk space on datastore 'datastore1'.";
        Self::typed("NoDiskSpace", message, fields)
    }

    /// A FileFault: no such file.
    pub(crate) fn file_not_found(file: &str) -> Self {
        let message = format!("File {file} was not found");
        Self::typed("FileNotFound", message, vec![("file", Value::text(file))])
    }

    /// The simulator does not implement it.
    pub(crate) fn not_supported() -> Self {
        Self::typed(
            "NotSupported",
            "The operation is not supported on the object.",
            Vec::new(),
        )
    }

    /// An invalid argument.
    pub(crate) fn invalid_argument(property: &str) -> Self {
        let message = format!("A specified parameter was not correct: {property}");
        Self::typed(
            "InvalidArgument",
            message,
            vec![("invalidProperty", Value::text(property))],
        )
    }

    /// Not a vim25 call.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self {
            kind: None,
            message: message.into(),
            fields: Vec::new(),
        }
    }

    /// A method that the object does not have.
    pub(crate) fn unknown_method(method: &str, object: &MoRef) -> Self {
        Self::bad_request(format!(
            "Unable to resolve WSDL method name {method} of {}",
            object.kind
        ))
    }

    /// The LocalizedMethodFault of a task's error.
    pub(crate) fn localized(&self) -> Value {
        let kind = self.kind.unwrap_or("RuntimeFault");
        let fault = Value::Data(kind, self.fields.clone());
        Value::Data(
            "LocalizedMethodFault",
            vec![
                ("fault", Value::Any(Box::new(fault))),
                ("localizedMessage", Value::text(self.message.as_str())),
            ],
        )
    }

    /// The `Fault` element.
    pub(crate) fn to_xml(&self) -> String {
        let code = if self.kind.is_some() {
            "ServerFaultCode"
        } else {
            "ClientFaultCode"
        };
        let message = escape(self.message.as_str());
        let mut xml = format!(
            "<soapenv:Fault><faultcode>{code}</faultcode><faultstring>{message}</faultstring><detail>"
        );
        if let Some(kind) = self.kind {
            xml.push_str(&format!(
                "<{kind}Fault xmlns=\"urn:vim25\" xsi:type=\"{kind}\">"
            ));
            write_fields(&self.fields, &mut xml);
            xml.push_str(&format!("</{kind}Fault>"));
        }
        xml.push_str("</detail></soapenv:Fault>");
        xml
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_fault_names_its_type_and_carries_its_fields() {
        let xml = Fault::no_permission(&MoRef::new("VirtualMachine", "7"), "A.B").to_xml();
        let detail = concat!(
            r#"<NoPermissionFault xmlns="urn:vim25" xsi:type="NoPermission">"#,
            r#"<object type="VirtualMachine">7</object><privilegeId>A.B</privilegeId></NoPermissionFault>"#
        );
        assert!(xml.contains(detail), "{xml}");
    }

    #[test]
    fn an_untyped_fault_has_an_empty_detail() {
        let xml = Fault::bad_request("a < b").to_xml();
        assert!(
            xml.contains("<faultstring>a &lt; b</faultstring><detail></detail>"),
            "{xml}"
        );
    }
}

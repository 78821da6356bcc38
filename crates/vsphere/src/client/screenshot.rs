//! CreateScreenshot_Task: the host writes a picture of a VM to the VM's datastore (`docs/webmks.md` 3.5), from where it is
//! fetched; then the file is deleted.

use std::time::Duration;

use tokio::time::Instant;

use super::Client;
use crate::transport::CALL_TIMEOUT;
use crate::{
    call::CallError, datastore::DatastorePath, error::Error, find::ancestors::Datacenter,
    open_session::OpenSession, reference::Reference, screenshot::Screenshot, transport::Deadline,
    vm::Vm, xml::Element,
};

impl Client {
    /// A picture of what a VM shows, which the host takes by CreateScreenshot_Task. It takes the privilege
    /// `VirtualMachine.Interact.CreateScreenshot`, and to fetch it one to browse the datastore. The VM must be powered on.
    ///
    /// The host writes it to a file in the VM's folder, which is deleted within ten further seconds;
    /// [`Screenshot::not_removed`] has the error if that fails. Only a file with a PNG's name and signature is deleted. If the
    /// future is dropped, the file may remain.
    ///
    /// # Errors
    /// The VM is not powered on, the account lacks a privilege, the host cannot write the file ([`Error::NotWritten`]), or it
    /// cannot be fetched ([`Error::NotFetched`]); there is no session, for the reasons of [`Client::login`].
    pub async fn screenshot(&self, vm: &Vm) -> Result<Screenshot, Error> {
        let until = Instant::now() + CALL_TIMEOUT;
        // Before the screenshot, since a failure here leaves no file behind.
        let datacenter = self
            .in_session(until, |open| async move {
                self.finder(&open, until).datacenter(vm).await
            })
            .await?;
        let task = self
            .in_session(until, |open| async move {
                self.begin_screenshot(&open, vm, until).await
            })
            .await?;
        let path = self
            .in_session(until, |open| self.written(open, vm, &task, until))
            .await?;
        let png = self.fetch(&path, &datacenter, until).await?;
        let removed = self.remove(&path, &datacenter).await;
        Ok(Screenshot {
            png,
            path: path.to_string(),
            not_removed: removed.err(),
        })
    }

    async fn begin_screenshot(
        &self,
        open: &OpenSession,
        vm: &Vm,
        until: Instant,
    ) -> Result<Reference, CallError> {
        let this = Reference::new("VirtualMachine", &vm.moref);
        // Not retried: the first may have been carried out although its answer was lost, and its file would stay.
        let call = open.call("CreateScreenshot_Task", &this, Deadline::LongPoll(until));
        match self.calls.call(call, |_| {}).await {
            Ok(response) => self.task_in(&response),
            Err(CallError::Fault(fault)) => Err(self.refusal(open, vm, fault, until).await),
            Err(other) => Err(other),
        }
    }

    /// Waits for the task and returns the file's path.
    async fn written(
        &self,
        open: OpenSession,
        vm: &Vm,
        task: &Reference,
        until: Instant,
    ) -> Result<DatastorePath, CallError> {
        let result = match self.ended(&open, task, until).await {
            Err(CallError::Fault(fault)) => {
                return Err(self.refusal(&open, vm, fault, until).await);
            }
            ended => ended?,
        };
        let result = result.as_ref().map_or("", Element::text);
        let path = DatastorePath::read(result).map_err(|why| {
            let text = crate::fault::one_line(result);
            self.calls
                .malformed(format!("the picture is in {text:?}, and {why}"))
        })?;
        match path.is_png() {
            true => Ok(path),
            false => Err(self
                .calls
                .malformed(format!("the picture is in {path}, which is not a PNG"))
                .into()),
        }
    }

    /// Fetches the file. The error names the path, since the file still exists.
    async fn fetch(
        &self,
        path: &DatastorePath,
        datacenter: &Datacenter,
        until: Instant,
    ) -> Result<Vec<u8>, Error> {
        let fetched = self
            .in_session(until, |open| async move {
                let cookie = &open.cookie;
                Ok(self
                    .calls
                    .file(cookie, path, &datacenter.path, until)
                    .await?)
            })
            .await;
        fetched.map_err(|cause| Error::NotFetched {
            path: path.to_string(),
            cause: Box::new(cause),
        })
    }

    async fn remove(&self, path: &DatastorePath, datacenter: &Datacenter) -> Result<(), Error> {
        let until = Instant::now() + REMOVAL_TIMEOUT;
        self.in_session(until, |open| async move {
            let this = open.service.file_manager.as_ref();
            let this = this.ok_or_else(|| self.calls.no_file_manager())?;
            let call = open.call("DeleteDatastoreFile_Task", this, Deadline::Call(until));
            let response = self
                .calls
                .call(call, |out| {
                    out.value("name", &path.to_string());
                    datacenter.reference.write("datacenter", out);
                })
                .await?;
            let task = self.task_in(&response)?;
            self.ended(&open, &task, until).await.map(drop)
        })
        .await
    }

    fn task_in(&self, response: &Element) -> Result<Reference, CallError> {
        let task = response.child("returnval").and_then(Reference::read);
        task.ok_or_else(|| self.calls.malformed("there is no task in it").into())
    }
}

/// The time limit for deleting the file, while the caller waits for a picture that was fetched already.
const REMOVAL_TIMEOUT: Duration = Duration::from_secs(10);

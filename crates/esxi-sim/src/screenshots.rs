//! How a host answers CreateScreenshot_Task, and what becomes of the file.

/// Deviations from a successful screenshot. `Default` has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screenshots {
    /// The fault of the call, instead of a task.
    pub refused: Option<ScreenshotFault>,
    /// The error of the task, instead of a file.
    pub failed: Option<ScreenshotFault>,
    /// The task never ends.
    pub endless: bool,
    /// The path in the task's result, instead of that of the file.
    pub path: Option<String>,
    /// The content of the file, instead of the screenshot.
    pub content: Option<Vec<u8>>,
    /// The status of `GET /folder`, instead of the file.
    pub folder_status: Option<u16>,
    /// The user lacks `Datastore.FileManagement`, so the file cannot be deleted.
    pub deletion_denied: bool,
}

/// A declared fault of CreateScreenshot_Task (`docs/webmks.md` 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScreenshotFault {
    /// The user lacks `VirtualMachine.Interact.CreateScreenshot`.
    NoPermission,
    /// Another operation on the VM is in progress.
    TaskInProgress,
    /// The file cannot be written: NoDiskSpace.
    FileFault,
    /// The VM's state does not allow it.
    InvalidState,
}

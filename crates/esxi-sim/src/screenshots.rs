//! What becomes of CreateScreenshot_Task and of the file that it leaves.

/// What a host does when it is asked for a screenshot and for the file. `Default` is that all goes well and everything is
/// permitted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screenshots {
    /// What the call is answered with, instead of a task.
    pub refused: Option<ScreenshotFault>,
    /// What the task ends with, instead of a picture.
    pub failed: Option<ScreenshotFault>,
    /// The task runs for ever.
    pub endless: bool,
    /// What the task says that the picture is in, wherever that is.
    pub path: Option<String>,
    /// What is in the file, instead of the picture.
    pub content: Option<Vec<u8>>,
    /// The status that `/folder` answers with.
    pub folder_status: Option<u16>,
    /// The user lacks the privilege `Datastore.FileManagement`, which it takes to remove a file.
    pub deletion_denied: bool,
}

/// A fault that CreateScreenshot_Task declares, or the lack of its privilege (`docs/webmks.md` 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScreenshotFault {
    /// The user lacks `VirtualMachine.Interact.CreateScreenshot`.
    NoPermission,
    /// Something else is being done with the VM.
    TaskInProgress,
    /// The file could not be written; it is a NoDiskSpace.
    FileFault,
    /// The VM cannot do that now.
    InvalidState,
}

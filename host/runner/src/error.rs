//! [`RunError`]: why a run cannot be started.

/// A run could not be started.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The operating system gives no more threads.
    #[error("a worker thread cannot be started; try fewer `--workers`")]
    Thread(#[source] std::io::Error),
    /// The Snapshot or the policy cannot be written as JSON.
    #[error("the input document of the policies cannot be written")]
    Input(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What makes the judges panicked.
    #[error("making the judges panicked; this is a fault of assay, please report it")]
    Panicked,
}

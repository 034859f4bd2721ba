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
    /// Loading the policies panicked.
    #[error("loading the policies panicked; this is a bug in assay, please report it")]
    Panicked,
}

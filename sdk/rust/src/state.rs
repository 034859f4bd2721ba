//! The state of a job between two calls: a version and JSON.

use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, host, invalid};

/// The first byte of a state.
const VERSION: u8 = 1;

/// A state as the host keeps it.
pub fn pack<S: Serialize>(state: &S) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![VERSION];
    serde_json::to_writer(&mut bytes, state).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(bytes)
}

/// A state that the host kept.
///
/// # Errors
/// Another version of the plugin wrote it.
pub fn unpack<S: DeserializeOwned>(bytes: &[u8]) -> Result<S, Error> {
    let known = bytes.split_first().filter(|(version, _)| **version == VERSION);
    known
        .and_then(|(_, json)| serde_json::from_slice(json).ok())
        .ok_or_else(|| invalid("the state was written by another version of this plugin"))
}

/// A note of this job, if there is one.
pub fn note(key: &str) -> Option<String> {
    host::checkpoint::get(key).and_then(|bytes| String::from_utf8(bytes).ok())
}

/// Notes something of this job: it is on disk before this returns.
///
/// # Errors
/// The note is too large or its key not allowed.
pub fn set_note(key: &str, value: &str) -> Result<(), Error> {
    host::checkpoint::set(key, value.as_bytes())
        .map_err(|error| Error::Internal(format!("{value} cannot be noted as {key}: {error:?}")))
}

/// What a job does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status<S> {
    /// It is polled again with this state, not sooner than after so many milliseconds. `native` is the service's own word.
    Waiting {
        /// The state.
        state: S,
        /// How long to wait.
        after_ms: u32,
        /// The service's own word.
        native: String,
        /// Where people find the job.
        url: Option<String>,
    },
    /// It has ended, in any way.
    Ended(S),
}

/// What was collected of a job that has ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Collected<S> {
    /// There is more to collect.
    More(S),
    /// The verdict.
    Done(crate::Verdict),
}

/// How a cancellation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// The job does not run.
    Canceled,
    /// The service does not cancel it.
    Refused(String),
}

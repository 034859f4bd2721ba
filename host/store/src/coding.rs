//! How values are written in columns: times in milliseconds, digests as their bytes, documents as JSON.

use std::time::Duration;

use assay_model::{
    digest::Digest,
    outcome::Verdict,
    port::StoreError,
    run::{Cause, JobKey, RunState},
};
use jiff::Timestamp;
use rusqlite::{Row, types::Type};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::damaged;

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn key(row: &Row<'_>, column: usize) -> rusqlite::Result<JobKey> {
    digest(row, column).map(JobKey)
}

pub(crate) fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Digest> {
    let bytes: [u8; 32] = row.get(column)?;
    Ok(Digest::from_sha256(bytes))
}

pub(crate) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let millis: i64 = row.get(column)?;
    Timestamp::from_millisecond(millis).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, millis))
}

pub(crate) fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    match row.get::<_, Option<i64>>(column)? {
        Some(_) => time(row, column).map(Some),
        None => Ok(None),
    }
}

pub(crate) fn state(row: &Row<'_>, column: usize) -> rusqlite::Result<RunState> {
    let word: String = row.get(column)?;
    RunState::parse(&word).ok_or_else(|| invalid(column, format!("`{word}` is not a state")))
}

pub(crate) fn optional_state(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<RunState>> {
    match row.get::<_, Option<String>>(column)? {
        Some(_) => state(row, column).map(Some),
        None => Ok(None),
    }
}

pub(crate) fn verdict(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Verdict>> {
    optional_json(row, column)
}

pub(crate) fn cause(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Cause>> {
    optional_json(row, column)
}

pub(crate) fn optional_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    let read = |text: String| serde_json::from_str(&text).map_err(|error| invalid(column, error.to_string()));
    text.map(read).transpose()
}

fn invalid(column: usize, why: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, why.into())
}

/// A document as it is stored.
pub(crate) fn encode<T: Serialize>(document: &T) -> Result<Vec<u8>, StoreError> {
    let failed = |error: serde_json::Error| StoreError::Invalid(format!("a document cannot be stored: {error}"));
    serde_json::to_vec(document).map_err(failed)
}

/// A small document as text.
pub(crate) fn encode_text<T: Serialize>(document: &T) -> Result<String, StoreError> {
    let failed = |error: serde_json::Error| StoreError::Invalid(format!("a document cannot be stored: {error}"));
    serde_json::to_string(document).map_err(failed)
}

/// A document that was stored; `what` names it in the error.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| damaged(what, &error))
}

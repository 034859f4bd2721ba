//! Errors of SQLite and of files, as [`StoreError`]s that say what a person can do.

use std::io;

use assay_model::port::StoreError;
use camino::Utf8Path;
use rusqlite::ErrorCode;

/// An error of SQLite at this file.
pub(crate) fn from_sqlite(error: &rusqlite::Error, place: &Utf8Path) -> StoreError {
    let text = |what: &str| format!("the store `{place}` {what}: {error}");
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            StoreError::Unwritable(text("has no room left; make room on its disk and run the command again"))
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            StoreError::Unwritable(text("cannot be opened or written; check its permissions and its file system"))
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::TypeMismatch) => {
            StoreError::Damaged(text("is damaged; move it away and begin a new one"))
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::InUse(text("is in use by another process; wait until it has ended"))
        }
        Some(ErrorCode::SystemIoFailure) => StoreError::Unwritable(text("cannot be read or written")),
        Some(ErrorCode::TooBig) => StoreError::Invalid(text("takes no document of this size")),
        _ => match error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..) => {
                StoreError::Damaged(text("is damaged; move it away and begin a new one"))
            }
            _ => StoreError::Failed(text("failed")),
        },
    }
}

/// An error of a file in the store. `fs_err` names the file in its text.
pub(crate) fn from_io(error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            StoreError::Unwritable(format!("no room is left for the store; make room on its disk: {error}"))
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            StoreError::Unwritable(format!("the store cannot be written; check its permissions: {error}"))
        }
        io::ErrorKind::NotFound => StoreError::NotFound(error.to_string()),
        _ => StoreError::Failed(format!("the store failed: {error}")),
    }
}

/// A document in the store that cannot be read.
pub(crate) fn damaged(what: &str, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Damaged(format!("the store is damaged: {what} cannot be read: {why}"))
}

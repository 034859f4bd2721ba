//! [`CoordinatorLock`]: one coordinator for a folder.

use std::fs::{File, TryLockError};

use assay_model::port::StoreError;
use camino::Utf8Path;

use crate::error::from_io;

const LOCK: &str = "coordinator.lock";

/// Held as long as the process coordinates the folder. The system gives it up when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct CoordinatorLock {
    _file: File,
}

impl CoordinatorLock {
    /// Takes the lock, without waiting.
    ///
    /// # Errors
    /// Another process has it, or the folder cannot be written.
    pub(crate) fn take(folder: &Utf8Path) -> Result<Self, StoreError> {
        let path = folder.join(LOCK);
        let file = fs_err::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| from_io(&error))?.into_parts().0;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse(format!(
                "the store `{folder}` is in use by another process; wait until it has ended, or name another folder with --store"
            ))),
            Err(TryLockError::Error(error)) => Err(from_io(&error)),
        }
    }
}

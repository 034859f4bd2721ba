//! The notes of jobs: what an adapter wrote down in the middle of a call, durable at once.
//!
//! A note is not part of the job's state, which is stored when a call has ended: it is what a call that was killed leaves.

use assay_model::{port::StoreError, run::JobKey};
use rusqlite::params;

use crate::store::Store;

/// Notes of one job that are read at most; the executor allows far fewer.
const NOTES: u32 = 1_000;

impl Store {
    /// The notes of a job, by name.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn notes(&self, key: &JobKey) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT name, value FROM note WHERE key = ?1 ORDER BY name LIMIT ?2")?;
            statement.query_map(params![key.0.as_bytes(), NOTES], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
    }

    /// Replaces a note of a job. It is durable when this returns.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn set_note(&self, key: &JobKey, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let (key, name, value) = (key.clone(), name.to_owned(), value.to_owned());
        self.write_sql(move |connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO note (key, name, value) VALUES (?1, ?2, ?3)")?
                .execute(params![key.0.as_bytes(), name, value])
                .map(|_count| ())
        })
    }
}

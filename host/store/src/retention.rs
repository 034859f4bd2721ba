//! Garbage collection: by age, by count and by pins, in transactions so short that no writer waits for long.

use std::time::Duration;

use assay_model::{digest::Digest, port::StoreError, run::RunId};
use rusqlite::{Connection, params};
use serde::Serialize;

use crate::{error::from_io, store::Store};

/// Rows that are removed in one transaction.
const ROWS: i64 = 32;

/// Blobs that nothing uses are kept this long, since a task that is running may just have written them.
const BLOB_GRACE: Duration = Duration::from_secs(3_600);

/// What is kept. A run or a Snapshot goes if it has ended, is not pinned, and is older than the age or beyond the count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Older ones go; none keeps them all.
    pub max_age: Option<Duration>,
    /// Only so many of the newest stay; none keeps them all.
    pub max_count: Option<u64>,
}

/// What was, or would be, collected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// The runs.
    pub runs: Vec<String>,
    /// The digests of Snapshots.
    pub snapshots: Vec<String>,
    /// How many blobs.
    pub blobs: u64,
    /// How many bytes of blobs.
    pub bytes: u64,
}

impl Store {
    /// Removes what the policy does not keep, or says what it would remove.
    ///
    /// # Errors
    /// The store fails. What was removed before stays removed.
    pub fn collect_garbage(&self, policy: &RetentionPolicy, is_dry_run: bool) -> Result<Collected, StoreError> {
        let mut collected = Collected::default();
        let runs = self.expired("run", "id", "ended IS NOT NULL AND pinned = 0", "ended", policy)?;
        for (number, id) in runs {
            let Ok(id) = String::from_utf8(id) else { continue };
            if !is_dry_run {
                self.remove_run(number, &id)?;
            }
            collected.runs.push(id);
        }
        let snapshots = self.expired("snapshot", "id", "pinned = 0", "created", policy)?;
        for chunk in snapshots.chunks(usize::try_from(ROWS).unwrap_or(1)) {
            if !is_dry_run {
                let numbers: Vec<i64> = chunk.iter().map(|(number, _)| *number).collect();
                self.remove(move |connection| {
                    let mut statement =
                        connection.prepare_cached("DELETE FROM snapshot WHERE seq = ?1 AND pinned = 0")?;
                    numbers.iter().try_for_each(|number| statement.execute([number]).map(|_count| ()))
                })?;
            }
            let ids = chunk.iter().filter_map(|(_, id)| id.as_slice().try_into().ok());
            collected.snapshots.extend(ids.map(|id| Digest::from_sha256(id).to_string()));
        }
        self.collect_blobs(is_dry_run, &mut collected)?;
        Ok(collected)
    }

    /// Pins a run, so that it is never collected, or does away with the pin.
    ///
    /// # Errors
    /// There is no such run.
    pub fn pin_run(&self, id: &RunId, pin: bool) -> Result<(), StoreError> {
        let text = id.to_string();
        let changed = self.write_sql(move |connection| {
            connection.execute("UPDATE run SET pinned = ?1 WHERE id = ?2", params![pin, text])
        })?;
        if changed == 0 { Err(StoreError::NotFound(format!("there is no run `{id}` in the store"))) } else { Ok(()) }
    }

    /// Rows that the policy does not keep, the oldest first.
    fn expired(
        &self,
        table: &str,
        id: &str,
        condition: &str,
        time: &str,
        policy: &RetentionPolicy,
    ) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
        let now = self.clock.now().as_millisecond();
        let before = policy.max_age.map(|age| now.saturating_sub(crate::coding::millis(age)));
        let keep = policy.max_count.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        self.read(|connection| {
            // The newest ones that stay: pinned ones do not use up the count.
            let oldest_kept: Option<i64> = match keep {
                Some(keep) => {
                    let sql = format!("SELECT seq FROM {table} WHERE {condition} ORDER BY seq DESC LIMIT 1 OFFSET ?1");
                    let mut statement = connection.prepare_cached(&sql)?;
                    let mut rows = statement.query([keep])?;
                    rows.next()?.map(|row| row.get(0)).transpose()?
                }
                None => None,
            };
            let sql = format!(
                "SELECT seq, CAST({id} AS BLOB) FROM {table} WHERE {condition} AND ({time} < ?1 OR seq <= ?2) ORDER BY seq"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let bounds = [before.unwrap_or(i64::MIN), oldest_kept.unwrap_or(i64::MIN)];
            statement.query_map(bounds, |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
    }

    /// Removes rows in a transaction that does not wait for the disk: what comes back with a crash of the machine is garbage
    /// that is collected again.
    fn remove<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let removed = self.write_sql_lazily(work);
        // Others come in between: requests without a pause would have the writer for themselves.
        std::thread::yield_now();
        removed
    }

    /// Removes a run in several transactions; the run itself last, so that what remains after a crash is found again.
    fn remove_run(&self, number: i64, id: &str) -> Result<(), StoreError> {
        for sql in [
            "DELETE FROM event WHERE run = ?1 AND number IN (SELECT number FROM event WHERE run = ?1 LIMIT ?2)",
            "DELETE FROM attempt WHERE (key, number) IN (SELECT attempt.key, attempt.number FROM task JOIN attempt ON attempt.key = task.key WHERE task.run = ?1 LIMIT ?2)",
            "DELETE FROM other_result WHERE (key, answer) IN (SELECT other_result.key, other_result.answer FROM task JOIN other_result ON other_result.key = task.key WHERE task.run = ?1 LIMIT ?2)",
            "DELETE FROM note WHERE (key, name) IN (SELECT note.key, note.name FROM task JOIN note ON note.key = task.key WHERE task.run = ?1 LIMIT ?2)",
            "DELETE FROM result WHERE key IN (SELECT key FROM result WHERE run = ?1 LIMIT ?2)",
            "DELETE FROM task WHERE run = ?1 AND (scenario, name) IN (SELECT scenario, name FROM task WHERE run = ?1 LIMIT ?2)",
            "DELETE FROM scenario WHERE run = ?1 AND name IN (SELECT name FROM scenario WHERE run = ?1 LIMIT ?2)",
            "DELETE FROM blob_use WHERE run = ?1 AND digest IN (SELECT digest FROM blob_use WHERE run = ?1 LIMIT ?2)",
        ] {
            while self.remove(move |connection| connection.prepare_cached(sql)?.execute([number, ROWS]))? > 0 {}
        }
        let run: RunId = id.parse().map_err(|error| crate::error::damaged("the ID of a run", &error))?;
        match fs_err::remove_dir_all(self.log_folder(&run)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(from_io(&error)),
            _ => {}
        }
        self.write_sql(move |connection| {
            connection.execute("DELETE FROM plan WHERE run = ?1", [number])?;
            connection.execute("DELETE FROM run WHERE seq = ?1 AND ended IS NOT NULL AND pinned = 0", [number])?;
            Ok(())
        })
    }

    fn collect_blobs(&self, is_dry_run: bool, collected: &mut Collected) -> Result<(), StoreError> {
        let before = self.clock.now().as_millisecond().saturating_sub(crate::coding::millis(BLOB_GRACE));
        let gone = |connection: &Connection| -> rusqlite::Result<Vec<([u8; 32], i64)>> {
            let mut statement = connection.prepare_cached(
                "SELECT digest, size FROM blob WHERE added < ?1 AND NOT EXISTS (SELECT 1 FROM blob_use WHERE blob_use.digest = blob.digest)",
            )?;
            statement.query_map([before], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        for (hash, size) in self.read(gone)? {
            collected.blobs += 1;
            collected.bytes += size.unsigned_abs();
            if is_dry_run {
                continue;
            }
            // In the writer's thread, so that nobody says meanwhile that the blob is new.
            let path = self.blob_path(&Digest::from_sha256(hash));
            self.write_sql(move |connection| {
                let removed = connection.execute(
                    "DELETE FROM blob WHERE digest = ?1 AND added < ?2 AND NOT EXISTS (SELECT 1 FROM blob_use WHERE blob_use.digest = blob.digest)",
                    params![hash, before],
                )?;
                if removed > 0 {
                    // A file without a row is only rubbish.
                    let _rubbish = fs_err::remove_file(&path);
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

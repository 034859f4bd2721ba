//! [`RunRecord`] on the file.

use std::{
    io::{self, BufReader},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
};

use assay_model::{
    port::{Created, LogPart, RecordChange, RunRecord, StoreError, TaskProgress},
    run::{Job, JobKey, ProgressEvent, RunDocument, RunId, RunList, TaskId, TaskResult, WriteOutline},
};
use camino::Utf8Path;
use rusqlite::{Connection, MAIN_DB, OptionalExtension as _, params};
use serde::Deserialize;

use crate::{
    coding::{self, decode, encode, encode_text},
    error::{damaged, from_sqlite},
    queue::run_number,
    store::Store,
    writer::Durability,
};

/// Runs on one page at most.
const PAGE: usize = 1_000;

/// What is written of a long value at a time.
const VALUE_PART: usize = 64 << 10;

/// Parts that are encoded ahead of the one that is written.
const PARTS_AHEAD: usize = 2;

impl RunRecord for Store {
    fn create(&self, id: &RunId, outline: &dyn WriteOutline) -> Result<Created, StoreError> {
        let (id, now, size) = (id.to_string(), self.clock.now().as_millisecond(), written_size(outline)?);
        let (tenant, snapshot) = (outline.tenant().to_owned(), outline.snapshot().to_owned());
        let (snapshot_digest, supersedes) =
            (outline.snapshot_digest().cloned(), outline.supersedes().map(str::to_owned));
        let (sender, parts) = sync_channel(PARTS_AHEAD);
        let create = move |connection: &Connection| {
            let existing = connection
                .query_row("SELECT state FROM run WHERE id = ?1", [&id], |row| coding::state(row, 0))
                .optional()?;
            if let Some(state) = existing {
                return Ok(Created::Existing(state));
            }
            connection.execute(
                "INSERT INTO run (id, tenant, snapshot, supersedes, state, since, started) VALUES (?1, ?2, ?3, ?4, 'pending', ?5, ?5)",
                params![id, tenant, snapshot, supersedes, now],
            )?;
            let run = connection.last_insert_rowid();
            connection.execute("INSERT INTO plan (run, outline) VALUES (?1, zeroblob(?2))", [run, size])?;
            write_value(connection, "plan", "outline", run, &parts)?;
            if let Some(digest) = snapshot_digest {
                connection.execute(
                    "INSERT INTO blob_use (digest, run) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                    params![digest.as_bytes(), run],
                )?;
            }
            Ok(Created::New)
        };
        // A plan may have many megabytes, which are written while they are encoded.
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // A writer that no longer reads has an error of its own.
                let _ended = outline.write(&mut Parts { sender, bytes: Vec::new() });
            });
            self.write_sql(create)
        })
    }

    fn apply(&self, changes: Vec<RecordChange>) -> Result<(), StoreError> {
        let path = self.path.clone();
        self.write_as(move |connection| {
            changes.iter().try_for_each(|change| apply(connection, &path, change))?;
            // All else follows again from the plan and the results.
            let is_end =
                |change: &RecordChange| matches!(change, RecordChange::Run { state, .. } if state.state.is_final());
            Ok(((), if changes.iter().any(is_end) { Durability::Durable } else { Durability::Lazy }))
        })
    }

    fn read_outline(
        &self,
        id: &RunId,
        read: &mut dyn FnMut(&mut dyn io::Read) -> Result<(), serde_json::Error>,
    ) -> Result<(), StoreError> {
        let reader = self.lock_reader();
        let number = run_number(&reader, &self.path, id)?;
        let outline = reader
            .blob_open(MAIN_DB, "plan", "outline", number, true)
            .map_err(|error| from_sqlite(&error, &self.path))?;
        read(&mut BufReader::with_capacity(VALUE_PART, outline)).map_err(|error| damaged("the plan of a run", &error))
    }

    fn visit_tasks(&self, id: &RunId, visit: &mut dyn FnMut(TaskId, TaskProgress)) -> Result<(), StoreError> {
        /// What is needed of a job.
        #[derive(Deserialize)]
        struct QueuedJob {
            key: JobKey,
            task: TaskId,
        }
        let reader = self.lock_reader();
        let failed = |error: rusqlite::Error| from_sqlite(&error, &self.path);
        let number = run_number(&reader, &self.path, id)?;
        // One transaction, so that a job that ends meanwhile is not missed.
        let transaction = reader.unchecked_transaction().map_err(failed)?;
        let mut results = transaction
            .prepare_cached("SELECT key, scenario, task, doc FROM result WHERE run = ?1 ORDER BY scenario, task")
            .map_err(failed)?;
        let mut rows = results.query([number]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let text = |column: usize| row.get::<_, String>(column).map_err(failed);
            let doc: Vec<u8> = row.get(3).map_err(failed)?;
            let result: TaskResult = decode(&doc, "a result")?;
            let key = coding::key(row, 0).map_err(failed)?;
            visit(TaskId { scenario: text(1)?, task: text(2)? }, TaskProgress::Done(key, result));
        }
        let mut jobs = transaction.prepare_cached("SELECT doc FROM job WHERE run = ?1 ORDER BY seq").map_err(failed)?;
        let mut rows = jobs.query([number]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let doc: Vec<u8> = row.get(0).map_err(failed)?;
            let QueuedJob { key, task } = decode(&doc, "a job")?;
            visit(task, TaskProgress::Queued(key));
        }
        Ok(())
    }

    fn unfinished_of(&self, supersedes: &str) -> Result<Vec<RunId>, StoreError> {
        let ids = self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT id FROM run WHERE ended IS NULL AND supersedes = ?1 ORDER BY seq LIMIT 1000")?;
            statement.query_map([supersedes], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        ids.iter().map(|id| parse_id(id)).collect()
    }

    fn cancellations(&self) -> Result<Vec<(RunId, String)>, StoreError> {
        let found = self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, cancel FROM run WHERE cancel IS NOT NULL AND ended IS NULL ORDER BY seq LIMIT 1000",
            )?;
            let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        found.into_iter().map(|(id, reason)| Ok((parse_id(&id)?, reason))).collect()
    }

    fn request_cancel(&self, id: &RunId, reason: &str) -> Result<(), StoreError> {
        let (path, id, reason) = (self.path.clone(), id.clone(), reason.to_owned());
        self.write(move |connection| {
            let number = run_number(connection, &path, &id)?;
            connection
                .execute(
                    "UPDATE run SET cancel = ?1 WHERE seq = ?2 AND cancel IS NULL AND ended IS NULL",
                    (reason, number),
                )
                .map(|_count| ())
                .map_err(|error| from_sqlite(&error, &path))
        })
    }

    fn list(&self, after: Option<&str>, limit: usize) -> Result<RunList, StoreError> {
        let before = match after {
            None => i64::MAX,
            Some(text) => text.parse().map_err(|_| {
                StoreError::Invalid("the start of the page is not the `next` of another page".to_owned())
            })?,
        };
        self.page(before, limit.clamp(1, PAGE))
    }

    fn document(&self, id: &RunId) -> Result<RunDocument, StoreError> {
        self.run_document(id, true)
    }

    fn events(&self, id: &RunId, after: u64, limit: usize) -> Result<Vec<(u64, ProgressEvent)>, StoreError> {
        let number = run_number(&self.lock_reader(), &self.path, id)?;
        let rows = self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT number, doc FROM event WHERE run = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
            )?;
            let after = i64::try_from(after).unwrap_or(i64::MAX);
            let rows = statement
                .query_map(params![number, after, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
                })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        rows.into_iter().map(|(number, doc)| Ok((number.unsigned_abs(), decode(&doc, "an event")?))).collect()
    }

    fn append_log(&self, job: &Job, attempt: u32, bytes: &[u8]) -> Result<(), StoreError> {
        self.write_log(&job.run, &job.key, attempt, bytes)
    }

    fn read_log(&self, id: &RunId, task: &TaskId, offset: u64, limit: usize) -> Result<LogPart, StoreError> {
        let number = run_number(&self.lock_reader(), &self.path, id)?;
        let found = self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT key, EXISTS (SELECT 1 FROM job WHERE job.key = task.key) FROM task WHERE run = ?1 AND scenario = ?2 AND name = ?3",
            )?;
            statement
                .query_row(params![number, task.scenario, task.task], |row| {
                    let key: Option<[u8; 32]> = row.get(0)?;
                    Ok((key, row.get::<_, bool>(1)?))
                })
                .optional()
        })?;
        match found {
            Some((Some(key), is_queued)) => self.read_log_files(id, &key, offset, limit, !is_queued),
            Some((None, _)) => Ok(LogPart { is_complete: true, ..LogPart::default() }),
            None => Err(StoreError::NotFound(format!(
                "the run `{id}` has no task `{task}` that was started; see `assay runs show {id}`"
            ))),
        }
    }
}

/// How many bytes a document has.
fn written_size(outline: &dyn WriteOutline) -> Result<i64, StoreError> {
    let mut counter = Counter(0);
    outline.write(&mut counter).map_err(|error| StoreError::Invalid(format!("a plan cannot be stored: {error}")))?;
    Ok(counter.0)
}

/// Counts what is written.
struct Counter(i64);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(i64::try_from(bytes.len()).unwrap_or(i64::MAX));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Hands over what is written in parts. The last one follows when it is dropped.
struct Parts {
    sender: SyncSender<Vec<u8>>,
    bytes: Vec<u8>,
}

impl Parts {
    fn hand_over(&mut self) -> io::Result<()> {
        let part = std::mem::take(&mut self.bytes);
        self.sender.send(part).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl io::Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A plan that is JSON already comes as one piece.
        let part = bytes.get(..VALUE_PART).unwrap_or(bytes);
        self.bytes.extend_from_slice(part);
        if self.bytes.len() >= VALUE_PART {
            self.hand_over()?;
        }
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        let _ended = self.hand_over();
    }
}

/// Fills a value of zeros with parts as they come: as a parameter, a long one would be copied twice.
fn write_value(
    connection: &Connection,
    table: &str,
    column: &str,
    row: i64,
    parts: &Receiver<Vec<u8>>,
) -> rusqlite::Result<()> {
    let mut value = connection.blob_open(MAIN_DB, table, column, row, false)?;
    let mut at = 0;
    for part in parts {
        value.write_at(&part, at)?;
        at += part.len();
    }
    value.close()
}

fn parse_id(text: &str) -> Result<RunId, StoreError> {
    text.parse().map_err(|error| damaged("the ID of a run", &error))
}

/// A final state stands: every statement leaves rows alone that have one.
fn apply(connection: &Connection, path: &Utf8Path, change: &RecordChange) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| from_sqlite(&error, path);
    let ended = |state: &assay_model::run::StateRecord| state.state.is_final().then(|| state.since.as_millisecond());
    match change {
        RecordChange::Run { run, state, verdict } => {
            let number = run_number(connection, path, run)?;
            let verdict = verdict.as_ref().map(encode_text).transpose()?;
            let cause = state.cause.as_ref().map(encode_text).transpose()?;
            connection
                .prepare_cached(
                    "UPDATE run SET state = ?1, since = ?2, ended = ?3, verdict = ?4, cause = ?5, next = ?6 WHERE seq = ?7 AND ended IS NULL",
                )
                .and_then(|mut statement| {
                    let since = state.since.as_millisecond();
                    statement.execute(params![state.state.as_str(), since, ended(state), verdict, cause, state.next, number])
                })
                .map_err(failed)?;
        }
        RecordChange::Scenario { run, scenario, state } => {
            let number = run_number(connection, path, run)?;
            let cause = state.cause.as_ref().map(encode_text).transpose()?;
            connection
                .prepare_cached(
                    "INSERT INTO scenario (run, name, state, since, ended, cause, next) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                     ON CONFLICT DO UPDATE SET state = ?3, since = ?4, ended = ?5, cause = ?6, next = ?7 WHERE ended IS NULL",
                )
                .and_then(|mut statement| {
                    let since = state.since.as_millisecond();
                    statement.execute(params![number, scenario, state.state.as_str(), since, ended(state), cause, state.next])
                })
                .map_err(failed)?;
        }
        RecordChange::Task { run, task, state } => {
            let number = run_number(connection, path, run)?;
            let cause = state.cause.as_ref().map(encode_text).transpose()?;
            connection
                .prepare_cached(
                    "INSERT INTO task (run, scenario, name, state, since, cause, next) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                     ON CONFLICT DO UPDATE SET state = ?4, since = ?5, cause = ?6, next = ?7
                     WHERE state IS NULL OR state NOT IN ('passed', 'warned', 'failed', 'error', 'timed-out', 'canceled', 'skipped')",
                )
                .and_then(|mut statement| {
                    let since = state.since.as_millisecond();
                    let TaskId { scenario, task } = task;
                    statement.execute(params![number, scenario, task, state.state.as_str(), since, cause, state.next])
                })
                .map_err(failed)?;
        }
        RecordChange::Event(event) => {
            let number = run_number(connection, path, &event.run)?;
            let doc = encode(event)?;
            let next: i64 = connection
                .prepare_cached("UPDATE run SET events = events + 1 WHERE seq = ?1 RETURNING events")
                .and_then(|mut statement| statement.query_row([number], |row| row.get(0)))
                .map_err(failed)?;
            connection
                .prepare_cached("INSERT INTO event (run, number, doc) VALUES (?1, ?2, ?3)")
                .and_then(|mut statement| statement.execute(params![number, next, doc]))
                .map_err(failed)?;
        }
    }
    Ok(())
}

//! [`Queue`] on the file. A job is ready (0), waits for its time (1) or is in someone's hand (2); one with a result is gone.

use std::{sync::Arc, time::Duration};

use assay_model::{
    port::{Disposition, Lease, LeaseToken, Offer, Queue, QueueDepth, Settled, StoreError, TakeRequest},
    run::{Job, JobKey, Priority, RESULT_BYTES, RunId, TaskResult, WAITING_STATE_BYTES, WaitingState},
};
use camino::Utf8Path;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{
    coding::{decode, encode, millis},
    error::from_sqlite,
    store::Store,
    writer::Durability,
};

/// Jobs that are taken at once at most.
const TAKEN: usize = 1_024;

/// Jobs whose time came that are changed in one piece of work. What a piece of work changes, SQLite keeps in memory until it is
/// done, some 4 KiB for each job: with ten thousand that are due at once, that was 40 MiB.
const WOKEN: usize = 128;

impl Queue for Store {
    fn offer(&self, jobs: Vec<Job>) -> Result<Vec<Offer>, StoreError> {
        let (path, numbers, now) = (self.path.clone(), Arc::clone(&self.numbers), self.clock.now().as_millisecond());
        // What the machine loses is offered again when its run goes on.
        let offers = self.write_lazily(move |connection| {
            jobs.iter()
                .map(|job| offer(connection, &path, job, Self::number(&numbers), now))
                .collect::<Result<Vec<_>, _>>()
        })?;
        if offers.contains(&Offer::Accepted) {
            self.wakeup.raise();
        }
        Ok(offers)
    }

    fn take(&self, request: &TakeRequest, until: Duration) -> Result<Vec<Lease>, StoreError> {
        let filter = filter(request)?;
        loop {
            let seen = self.wakeup.generation();
            let now = self.clock.elapsed();
            let next = self.next_ready(filter.as_deref(), now)?;
            if request.max > 0 && next.is_some_and(|next| next <= now) {
                // All whose time came compete, however many they are.
                while self.wake(now)? == WOKEN {}
                let leases = self.take_ready(request, filter.as_deref(), now)?;
                if !leases.is_empty() {
                    return Ok(leases);
                }
            }
            if now >= until {
                return Ok(Vec::new());
            }
            let next = next.filter(|next| *next > now).unwrap_or(until);
            self.clock.wait(&self.wakeup, seen, until.min(next));
        }
    }

    fn extend(&self, tokens: &[LeaseToken], lease: Duration) -> Result<Vec<bool>, StoreError> {
        let tokens = tokens.to_vec();
        let now = self.clock.elapsed();
        // No lease is valid after a restart.
        self.write_sql_lazily(move |connection| {
            let mut statement = connection.prepare_cached(
                "UPDATE job SET lease_until = ?1 WHERE key = ?2 AND state = 2 AND delivery = ?3 AND lease_until > ?4",
            )?;
            tokens
                .iter()
                .map(|token| {
                    let (until, now) = (millis(now.saturating_add(lease)), millis(now));
                    statement
                        .execute(params![until, token.key.0.as_bytes(), delivery(token), now])
                        .map(|changed| changed > 0)
                })
                .collect()
        })
    }

    fn settle(&self, settlements: Vec<(LeaseToken, Disposition)>) -> Result<Vec<Settled>, StoreError> {
        let path = self.path.clone();
        let (wall, now) = (self.clock.now().as_millisecond(), self.clock.elapsed());
        let settled = self.write(move |connection| {
            let settle = |(token, how): &(LeaseToken, Disposition)| {
                Settlement { connection, path: &path, token, wall, now: millis(now) }.settle(how)
            };
            settlements.iter().map(settle).collect::<Result<Vec<_>, _>>()
        })?;
        if settled.contains(&Settled::Requeued) {
            self.wakeup.raise();
        }
        Ok(settled)
    }

    fn withdraw(&self, run: &RunId) -> Result<u64, StoreError> {
        let run = run.to_string();
        let wall = self.clock.now().as_millisecond();
        self.write_sql(move |connection| {
            connection.execute(
                "UPDATE attempt SET ended = ?1 WHERE ended IS NULL AND key IN
                 (SELECT key FROM job WHERE run = (SELECT seq FROM run WHERE id = ?2))",
                params![wall, run],
            )?;
            let count =
                connection.execute("DELETE FROM job WHERE run = (SELECT seq FROM run WHERE id = ?1)", [&run])?;
            Ok(u64::try_from(count).unwrap_or(u64::MAX))
        })
    }

    fn hasten(&self, keys: &[JobKey]) -> Result<(), StoreError> {
        let now = millis(self.clock.elapsed());
        for keys in keys.chunks(WOKEN) {
            let keys = keys.to_vec();
            self.write_sql(move |connection| {
                let mut statement =
                    connection.prepare_cached("UPDATE job SET due = min(due, ?1) WHERE key = ?2 AND state = 1")?;
                keys.iter().try_for_each(|key| statement.execute(params![now, key.0.as_bytes()]).map(|_count| ()))
            })?;
        }
        self.wakeup.raise();
        Ok(())
    }

    fn result(&self, key: &JobKey) -> Result<Option<TaskResult>, StoreError> {
        let stored = self.read(|connection| {
            connection
                .prepare_cached("SELECT doc FROM result WHERE key = ?1")?
                .query_row([key.0.as_bytes()], |row| row.get::<_, Vec<u8>>(0))
                .optional()
        })?;
        stored.map(|doc| decode(&doc, "a result")).transpose()
    }

    fn depth(&self) -> Result<QueueDepth, StoreError> {
        let now = millis(self.clock.elapsed());
        self.read(|connection| {
            let count = |sql: &str, now: Option<i64>| -> rusqlite::Result<u64> {
                let mut statement = connection.prepare_cached(sql)?;
                let count: i64 = match now {
                    Some(now) => statement.query_row([now], |row| row.get(0))?,
                    None => statement.query_row([], |row| row.get(0))?,
                };
                Ok(count.unsigned_abs())
            };
            let ready = count("SELECT count(*) FROM job WHERE state = 0", None)?;
            let due = count("SELECT count(*) FROM job WHERE state = 1 AND due <= ?1", Some(now))?;
            let delayed = count("SELECT count(*) FROM job WHERE state = 1 AND due > ?1", Some(now))?;
            let lost = count("SELECT count(*) FROM job WHERE state = 2 AND lease_until <= ?1", Some(now))?;
            let leased = count("SELECT count(*) FROM job WHERE state = 2 AND lease_until > ?1", Some(now))?;
            Ok(QueueDepth { ready: ready + due + lost, delayed, leased })
        })
    }
}

/// The condition that a job belongs to one of the runs whose IDs are in a JSON array, or to any if there is none.
const OF_RUNS: &str = "(?1 IS NULL OR run IN (SELECT seq FROM run WHERE id IN (SELECT value FROM json_each(?1))))";

/// The parameter of [`OF_RUNS`].
fn filter(request: &TakeRequest) -> Result<Option<String>, StoreError> {
    (!request.runs.is_empty()).then(|| crate::coding::encode_text(&request.runs)).transpose()
}

fn delivery(token: &LeaseToken) -> i64 {
    i64::try_from(token.delivery).unwrap_or(i64::MAX)
}

const fn class(priority: Priority) -> i64 {
    match priority {
        Priority::Bulk => 0,
        Priority::Normal => 1,
        Priority::Urgent => 2,
    }
}

fn offer(connection: &Connection, path: &Utf8Path, job: &Job, seq: i64, now: i64) -> Result<Offer, StoreError> {
    let failed = |error: rusqlite::Error| from_sqlite(&error, path);
    let key = job.key.0.as_bytes();
    let is_done = connection
        .prepare_cached("SELECT 1 FROM result WHERE key = ?1")
        .and_then(|mut statement| statement.exists([key]))
        .map_err(failed)?;
    if is_done {
        return Ok(Offer::AlreadyDone);
    }
    let run = run_number(connection, path, &job.run)?;
    let doc = encode(job)?;
    let inserted = connection
        .prepare_cached(
            "INSERT INTO job (key, run, class, seq, state, since, doc) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6) ON CONFLICT DO NOTHING",
        )
        .and_then(|mut statement| statement.execute(params![key, run, class(job.priority), seq, now, doc]))
        .map_err(failed)?;
    if inserted == 0 {
        return Ok(Offer::AlreadyQueued);
    }
    connection
        .prepare_cached(
            "INSERT INTO task (run, scenario, name, key, plugin, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET key = ?4, plugin = ?5, digest = ?6",
        )
        .and_then(|mut statement| {
            let plugin = &job.call.plugin;
            let (scenario, task) = (&job.task.scenario, &job.task.task);
            statement.execute(params![run, scenario, task, key, plugin.name, plugin.digest.as_bytes()])
        })
        .map_err(failed)?;
    Ok(Offer::Accepted)
}

/// The number of a run in the file.
pub(crate) fn run_number(connection: &Connection, path: &Utf8Path, run: &RunId) -> Result<i64, StoreError> {
    let number = connection
        .prepare_cached("SELECT seq FROM run WHERE id = ?1")
        .and_then(|mut statement| statement.query_row([run.as_str()], |row| row.get(0)).optional())
        .map_err(|error| from_sqlite(&error, path))?;
    number.ok_or_else(|| {
        StoreError::NotFound(format!("there is no run `{run}` in the store; list them with `assay runs list`"))
    })
}

impl Store {
    /// When the next job can be taken; now or before if there is one.
    fn next_ready(&self, filter: Option<&str>, now: Duration) -> Result<Option<Duration>, StoreError> {
        let next: Option<i64> = self.read(|connection| {
            let sql = format!("SELECT 1 FROM job WHERE state = 0 AND {OF_RUNS} LIMIT 1");
            if connection.prepare_cached(&sql)?.exists([filter])? {
                return Ok(Some(millis(now)));
            }
            let sql = format!(
                "SELECT min(at) FROM (SELECT min(due) AS at FROM job WHERE state = 1 AND {OF_RUNS}
                 UNION ALL SELECT min(lease_until) FROM job WHERE state = 2 AND {OF_RUNS})"
            );
            connection.prepare_cached(&sql)?.query_row([filter], |row| row.get(0))
        })?;
        Ok(next.map(|next| if next <= millis(now) { now } else { Duration::from_millis(next.unsigned_abs()) }))
    }

    /// Makes jobs ready whose time came or whose lease ended, a limited number of each. Returns how many they were at most.
    fn wake(&self, now: Duration) -> Result<usize, StoreError> {
        let now = millis(now);
        let has_some = self.read(|connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM job WHERE state = 1 AND due <= ?1) OR
                       EXISTS (SELECT 1 FROM job WHERE state = 2 AND lease_until <= ?1)";
            connection.prepare_cached(sql)?.query_row([now], |row| row.get::<_, bool>(0))
        })?;
        if !has_some {
            return Ok(0);
        }
        self.write_sql_lazily(move |connection| {
            let max = i64::try_from(WOKEN).unwrap_or(i64::MAX);
            let due = connection.prepare_cached(WAKE_DUE)?.execute([now, max])?;
            let lost = connection.prepare_cached(WAKE_LOST)?.execute([now, max])?;
            Ok(due.max(lost))
        })
    }

    fn take_ready(&self, request: &TakeRequest, filter: Option<&str>, now: Duration) -> Result<Vec<Lease>, StoreError> {
        let (max, until) = (request.max.min(TAKEN), millis(now.saturating_add(request.lease)));
        let (path, numbers, wall) = (self.path.clone(), Arc::clone(&self.numbers), self.clock.now().as_millisecond());
        let filter = filter.map(str::to_owned);
        self.write_as(move |connection| {
            let failed = |error: rusqlite::Error| from_sqlite(&error, &path);
            let rows = ready_rows(connection, filter.as_deref(), max).map_err(failed)?;
            let leases: Vec<Lease> = rows
                .into_iter()
                .map(|row| {
                    let delivery = Self::number(&numbers);
                    let attempt = row.attempt + i64::from(!row.is_continued);
                    deliver(connection, &row, delivery, attempt, until, wall).map_err(failed)?;
                    let job: Job = decode(&row.doc, "a job")?;
                    let token = LeaseToken { key: job.key.clone(), delivery: delivery.unsigned_abs() };
                    let waiting: Option<WaitingState> =
                        row.waiting.as_deref().map(|doc| decode(doc, "the state of a waiting job")).transpose()?;
                    let small = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
                    Ok(Lease { token, job, attempt: small(attempt), unsettled: small(row.unsettled + 1), waiting })
                })
                .collect::<Result<_, StoreError>>()?;
            // A task is carried out again if the machine loses that it was taken. An adapter looks for the job of its first
            // attempt only if it knows that there was one.
            let is_adapter = |lease: &Lease| lease.job.call.plugin.is_adapter && lease.waiting.is_none();
            let durability = if leases.iter().any(is_adapter) { Durability::Durable } else { Durability::Lazy };
            Ok((leases, durability))
        })
    }
}

struct ReadyRow {
    key: [u8; 32],
    doc: Vec<u8>,
    attempt: i64,
    is_continued: bool,
    unsettled: i64,
    waiting: Option<Vec<u8>>,
}

/// The earliest of the jobs whose time came.
pub(crate) const WAKE_DUE: &str = "UPDATE job SET state = 0, due = NULL WHERE key IN
    (SELECT key FROM job WHERE state = 1 AND due <= ?1 ORDER BY due LIMIT ?2)";

/// The earliest of the jobs whose lease ended.
pub(crate) const WAKE_LOST: &str = "UPDATE job SET state = 0, lease_until = NULL WHERE key IN
    (SELECT key FROM job WHERE state = 2 AND lease_until <= ?1 ORDER BY lease_until LIMIT ?2)";

fn ready_rows(connection: &Connection, filter: Option<&str>, max: usize) -> rusqlite::Result<Vec<ReadyRow>> {
    let sql = format!(
        "SELECT key, doc, attempt, continued, unsettled, waiting FROM job WHERE state = 0 AND {OF_RUNS}
         ORDER BY class DESC, seq LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![filter, i64::try_from(max).unwrap_or(i64::MAX)], |row| {
        Ok(ReadyRow {
            key: row.get(0)?,
            doc: row.get(1)?,
            attempt: row.get(2)?,
            is_continued: row.get(3)?,
            unsettled: row.get(4)?,
            waiting: row.get(5)?,
        })
    })?;
    rows.collect()
}

fn deliver(
    connection: &Connection,
    row: &ReadyRow,
    delivery: i64,
    attempt: i64,
    until: i64,
    wall: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE job SET state = 2, due = NULL, lease_until = ?1, delivery = ?2, attempt = ?3, continued = 0,
             unsettled = unsettled + 1, since = ?5 WHERE key = ?4",
        )?
        .execute(params![until, delivery, attempt, row.key, wall])?;
    // An attempt that ended without a word belongs to a worker that vanished.
    connection
        .prepare_cached(
            "UPDATE attempt SET ended = ?1, class = 'vanished' WHERE key = ?2 AND number < ?3 AND ended IS NULL",
        )?
        .execute(params![wall, row.key, attempt])?;
    connection
        .prepare_cached("INSERT INTO attempt (key, number, started) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?
        .execute(params![row.key, attempt, wall])?;
    Ok(())
}

/// One job that is given back.
struct Settlement<'a> {
    connection: &'a Connection,
    path: &'a Utf8Path,
    token: &'a LeaseToken,
    wall: i64,
    now: i64,
}

impl Settlement<'_> {
    fn settle(&self, how: &Disposition) -> Result<Settled, StoreError> {
        match how {
            Disposition::Finish(result) => self.finish(result),
            Disposition::Retry { after, class } => {
                let settled = self.requeue(*after, false, None)?;
                if settled == Settled::Requeued {
                    self.end_attempt(Some(class.as_str()))?;
                }
                Ok(settled)
            }
            Disposition::Wait { after, state } => {
                if state.state.len() > WAITING_STATE_BYTES {
                    return Err(StoreError::Invalid(format!(
                        "the state of a waiting job has {} bytes; the limit is {WAITING_STATE_BYTES}",
                        state.state.len()
                    )));
                }
                self.requeue(*after, true, Some(&encode(state)?))
            }
            Disposition::Release => self.requeue(Duration::ZERO, true, None),
        }
    }

    fn failed(&self) -> impl Fn(rusqlite::Error) -> StoreError {
        let path = self.path.to_owned();
        move |error| from_sqlite(&error, &path)
    }

    fn finish(&self, result: &TaskResult) -> Result<Settled, StoreError> {
        let key = self.token.key.0.as_bytes();
        let failed = self.failed();
        let answer = result
            .answer_digest()
            .map_err(|error| StoreError::Invalid(format!("a result cannot be stored: {error}")))?;
        let doc = encode(result)?;
        let size: usize = result.results.iter().map(|(name, value)| name.len() + size_of_value(value)).sum();
        if size > RESULT_BYTES {
            return Err(StoreError::Invalid(format!(
                "the results of a task have {size} bytes; the limit is {RESULT_BYTES}; keep them as an artifact"
            )));
        }
        let stored = self
            .connection
            .prepare_cached("SELECT answer FROM result WHERE key = ?1")
            .and_then(|mut statement| statement.query_row([key], |row| crate::coding::digest(row, 0)).optional())
            .map_err(&failed)?;
        if let Some(stored) = stored {
            let same = stored == answer;
            if !same {
                self.connection
                    .prepare_cached(
                        "INSERT INTO other_result (key, answer, doc) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                    )
                    .and_then(|mut statement| statement.execute(params![key, answer.as_bytes(), doc]))
                    .map_err(&failed)?;
            }
            return Ok(Settled::AlreadyStored { same, answer: stored });
        }
        let job = self
            .connection
            .prepare_cached("DELETE FROM job WHERE key = ?1 RETURNING run, doc")
            .and_then(|mut statement| {
                statement.query_row([key], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))).optional()
            })
            .map_err(&failed)?;
        let Some((run, job)) = job else { return Ok(Settled::UnknownJob) };
        let job: Job = decode(&job, "a job")?;
        self.connection
            .prepare_cached(
                "INSERT INTO result (key, run, scenario, task, answer, doc) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .and_then(|mut statement| {
                statement.execute(params![key, run, job.task.scenario, job.task.task, answer.as_bytes(), doc])
            })
            .map_err(&failed)?;
        for artifact in &result.artifacts {
            self.connection
                .prepare_cached("INSERT INTO blob_use (digest, run) VALUES (?1, ?2) ON CONFLICT DO NOTHING")
                .and_then(|mut statement| statement.execute(params![artifact.digest.as_bytes(), run]))
                .map_err(&failed)?;
        }
        self.end_attempt(None)?;
        Ok(Settled::Stored)
    }

    fn end_attempt(&self, class: Option<&str>) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE attempt SET ended = ?1, class = ?2 WHERE key = ?3 AND ended IS NULL")
            .and_then(|mut statement| statement.execute(params![self.wall, class, self.token.key.0.as_bytes()]))
            .map(|_count| ())
            .map_err(self.failed())
    }

    fn requeue(&self, after: Duration, is_continued: bool, waiting: Option<&[u8]>) -> Result<Settled, StoreError> {
        let key = self.token.key.0.as_bytes();
        let (due, due_wall) = (self.now.saturating_add(millis(after)), self.wall.saturating_add(millis(after)));
        let changed = self
            .connection
            .prepare_cached(
                "UPDATE job SET state = 1, due = ?1, due_wall = ?2, lease_until = NULL, continued = ?3, unsettled = 0,
                 waiting = coalesce(?4, waiting), since = ?8
                 WHERE key = ?5 AND state = 2 AND delivery = ?6 AND lease_until > ?7",
            )
            .and_then(|mut statement| {
                let delivery = delivery(self.token);
                statement.execute(params![due, due_wall, is_continued, waiting, key, delivery, self.now, self.wall])
            })
            .map_err(self.failed())?;
        if changed > 0 {
            return Ok(Settled::Requeued);
        }
        let is_known = self
            .connection
            .prepare_cached("SELECT 1 FROM job WHERE key = ?1 UNION ALL SELECT 1 FROM result WHERE key = ?1")
            .and_then(|mut statement| statement.exists([key]))
            .map_err(self.failed())?;
        Ok(if is_known { Settled::LeaseLost } else { Settled::UnknownJob })
    }
}

fn size_of_value(value: &assay_model::run::ParamValue) -> usize {
    use assay_model::run::ParamValue;
    match value {
        ParamValue::Text(text) => text.len(),
        ParamValue::Items(items) => items.iter().map(String::len).sum(),
        ParamValue::Fields(fields) => fields.iter().map(|(name, value)| name.len() + value.len()).sum(),
    }
}

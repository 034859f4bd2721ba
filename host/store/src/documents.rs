//! What is shown of runs: pages of a list, and one run whole, put together from its outline, its jobs and its results.

use std::collections::BTreeMap;

use assay_model::{
    digest::Digest,
    outcome::Verdict,
    port::StoreError,
    run::{
        AttemptDocument, Cause, ErrorClass, JobKey, RemoteJob, RunDocument, RunId, RunList, RunOutline, RunState,
        RunSummary, ScenarioDocument, TaskDocument, TaskId, TaskResult, WaitingState,
    },
};
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::{
    coding::{self, decode},
    queue::run_number,
    store::Store,
};

/// A row of table `task` with what the queue says about its job.
struct TaskRow {
    key: Option<[u8; 32]>,
    plugin: Option<(String, Digest)>,
    own: Option<Status>,
    job: Option<JobRow>,
}

/// A state, since when, why, and what is next.
type Status = (RunState, Option<Timestamp>, Option<Cause>, Option<String>);

struct JobRow {
    state: i64,
    since: Timestamp,
    due: Option<Timestamp>,
    waiting: Option<Vec<u8>>,
}

/// Everything about one run but its summary.
struct Parts {
    outline: RunOutline,
    scenarios: BTreeMap<String, ScenarioRow>,
    tasks: BTreeMap<TaskId, TaskRow>,
    attempts: BTreeMap<[u8; 32], Vec<AttemptDocument>>,
    results: BTreeMap<TaskId, (JobKey, TaskResult)>,
    started: Timestamp,
}

struct ScenarioRow {
    state: RunState,
    since: Timestamp,
    ended: Option<Timestamp>,
    cause: Option<Cause>,
    next: Option<String>,
}

struct SummaryRow {
    seq: i64,
    id: String,
    state: RunState,
    verdict: Option<Verdict>,
    snapshot: String,
    started: Timestamp,
    ended: Option<Timestamp>,
}

impl SummaryRow {
    fn summary(self) -> Result<RunSummary, StoreError> {
        let Self { seq: _, id, state, verdict, snapshot, started, ended } = self;
        let id: RunId = id.parse().map_err(|error| crate::error::damaged("the ID of a run", &error))?;
        Ok(RunSummary { id, state, verdict, snapshot, started, ended })
    }
}

fn summary(row: &Row<'_>) -> rusqlite::Result<SummaryRow> {
    Ok(SummaryRow {
        seq: row.get(0)?,
        id: row.get(1)?,
        state: coding::state(row, 2)?,
        verdict: coding::verdict(row, 3)?,
        snapshot: row.get(4)?,
        started: coding::time(row, 5)?,
        ended: coding::optional_time(row, 6)?,
    })
}

const SUMMARY: &str = "seq, id, state, verdict, snapshot, started, ended";

impl Store {
    pub(crate) fn page(&self, before: i64, limit: usize) -> Result<RunList, StoreError> {
        let rows = self.read(|connection| {
            let sql = format!("SELECT {SUMMARY} FROM run WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2");
            let mut statement = connection.prepare_cached(&sql)?;
            let more = i64::try_from(limit + 1).unwrap_or(i64::MAX);
            statement.query_map([before, more], summary)?.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let has_more = rows.len() > limit;
        let mut list = RunList::default();
        for row in rows.into_iter().take(limit) {
            list.next = has_more.then(|| row.seq.to_string());
            list.runs.push(row.summary()?);
        }
        Ok(list)
    }

    pub(crate) fn run_document(&self, id: &RunId) -> Result<RunDocument, StoreError> {
        let reader = self.lock_reader();
        let number = run_number(&reader, &self.path, id)?;
        let failed = |error: rusqlite::Error| crate::error::from_sqlite(&error, &self.path);
        // One transaction, so that what is read belongs together.
        let transaction = reader.unchecked_transaction().map_err(failed)?;
        let (row, cause, next) = transaction
            .query_row(&format!("SELECT {SUMMARY}, cause, next FROM run WHERE seq = ?1"), [number], |row| {
                Ok((summary(row)?, coding::cause(row, 7)?, row.get(8)?))
            })
            .map_err(failed)?;
        let outline: Vec<u8> = transaction
            .query_row("SELECT outline FROM plan WHERE run = ?1", [number], |row| row.get(0))
            .map_err(failed)?;
        let outline: RunOutline = decode(&outline, "the plan of a run")?;
        let started = row.started;
        let parts = Parts {
            scenarios: scenarios(&transaction, number).map_err(failed)?,
            tasks: tasks(&transaction, number).map_err(failed)?,
            attempts: attempts(&transaction, number).map_err(failed)?,
            results: results(&transaction, number, &failed)?,
            outline,
            started,
        };
        let mut document = RunDocument::new(row.summary()?);
        (document.cause, document.next) = (cause, next);
        document.scenarios = parts.scenarios();
        Ok(document)
    }
}

fn scenarios(connection: &Connection, run: i64) -> rusqlite::Result<BTreeMap<String, ScenarioRow>> {
    let mut statement =
        connection.prepare_cached("SELECT name, state, since, ended, cause, next FROM scenario WHERE run = ?1")?;
    let rows = statement.query_map([run], |row| {
        let found = ScenarioRow {
            state: coding::state(row, 1)?,
            since: coding::time(row, 2)?,
            ended: coding::optional_time(row, 3)?,
            cause: coding::cause(row, 4)?,
            next: row.get(5)?,
        };
        Ok((row.get(0)?, found))
    })?;
    rows.collect()
}

fn tasks(connection: &Connection, run: i64) -> rusqlite::Result<BTreeMap<TaskId, TaskRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT task.scenario, task.name, task.key, task.plugin, task.digest, task.state, task.since, task.cause, task.next,
         job.state, job.since, job.due_wall, job.waiting
         FROM task LEFT JOIN job ON job.key = task.key WHERE task.run = ?1",
    )?;
    let rows = statement.query_map(params![run], |row| {
        let plugin: Option<String> = row.get(3)?;
        let own = coding::optional_state(row, 5)?;
        let queued: Option<i64> = row.get(9)?;
        let job = match queued {
            Some(state) => Some(JobRow {
                state,
                since: coding::time(row, 10)?,
                due: coding::optional_time(row, 11)?,
                waiting: row.get(12)?,
            }),
            None => None,
        };
        let found = TaskRow {
            key: row.get(2)?,
            plugin: plugin.map(|name| Ok::<_, rusqlite::Error>((name, coding::digest(row, 4)?))).transpose()?,
            own: own
                .map(|state| {
                    let (since, cause) = (coding::optional_time(row, 6)?, coding::cause(row, 7)?);
                    Ok::<_, rusqlite::Error>((state, since, cause, row.get(8)?))
                })
                .transpose()?,
            job,
        };
        Ok((TaskId { scenario: row.get(0)?, task: row.get(1)? }, found))
    })?;
    rows.collect()
}

fn attempts(connection: &Connection, run: i64) -> rusqlite::Result<BTreeMap<[u8; 32], Vec<AttemptDocument>>> {
    let mut statement = connection.prepare_cached(
        "SELECT attempt.key, number, started, ended, class FROM task JOIN attempt ON attempt.key = task.key
         WHERE task.run = ?1 ORDER BY attempt.key, number",
    )?;
    let rows = statement.query_map([run], |row| {
        let key: [u8; 32] = row.get(0)?;
        let word: Option<String> = row.get(4)?;
        let class = word.and_then(|word| serde_json::from_value::<ErrorClass>(word.into()).ok());
        let number = u32::try_from(row.get::<_, i64>(1)?).unwrap_or(u32::MAX);
        let attempt =
            AttemptDocument { number, class, started: coding::time(row, 2)?, ended: coding::optional_time(row, 3)? };
        Ok((key, attempt))
    })?;
    let mut found: BTreeMap<[u8; 32], Vec<AttemptDocument>> = BTreeMap::new();
    for row in rows {
        let (key, attempt) = row?;
        found.entry(key).or_default().push(attempt);
    }
    Ok(found)
}

fn results(
    connection: &Connection,
    run: i64,
    failed: &dyn Fn(rusqlite::Error) -> StoreError,
) -> Result<BTreeMap<TaskId, (JobKey, TaskResult)>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT key, scenario, task, doc FROM result WHERE run = ?1").map_err(failed)?;
    let rows = statement
        .query_map([run], |row| {
            let task = TaskId { scenario: row.get(1)?, task: row.get(2)? };
            Ok((task, coding::key(row, 0)?, row.get::<_, Vec<u8>>(3)?))
        })
        .map_err(failed)?;
    rows.map(|row| {
        let (task, key, doc) = row.map_err(failed)?;
        Ok((task, (key, decode(&doc, "a result")?)))
    })
    .collect()
}

impl Parts {
    fn scenarios(&self) -> Vec<ScenarioDocument> {
        let scenario = |outline: &assay_model::run::ScenarioOutline| {
            let row = self.scenarios.get(&outline.name);
            let default = "it starts when a worker is free and the scenarios before it have ended".to_owned();
            ScenarioDocument {
                name: outline.name.clone(),
                state: row.map_or(RunState::Pending, |row| row.state),
                optional: outline.optional,
                since: row.map_or(self.started, |row| row.since),
                ended: row.and_then(|row| row.ended),
                cause: row.and_then(|row| row.cause.clone()),
                next: row.map_or(Some(default), |row| row.next.clone()),
                tasks: self.tasks(outline),
            }
        };
        self.outline.scenarios.iter().map(scenario).collect()
    }

    fn tasks(&self, outline: &assay_model::run::ScenarioOutline) -> Vec<TaskDocument> {
        let id = |name: &str| TaskId::new(outline.name.as_str(), name);
        let planned = outline.tasks.iter().map(|task| {
            let plugin = (task.plugin.name.clone(), task.plugin.digest.clone());
            self.task(&id(&task.name), Some(plugin))
        });
        let names: std::collections::BTreeSet<&str> = outline.tasks.iter().map(|task| task.name.as_str()).collect();
        // Cells of matrices that were not known when the run was planned.
        let mut late: Vec<&TaskId> = self
            .tasks
            .keys()
            .filter(|task| task.scenario == outline.name && !names.contains(task.task.as_str()))
            .collect();
        late.sort_by_key(|task| split_cell(&task.task));
        planned.chain(late.into_iter().map(|task| self.task(task, None))).flatten().collect()
    }

    fn task(&self, id: &TaskId, planned: Option<(String, Digest)>) -> Option<TaskDocument> {
        let row = self.tasks.get(id);
        let result = self.results.get(id).map(|(_, result)| result);
        let (plugin, digest) = row.and_then(|row| row.plugin.clone()).or(planned)?;
        let (state, since, cause, next) = match (result, row) {
            (Some(result), _) => (result.state, Some(result.ended), result.cause.clone(), None),
            (None, Some(TaskRow { job: Some(job), .. })) => job.state(),
            (None, Some(TaskRow { own: Some((state, since, cause, next)), .. })) => {
                (*state, *since, cause.clone(), next.clone())
            }
            (None, _) => {
                (RunState::Pending, None, None, Some("it starts when the tasks before it have ended".to_owned()))
            }
        };
        let attempts = row.and_then(|row| row.key).and_then(|key| self.attempts.get(&key)).cloned();
        let remote = match (result, row) {
            (Some(result), _) => result.remote.as_deref().cloned(),
            (None, Some(TaskRow { job: Some(job), .. })) => job.remote(&plugin),
            (None, _) => None,
        };
        Some(TaskDocument {
            name: id.task.clone(),
            state,
            since,
            cause,
            next,
            plugin,
            digest,
            attempts: attempts.unwrap_or_default(),
            results: result.map(|result| result.results.clone()).unwrap_or_default(),
            artifacts: result.map(|result| result.artifacts.clone()).unwrap_or_default(),
            usage: result.map(|result| result.usage.clone()),
            remote,
        })
    }
}

impl JobRow {
    fn waiting(&self) -> Option<WaitingState> {
        self.waiting.as_deref().and_then(|doc| serde_json::from_slice(doc).ok())
    }

    /// The third party's job.
    fn remote(&self, plugin: &str) -> Option<RemoteJob> {
        let WaitingState { native, url, remote_id, step, .. } = self.waiting()?;
        Some(RemoteJob {
            service: plugin.to_owned(),
            id: remote_id,
            native,
            url,
            polls: step,
            next_poll: self.due.filter(|_| self.state == 1),
        })
    }

    fn state(&self) -> Status {
        let waiting = || self.waiting();
        let again = self.due.map(|due| format!("it goes on at {due}"));
        match (self.state, waiting()) {
            (2, _) => (RunState::Running, Some(self.since), None, Some("it ends when its plugin returns".to_owned())),
            (1, Some(waiting)) => {
                let place = waiting.url.map(|url| format!(" ({url})")).unwrap_or_default();
                let message = format!("the third party's state is `{}`{place}", waiting.native);
                (RunState::Waiting, Some(self.since), Some(Cause::new("third-party", &message)), again)
            }
            (1, None) => {
                let cause = Cause::new("back-off", "the attempt before failed, and the next one is not due yet");
                (RunState::Queued, Some(self.since), Some(cause), again)
            }
            _ => (RunState::Queued, Some(self.since), None, Some("it starts when a worker is free".to_owned())),
        }
    }
}

/// `build-12` as `("build", 12)`, so that cell 2 stands before cell 12.
fn split_cell(name: &str) -> (&str, u32) {
    name.rsplit_once('-').and_then(|(task, cell)| Some((task, cell.parse().ok()?))).unwrap_or((name, 0))
}

//! What is shown of runs: pages of a list, and one run whole, put together from its outline, its jobs and its results.
//!
//! A run may have ten thousand tasks, so each row goes straight into the document: nothing but that is held.

use std::{collections::BTreeMap, io::BufReader};

use assay_model::{
    digest::Digest,
    outcome::Verdict,
    port::StoreError,
    run::{
        AttemptDocument, Cause, ErrorClass, RemoteJob, RunDocument, RunId, RunList, RunState, RunSummary,
        ScenarioDocument, ScenarioOutline, TaskDocument, TaskOutline, TaskResult, Version, WaitingState,
    },
};
use jiff::Timestamp;
use rusqlite::{Connection, MAIN_DB, Row};
use serde::Deserialize;

use crate::{
    coding::{self, decode},
    error::damaged,
    queue::run_number,
    store::Store,
};

/// A state, since when, why, and what is next.
type Status = (RunState, Option<Timestamp>, Option<Cause>, Option<String>);

/// What a document needs of an outline: not the plan, which has the parameters of all tasks.
#[derive(Deserialize)]
struct Planned {
    #[serde(rename = "version")]
    _version: Version<1>,
    scenarios: Vec<ScenarioOutline>,
}

struct JobRow {
    state: i64,
    since: Timestamp,
    due: Option<Timestamp>,
    waiting: Option<Vec<u8>>,
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
        let id: RunId = id.parse().map_err(|error| damaged("the ID of a run", &error))?;
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

/// What is read of an outline at a time.
const OUTLINE_PART: usize = 64 << 10;

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

    /// All that is known about a run but what its tasks gave: without results, files and what they used.
    ///
    /// # Errors
    /// There is no such run, or the store cannot be read.
    pub fn brief_document(&self, id: &RunId) -> Result<RunDocument, StoreError> {
        self.run_document(id, false)
    }

    pub(crate) fn run_document(&self, id: &RunId, has_results: bool) -> Result<RunDocument, StoreError> {
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
        let outline = transaction.blob_open(MAIN_DB, "plan", "outline", number, true).map_err(failed)?;
        let planned: Planned = serde_json::from_reader(BufReader::with_capacity(OUTLINE_PART, outline))
            .map_err(|error| damaged("the plan of a run", &error))?;
        let mut parts = Parts::of(planned, row.started);
        parts.read_scenarios(&transaction, number).map_err(failed)?;
        parts.read_tasks(&transaction, number).map_err(failed)?;
        parts.read_attempts(&transaction, number).map_err(failed)?;
        parts.read_results(&transaction, number, has_results, &failed)?;
        let mut document = RunDocument::new(row.summary()?);
        (document.cause, document.next) = (cause, next);
        document.scenarios = parts.scenarios;
        Ok(document)
    }
}

/// The scenarios of a document while they are read.
struct Parts {
    scenarios: Vec<ScenarioDocument>,
    /// The scenarios by name.
    names: BTreeMap<String, usize>,
    /// Where each task is, scenario and task, in the order of their names.
    order: Vec<(usize, usize)>,
}

impl Parts {
    /// Everything as it is before anything started.
    fn of(planned: Planned, started: Timestamp) -> Self {
        let task = |task: TaskOutline| pending(task.name, task.plugin.name, task.plugin.digest);
        let scenario = |scenario: ScenarioOutline| ScenarioDocument {
            name: scenario.name,
            state: RunState::Pending,
            optional: scenario.optional,
            since: started,
            ended: None,
            cause: None,
            next: Some("it starts when a worker is free and the scenarios before it have ended".to_owned()),
            tasks: scenario.tasks.into_iter().map(task).collect(),
        };
        let scenarios: Vec<ScenarioDocument> = planned.scenarios.into_iter().map(scenario).collect();
        let names = scenarios.iter().enumerate().map(|(at, scenario)| (scenario.name.clone(), at)).collect();
        let mut parts = Self { scenarios, names, order: Vec::new() };
        parts.sort();
        parts
    }

    fn name(&self, (scenario, task): (usize, usize)) -> &str {
        let found = self.scenarios.get(scenario).and_then(|scenario| scenario.tasks.get(task));
        found.map_or("", |task| task.name.as_str())
    }

    fn sort(&mut self) {
        let mut order: Vec<(usize, usize)> = self
            .scenarios
            .iter()
            .enumerate()
            .flat_map(|(at, scenario)| (0..scenario.tasks.len()).map(move |task| (at, task)))
            .collect();
        order.sort_by(|one, other| one.0.cmp(&other.0).then_with(|| self.name(*one).cmp(self.name(*other))));
        self.order = order;
    }

    fn task(&mut self, scenario: &str, task: &str) -> Option<&mut TaskDocument> {
        let number = *self.names.get(scenario)?;
        let found = self.order.binary_search_by(|at| at.0.cmp(&number).then_with(|| self.name(*at).cmp(task)));
        let (scenario, task) = self.order.get(found.ok()?).copied()?;
        self.scenarios.get_mut(scenario)?.tasks.get_mut(task)
    }

    fn read_scenarios(&mut self, connection: &Connection, run: i64) -> rusqlite::Result<()> {
        let mut statement =
            connection.prepare_cached("SELECT name, state, since, ended, cause, next FROM scenario WHERE run = ?1")?;
        let mut rows = statement.query([run])?;
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            let found = self.names.get(&name).and_then(|at| self.scenarios.get_mut(*at));
            let Some(scenario) = found else { continue };
            scenario.state = coding::state(row, 1)?;
            scenario.since = coding::time(row, 2)?;
            scenario.ended = coding::optional_time(row, 3)?;
            scenario.cause = coding::cause(row, 4)?;
            scenario.next = row.get(5)?;
        }
        Ok(())
    }

    /// What the queue says of a task's job counts before what was recorded of the task.
    fn read_tasks(&mut self, connection: &Connection, run: i64) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(
            "SELECT task.scenario, task.name, task.plugin, task.digest, task.state, task.since, task.cause, task.next,
             job.state, job.since, job.due_wall, job.waiting
             FROM task LEFT JOIN job ON job.key = task.key WHERE task.run = ?1",
        )?;
        let mut rows = statement.query([run])?;
        let mut late: BTreeMap<usize, Vec<TaskDocument>> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let (scenario, name): (String, String) = (row.get(0)?, row.get(1)?);
            let plugin: Option<String> = row.get(2)?;
            let plugin = plugin.map(|name| Ok::<_, rusqlite::Error>((name, coding::digest(row, 3)?))).transpose()?;
            let job = match row.get::<_, Option<i64>>(8)? {
                Some(state) => Some(JobRow {
                    state,
                    since: coding::time(row, 9)?,
                    due: coding::optional_time(row, 10)?,
                    waiting: row.get(11)?,
                }),
                None => None,
            };
            let own = match coding::optional_state(row, 4)? {
                Some(state) => Some((state, coding::optional_time(row, 5)?, coding::cause(row, 6)?, row.get(7)?)),
                None => None,
            };
            let status: Option<Status> = job.as_ref().map(JobRow::state).or(own);
            let mut found = None;
            match (self.task(&scenario, &name), plugin) {
                (Some(task), plugin) => {
                    if let Some((name, digest)) = plugin {
                        (task.plugin, task.digest) = (name, digest);
                    }
                    set(task, status, job.as_ref());
                }
                // A cell of a matrix that was not known when the run was planned.
                (None, Some((plugin, digest))) => {
                    let mut task = pending(name, plugin, digest);
                    set(&mut task, status, job.as_ref());
                    found = Some(task);
                }
                (None, None) => {}
            }
            if let (Some(task), Some(at)) = (found, self.names.get(&scenario)) {
                late.entry(*at).or_default().push(task);
            }
        }
        if late.is_empty() {
            return Ok(());
        }
        for (at, mut tasks) in late {
            tasks.sort_by(|one, other| split_cell(&one.name).cmp(&split_cell(&other.name)));
            if let Some(scenario) = self.scenarios.get_mut(at) {
                scenario.tasks.extend(tasks);
            }
        }
        self.sort();
        Ok(())
    }

    fn read_attempts(&mut self, connection: &Connection, run: i64) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(
            "SELECT task.scenario, task.name, number, started, ended, class
             FROM task JOIN attempt ON attempt.key = task.key WHERE task.run = ?1
             ORDER BY task.scenario, task.name, number",
        )?;
        let mut rows = statement.query([run])?;
        while let Some(row) = rows.next()? {
            let (scenario, name): (String, String) = (row.get(0)?, row.get(1)?);
            let Some(task) = self.task(&scenario, &name) else { continue };
            let word: Option<String> = row.get(5)?;
            let class = word.and_then(|word| serde_json::from_value::<ErrorClass>(word.into()).ok());
            let number = u32::try_from(row.get::<_, i64>(2)?).unwrap_or(u32::MAX);
            // Most have one.
            task.attempts.reserve_exact(usize::from(task.attempts.is_empty()));
            task.attempts.push(AttemptDocument {
                number,
                class,
                started: coding::time(row, 3)?,
                ended: coding::optional_time(row, 4)?,
            });
        }
        Ok(())
    }

    fn read_results(
        &mut self,
        connection: &Connection,
        run: i64,
        has_results: bool,
        failed: &dyn Fn(rusqlite::Error) -> StoreError,
    ) -> Result<(), StoreError> {
        let mut statement =
            connection.prepare_cached("SELECT scenario, task, doc FROM result WHERE run = ?1").map_err(failed)?;
        let mut rows = statement.query([run]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let text = |column: usize| row.get::<_, String>(column).map_err(failed);
            let doc: Vec<u8> = row.get(2).map_err(failed)?;
            let Some(task) = self.task(&text(0)?, &text(1)?) else { continue };
            let result: TaskResult = decode(&doc, "a result")?;
            (task.state, task.since, task.cause, task.next) = (result.state, Some(result.ended), result.cause, None);
            if has_results {
                (task.results, task.artifacts, task.usage) = (result.results, result.artifacts, Some(result.usage));
            }
            task.remote = result.remote.map(|remote| *remote);
        }
        Ok(())
    }
}

fn pending(name: String, plugin: String, digest: Digest) -> TaskDocument {
    TaskDocument {
        name,
        state: RunState::Pending,
        since: None,
        cause: None,
        next: Some("it starts when the tasks before it have ended".to_owned()),
        plugin,
        digest,
        attempts: Vec::new(),
        results: BTreeMap::new(),
        artifacts: Vec::new(),
        usage: None,
        remote: None,
    }
}

fn set(task: &mut TaskDocument, status: Option<Status>, job: Option<&JobRow>) {
    if let Some(status) = status {
        (task.state, task.since, task.cause, task.next) = status;
    }
    task.remote = job.and_then(|job| job.remote(&task.plugin));
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

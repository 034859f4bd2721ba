//! [`Run`] and [`Scenario`]: one run while it goes on.

mod expand;
mod finish;
mod jobs;
mod restore;
mod time;

use std::{collections::BTreeMap, time::Duration};

use assay_konflux::plan::late::{LateError, fill, holds};
use assay_model::{
    outcome::Verdict,
    port::RecordChange,
    run::{
        Budget, BudgetUse, Cause, Change, Job, JobKey, PARAMETERS_BYTES, ParamValue, PluginCall, ProgressEvent, RunId,
        RunState, StateRecord, TaskResult,
    },
};

pub use self::jobs::TaskJob;
use super::{
    GivenBack, Now, Output,
    activity::{Ended, Offered, Phase, Progress, Task, TaskRef},
    known::{KnownTasks, param},
    scenario::Scenario,
    share::Share,
    text,
};
use crate::{
    request::{InvalidRequest, RunRequest},
    settings::ServiceLimit,
};

/// One run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) index: usize,
    pub(super) id: RunId,
    pub(super) request: RunRequest,
    pub(super) scenarios: Vec<Scenario>,
    pub(super) end: Option<(RunState, Verdict)>,
    pub(super) canceled: Option<Cause>,
    has_started: bool,
    snapshot_digest: assay_model::digest::Digest,
}

impl Run {
    pub(super) fn new(index: usize, id: RunId, mut request: RunRequest) -> Result<Self, InvalidRequest> {
        let plans = std::mem::take(&mut request.plan.scenarios);
        for plan in &plans {
            for task in &plan.tasks {
                request.plugin(&plan.name, task)?;
            }
        }
        let snapshot_digest = assay_model::digest::Digest::of(request.plan.snapshot.param.as_bytes());
        let scenarios: Vec<Scenario> = plans.into_iter().map(Scenario::new).collect::<Result<_, _>>()?;
        let run =
            Self { index, id, request, scenarios, end: None, canceled: None, has_started: false, snapshot_digest };
        run.refuse_circles()?;
        Ok(run)
    }

    /// Scenarios and tasks that wait for one another would wait forever.
    fn refuse_circles(&self) -> Result<(), InvalidRequest> {
        let scenarios: Vec<(&str, Vec<&str>)> = self
            .scenarios
            .iter()
            .map(|scenario| {
                (scenario.name.as_str(), scenario.plan.after.iter().map(|parent| parent.name.as_str()).collect())
            })
            .collect();
        let tasks = self.scenarios.iter().map(|scenario| {
            let edges = scenario
                .tasks
                .iter()
                .map(|task| (task.plan.pipeline_task.as_str(), task.plan.after.iter().map(String::as_str).collect()));
            edges.collect::<Vec<(&str, Vec<&str>)>>()
        });
        for edges in std::iter::once(scenarios).chain(tasks) {
            let mut open = edges;
            loop {
                let names: std::collections::BTreeSet<&str> = open.iter().map(|(name, _)| *name).collect();
                let before = open.len();
                open.retain(|(_, after)| after.iter().any(|name| names.contains(name)));
                match open.first() {
                    None => break,
                    Some((name, _)) if open.len() == before => {
                        return Err(InvalidRequest::Malformed(format!("`{name}` waits for itself")));
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(())
    }

    /// The job of a task that is to start, or none if it ended without one.
    pub(super) fn launch(&mut self, at: TaskRef, now: Now, output: &mut Output) -> Option<Job> {
        let scenario = self.scenarios.get(at.scenario)?;
        let task = scenario.tasks.get(at.task)?;
        let Progress::Ready { since } = task.progress else { return None };
        let known = KnownTasks { scenario, snapshot: &self.request.plan.snapshot.param };
        for when in &task.plan.when {
            match holds(when, &known) {
                Ok(true) => {}
                Ok(false) => {
                    let cause = text::not_needed(&task.plan.name);
                    self.end_without_job(at, RunState::Skipped, cause, now, output);
                    return None;
                }
                Err(error) => {
                    self.end_unfillable(at, &error, now, output);
                    return None;
                }
            }
        }
        if task.plan.matrix.is_some() {
            self.expand(at, now, output);
            return None;
        }
        match self.call(at) {
            Ok(call) => {
                let id = self
                    .scenarios
                    .get(at.scenario)
                    .and_then(|scenario| Some(scenario.task_id(scenario.tasks.get(at.task)?)))?;
                let tenant = self.request.tenant.clone();
                let job = Job::new(self.id.clone(), id, self.request.priority, tenant, call).ok()?;
                self.task_mut(at)?.progress = Progress::Offered(Box::new(Offered::new(job.key.clone(), since)));
                let next = Some("it starts when a worker is free".to_owned());
                self.emit(at, Change::State { state: RunState::Queued, cause: None, next }, None, now, output);
                Some(job)
            }
            Err(Unfillable::Late(error)) => {
                self.end_unfillable(at, &error, now, output);
                None
            }
            Err(Unfillable::TooLarge(size)) => {
                let message = format!("the parameters have {size} bytes; the limit is {PARAMETERS_BYTES}");
                self.end_without_job(at, RunState::Error, Cause::new("too-large", &message), now, output);
                None
            }
        }
    }

    /// What the plugin of a task is called with. The Snapshot is referred to, since it may be large and many tasks take it.
    fn call(&self, at: TaskRef) -> Result<PluginCall, Unfillable> {
        let missing = || Unfillable::TooLarge(0);
        let scenario = self.scenarios.get(at.scenario).ok_or_else(missing)?;
        let task = scenario.tasks.get(at.task).ok_or_else(missing)?;
        let known = KnownTasks { scenario, snapshot: &self.request.plan.snapshot.param };
        let (mut params, mut snapshot_params) = (BTreeMap::new(), Vec::new());
        let mut size = 0;
        for (name, plan) in &task.plan.params {
            if expand::is_snapshot(plan) {
                snapshot_params.push(name.clone());
                continue;
            }
            let value = param(fill(plan, &known).map_err(Unfillable::Late)?);
            size += name.len() + size_of(&value);
            if size > PARAMETERS_BYTES {
                return Err(Unfillable::TooLarge(size));
            }
            params.insert(name.clone(), value);
        }
        let plugin = self.request.plugin(&scenario.name, &task.plan).map_err(|_| missing())?.clone();
        let snapshot_digest = Some(self.snapshot_digest.clone());
        let (timeout_ms, retries) = (task.plan.timeout, task.plan.retries);
        Ok(PluginCall { plugin, params, snapshot_params, snapshot_digest, timeout_ms, retries })
    }

    /// A task whose parameters or conditions cannot be had. Where the task before was skipped, or failed and was ignored, it
    /// is skipped as well; where it passed and did not say what it should, that is an error.
    fn end_unfillable(&mut self, at: TaskRef, error: &LateError, now: Now, output: &mut Output) {
        let is_finally = self.task(at).is_some_and(Task::is_finally);
        let has_passed = |task: &str| {
            let Some(scenario) = self.scenarios.get(at.scenario) else { return false };
            scenario.members(task).any(|task| task.ended().is_some_and(|ended| ended.state.is_passed()))
        };
        let state = match error {
            LateError::Missing { task, .. } if is_finally || !has_passed(task) => RunState::Skipped,
            LateError::Missing { .. } | LateError::Kind { .. } | LateError::TooManyCells => RunState::Error,
        };
        let cause = Cause::new("missing-result", &error.to_string());
        self.end_without_job(at, state, cause, now, output);
    }

    pub(super) fn end_without_job(
        &mut self,
        at: TaskRef,
        state: RunState,
        cause: Cause,
        now: Now,
        output: &mut Output,
    ) {
        let Some(scenario) = self.scenarios.get(at.scenario) else { return };
        let Some(task) = scenario.tasks.get(at.task) else { return };
        let record = StateRecord::new(state, now.wall).because(cause.clone());
        output.changes.push(RecordChange::Task { run: self.id.clone(), task: scenario.task_id(task), state: record });
        self.emit(at, Change::State { state, cause: Some(cause.clone()), next: None }, None, now, output);
        self.end_task(at, Ended { cause: Some(Box::new(cause)), ..Ended::without_results(state) }, now, output);
    }

    /// A worker has the job of a task. True if it is the first time.
    pub(super) fn started(&mut self, at: TaskRef, number: u32, now: Now, output: &mut Output) -> bool {
        let limit_ms = self.request.queue_ms;
        let Some(Progress::Offered(offered)) = self.task_mut(at).map(|task| &mut task.progress) else { return false };
        let Offered { since, started, attempt, is_waiting, .. } = offered.as_mut();
        let is_first = started.is_none();
        let is_news = is_first || *attempt != number;
        (*attempt, *is_waiting) = (number, false);
        started.get_or_insert(now.elapsed);
        let used_ms = ms(now.elapsed.saturating_sub(*since));
        if is_news {
            let budget = is_first.then_some(BudgetUse { name: Budget::Queue, used_ms, limit_ms });
            let next = Some("it ends when its plugin returns".to_owned());
            self.emit(at, Change::State { state: RunState::Running, cause: None, next }, budget, now, output);
        }
        if is_first {
            self.begin(at, now, output);
        }
        is_first
    }

    /// The first task of a phase runs, from which the budgets count.
    fn begin(&mut self, at: TaskRef, now: Now, output: &mut Output) {
        if !std::mem::replace(&mut self.has_started, true) {
            let state = StateRecord::new(RunState::Running, now.wall).then("it ends when its scenarios have ended");
            output.changes.push(RecordChange::Run { run: self.id.clone(), state, verdict: None });
        }
        let id = self.id.clone();
        let Some(scenario) = self.scenarios.get_mut(at.scenario) else { return };
        if scenario.phase == Phase::Finally {
            scenario.finally_started.get_or_insert(now.elapsed);
        }
        if scenario.started.is_none() {
            scenario.started = Some(now.elapsed);
            let state = StateRecord::new(RunState::Running, now.wall).then("it ends when its tasks have ended");
            scenario_changed(&id, scenario, state, now, output);
        }
    }

    /// The plugin of a task, by the name that the plan has for it.
    pub(super) fn plugin_name(&self, at: TaskRef) -> &str {
        let scenario = self.scenarios.get(at.scenario);
        let task = scenario.and_then(|scenario| Some((&scenario.name, &scenario.tasks.get(at.task)?.plan)));
        let plugin = task.and_then(|(scenario, task)| self.request.plugin(scenario, task).ok());
        plugin.map_or("", |plugin| plugin.name.as_str())
    }

    /// A task that could start waits until its service has room, after as many others.
    pub(super) fn hold(&self, at: TaskRef, limit: &ServiceLimit, before: usize, now: Now, output: &mut Output) {
        let Some(scenario) = self.scenarios.get(at.scenario) else { return };
        let Some(task) = scenario.tasks.get(at.task).filter(|task| matches!(task.progress, Progress::Ready { .. }))
        else {
            return;
        };
        let cause = text::service_full(&limit.group, limit.max, before);
        let next = "it starts when one of them has ended";
        let state = StateRecord::new(RunState::Queued, now.wall).because(cause.clone()).then(next);
        output.changes.push(RecordChange::Task { run: self.id.clone(), task: scenario.task_id(task), state });
        let change = Change::State { state: RunState::Queued, cause: Some(cause), next: Some(next.to_owned()) };
        self.emit(at, change, None, now, output);
    }

    pub(super) fn is_started(&self, at: TaskRef) -> bool {
        matches!(self.task(at).map(|task| &task.progress), Some(Progress::Offered(offered)) if offered.started.is_some())
    }

    pub(super) fn given_back(&mut self, at: TaskRef, why: &GivenBack, now: Now, output: &mut Output) {
        let Some(Progress::Offered(offered)) = self.task_mut(at).map(|task| &mut task.progress) else { return };
        match why {
            GivenBack::Waiting { native, url, after, .. } => {
                if std::mem::replace(&mut offered.is_waiting, true) {
                    return;
                }
                let place = url.as_ref().map(|url| format!(" ({url})")).unwrap_or_default();
                let cause = Cause::new("third-party", &format!("the third party's state is `{native}`{place}"));
                let next = Some(format!("it goes on in {} ms", ms(*after)));
                let change = Change::State { state: RunState::Waiting, cause: Some(cause), next };
                self.emit(at, change, None, now, output);
            }
            GivenBack::Retry { attempt, class, cause, after } => {
                let after_ms = ms(*after);
                let change = Change::Retry { attempt: *attempt, class: *class, cause: cause.clone(), after_ms };
                self.emit(at, change, None, now, output);
            }
        }
    }

    pub(super) fn ended(&mut self, at: TaskRef, result: &TaskResult, now: Now, output: &mut Output) {
        let Some(Progress::Offered(offered)) = self.task(at).map(|task| &task.progress) else { return };
        let used = offered.started.map_or(Duration::ZERO, |started| now.elapsed.saturating_sub(started));
        let limit_ms = self.task(at).and_then(|task| task.plan.timeout);
        let name = if self.task(at).is_some_and(Task::is_finally) { Budget::Finally } else { Budget::Run };
        let budget = BudgetUse { name, used_ms: ms(used), limit_ms };
        let change = Change::State { state: result.state, cause: result.cause.clone(), next: None };
        self.emit(at, change, Some(budget), now, output);
        let Some(names) = self.scenarios.get(at.scenario).map(|scenario| &scenario.result_names) else { return };
        let ended = Ended::of(result, names);
        self.end_task(at, ended, now, output);
        if let Some(task) = self.task_mut(at) {
            task.forget_inputs();
        }
    }

    pub(super) fn contradicted(&self, at: TaskRef, now: Now, output: &mut Output) {
        self.emit(at, Change::Nondeterministic, None, now, output);
    }

    pub(super) fn emit(&self, at: TaskRef, change: Change, budget: Option<BudgetUse>, now: Now, output: &mut Output) {
        let mut event = ProgressEvent::new(now.wall, self.id.clone(), change);
        if let Some(scenario) = self.scenarios.get(at.scenario) {
            event.scenario = Some(scenario.name.clone());
            event.task = scenario.tasks.get(at.task).map(|task| task.plan.name.clone());
        }
        event.budget = budget;
        output.event(event);
    }

    pub(super) fn task(&self, at: TaskRef) -> Option<&Task> {
        self.scenarios.get(at.scenario)?.tasks.get(at.task)
    }

    pub(super) fn task_mut(&mut self, at: TaskRef) -> Option<&mut Task> {
        self.scenarios.get_mut(at.scenario)?.tasks.get_mut(at.task)
    }

    /// Ends all jobs of a scenario that are offered, in one or both of its sections.
    pub(super) fn abandon(
        &mut self,
        scenario: usize,
        section: &dyn Fn(&Task) -> bool,
        state: RunState,
        cause: &Cause,
        output: &mut Output,
    ) {
        let Some(scenario) = self.scenarios.get_mut(scenario) else { return };
        for task in scenario.tasks.iter_mut().filter(|task| section(task)) {
            if let Progress::Offered(offered) = &mut task.progress
                && !std::mem::replace(&mut offered.is_abandoned, true)
            {
                output.abandoned.push((offered.key.clone(), state, cause.clone()));
            }
        }
    }

    /// Makes a task ready.
    pub(super) fn make_ready(&mut self, at: TaskRef, share: &mut Share, now: Now) {
        let (tenant, priority) = (self.request.tenant.clone(), self.request.priority);
        if let Some(task) = self.task_mut(at)
            && matches!(task.progress, Progress::Blocked)
        {
            task.progress = Progress::Ready { since: now.elapsed };
            share.push(&tenant, priority, at);
        }
    }
}

/// Why a task cannot be called.
enum Unfillable {
    Late(LateError),
    TooLarge(usize),
}

pub(super) fn scenario_changed(run: &RunId, scenario: &Scenario, state: StateRecord, now: Now, output: &mut Output) {
    let change = Change::State { state: state.state, cause: state.cause.clone(), next: state.next.clone() };
    let mut event = ProgressEvent::new(now.wall, run.clone(), change);
    event.scenario = Some(scenario.name.clone());
    if state.state.is_final() {
        event.budget = scenario.started.map(|started| BudgetUse {
            name: Budget::Total,
            used_ms: ms(now.elapsed.saturating_sub(started)),
            limit_ms: scenario.plan.timeouts.pipeline,
        });
    }
    output.changes.push(RecordChange::Scenario { run: run.clone(), scenario: scenario.name.clone(), state });
    output.event(event);
}

pub(super) fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn size_of(value: &ParamValue) -> usize {
    match value {
        ParamValue::Text(text) => text.len(),
        ParamValue::Items(items) => items.iter().map(String::len).sum(),
        ParamValue::Fields(fields) => fields.iter().map(|(name, value)| name.len() + value.len()).sum(),
    }
}

/// A job by its key, for restoring.
pub(super) type Queued = Vec<(JobKey, TaskRef)>;

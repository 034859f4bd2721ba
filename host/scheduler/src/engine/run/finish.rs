//! How tasks, scenarios and runs end, and what may begin then.

use assay_model::{
    outcome::Verdict,
    port::RecordChange,
    run::{Cause, Change, OnFull, ProgressEvent, RunState, StateRecord},
};

use super::{
    super::{
        Now, Output,
        activity::{Ended, Phase, Progress, Task, TaskRef},
        groups::Groups,
        share::Share,
        text,
    },
    Run, Scenario, scenario_changed,
};

/// Which of several states stands for all. What could not be carried out counts more than what failed.
pub(super) const fn rank(state: RunState) -> u8 {
    match state {
        RunState::Skipped => 0,
        RunState::Passed => 1,
        RunState::Warned => 2,
        RunState::Failed => 3,
        RunState::TimedOut => 4,
        RunState::Error => 5,
        RunState::Canceled => 6,
        RunState::Pending | RunState::Queued | RunState::Resolving | RunState::Waiting | RunState::Running => 7,
    }
}

impl Scenario {
    /// Counts from the tasks' progress who waits for whom.
    pub(in crate::engine) fn recount(&mut self) {
        self.groups = Groups::of(&self.tasks);
        self.open = [0, 0];
        for task in self.tasks.iter().filter(|task| !task.has_cells && !task.is_ended()) {
            self.open[usize::from(task.is_finally())] += 1;
        }
        let waits = self.tasks.iter().enumerate().map(|(index, task)| {
            let mut count = 0;
            for before in &task.plan.after {
                if let Some(group) = self.groups.get_mut(&self.tasks, before) {
                    group.dependents.push(index);
                    count += usize::from(group.open > 0);
                }
            }
            count
        });
        self.waits = waits.collect();
        if self.tasks.iter().any(|task| !task.is_finally() && task.has_failed()) {
            self.is_stopping = true;
        }
    }

    /// The state of the whole, with the cause of the first task in the plan's order that has it.
    fn verdict(&self) -> (RunState, Option<Cause>) {
        if let Some(cause) = &self.canceled {
            return (RunState::Canceled, Some(cause.clone()));
        }
        let counted = self.tasks.iter().filter(|task| !task.has_cells);
        let ended = counted.filter_map(|task| Some((task, task.ended()?)));
        let is_ignored =
            |task: &Task, ended: &Ended| super::super::activity::is_failure(ended.state) && !task.has_failed();
        let (mut worst, mut cause) = (RunState::Skipped, None);
        let mut ignored = None;
        for (task, ended) in ended {
            if is_ignored(task, ended) {
                ignored.get_or_insert_with(|| text::failed_task(&task.plan.name, ended.cause.as_deref()));
            } else if rank(ended.state) > rank(worst) {
                worst = ended.state;
                cause = (!ended.state.is_passed()).then(|| text::failed_task(&task.plan.name, ended.cause.as_deref()));
                if ended.state == RunState::Warned {
                    cause = ended.cause.as_deref().cloned();
                }
            }
        }
        match (worst, self.exceeded, ignored) {
            (RunState::TimedOut, Some(budget), _) => (worst, Some(text::budget(budget))),
            (RunState::Skipped | RunState::Passed, _, Some(ignored)) => (RunState::Warned, Some(ignored)),
            (RunState::Skipped, _, None) => (RunState::Warned, Some(text::no_task())),
            _ => (worst, cause),
        }
    }
}

impl Run {
    /// A task ended. Its dependents may become ready; its failure may keep others from starting.
    pub(super) fn end_task(&mut self, at: TaskRef, ended: Ended, now: Now, output: &mut Output) {
        let Some(scenario) = self.scenarios.get_mut(at.scenario) else { return };
        let Some(task) = scenario.tasks.get_mut(at.task) else { return };
        if task.ended().is_some() {
            return;
        }
        task.progress = Progress::Ended(ended);
        let (name, is_finally, has_failed) = (task.plan.pipeline_task.clone(), task.is_finally(), task.has_failed());
        let open = &mut scenario.open[usize::from(is_finally)];
        *open = open.saturating_sub(1);
        if let Some(group) = scenario.groups.get_mut(&scenario.tasks, &name) {
            group.open = group.open.saturating_sub(1);
            if group.open == 0 {
                for dependent in &group.dependents {
                    if let Some(waits) = scenario.waits.get_mut(*dependent) {
                        *waits = waits.saturating_sub(1);
                    }
                    scenario.freed.push(*dependent);
                }
            }
        }
        if has_failed && !is_finally && !scenario.is_stopping {
            scenario.is_stopping = true;
            self.skip_rest(at.scenario, now, output);
        }
    }

    /// Ends the tasks that did not start and will not.
    pub(super) fn skip_rest(&mut self, index: usize, now: Now, output: &mut Output) {
        let Some(scenario) = self.scenarios.get(index) else { return };
        let (state, cause) = match &scenario.canceled {
            Some(cause) => (RunState::Canceled, cause.clone()),
            None => (RunState::Skipped, text::stopping()),
        };
        let rest = scenario.tasks.iter().enumerate().filter(|(_, task)| {
            !task.is_finally() && matches!(task.progress, Progress::Blocked | Progress::Ready { .. })
        });
        let rest: Vec<usize> = rest.map(|(task, _)| task).collect();
        for task in rest {
            let at = TaskRef { run: self.index, scenario: index, task };
            self.end_without_job(at, state, cause.clone(), now, output);
        }
    }

    /// Ends all tasks of a scenario that never begins, those under `finally` as well.
    fn skip_all(&mut self, index: usize, state: RunState, cause: &Cause, now: Now, output: &mut Output) {
        let Some(scenario) = self.scenarios.get_mut(index) else { return };
        scenario.is_stopping = true;
        let open =
            scenario.tasks.iter().enumerate().filter(|(_, task)| {
                !task.has_cells && matches!(task.progress, Progress::Blocked | Progress::Ready { .. })
            });
        let open: Vec<usize> = open.map(|(task, _)| task).collect();
        for task in open {
            let at = TaskRef { run: self.index, scenario: index, task };
            self.end_without_job(at, state, cause.clone(), now, output);
        }
    }

    /// Cancels what did not end. Tasks under `finally` run all the same, as in Tekton, unless they run already.
    pub(in crate::engine) fn cancel(&mut self, cause: &Cause, now: Now, output: &mut Output) {
        self.canceled.get_or_insert_with(|| cause.clone());
        for index in 0..self.scenarios.len() {
            self.cancel_scenario(index, cause, now, output);
        }
    }

    pub(super) fn cancel_scenario(&mut self, index: usize, cause: &Cause, now: Now, output: &mut Output) {
        let Some(scenario) = self.scenarios.get_mut(index) else { return };
        if scenario.end.is_some() {
            return;
        }
        scenario.canceled.get_or_insert_with(|| cause.clone());
        scenario.is_stopping = true;
        if matches!(scenario.phase, Phase::Pending | Phase::Queued) {
            self.skip_all(index, RunState::Canceled, cause, now, output);
            self.end_scenario(index, RunState::Canceled, Some(cause.clone()), now, output);
            return;
        }
        let is_finally = scenario.phase == Phase::Finally;
        self.abandon(index, &|task| task.is_finally() == is_finally, RunState::Canceled, cause, output);
        self.skip_rest(index, now, output);
    }

    fn end_scenario(&mut self, index: usize, state: RunState, cause: Option<Cause>, now: Now, output: &mut Output) {
        let id = self.id.clone();
        let Some(scenario) = self.scenarios.get_mut(index) else { return };
        scenario.phase = Phase::Ended;
        scenario.end = Some((state, cause.clone()));
        let record = StateRecord { cause, ..StateRecord::new(state, now.wall) };
        scenario_changed(&id, scenario, record, now, output);
    }

    /// Takes every scenario as far as it can go. True if something changed.
    pub(in crate::engine) fn advance(&mut self, share: &mut Share, now: Now, output: &mut Output) -> bool {
        if self.end.is_some() {
            return false;
        }
        let mut has_moved = false;
        for index in 0..self.scenarios.len() {
            while self.advance_scenario(index, share, now, output) {
                has_moved = true;
            }
        }
        if self.scenarios.iter().all(|scenario| scenario.end.is_some()) {
            self.end(now, output);
            has_moved = true;
        }
        has_moved
    }

    /// Says of scenarios that come after others what they wait for.
    pub(in crate::engine) fn announce(&self, now: Now, output: &mut Output) {
        for scenario in self.scenarios.iter().filter(|scenario| !scenario.plan.after.is_empty()) {
            let parents: Vec<&str> = scenario.plan.after.iter().map(|parent| parent.name.as_str()).collect();
            let state = StateRecord::new(RunState::Pending, now.wall)
                .because(text::waits_for_parents(&parents))
                .then("it starts when they have ended");
            scenario_changed(&self.id, scenario, state, now, output);
        }
    }

    fn advance_scenario(&mut self, index: usize, share: &mut Share, now: Now, output: &mut Output) -> bool {
        let Some(scenario) = self.scenarios.get(index) else { return false };
        match scenario.phase {
            Phase::Pending | Phase::Queued => self.try_begin(index, now, output),
            Phase::Tasks => {
                let freed = self.scenarios.get_mut(index).map(|scenario| std::mem::take(&mut scenario.freed));
                self.make_unblocked_ready(index, &freed.unwrap_or_default(), share, now);
                self.close_matrix(index, now, output);
                let Some(scenario) = self.scenarios.get_mut(index) else { return false };
                if scenario.open[0] > 0 {
                    return false;
                }
                scenario.phase = Phase::Finally;
                let count = scenario.tasks.len();
                for task in 0..count {
                    let at = TaskRef { run: self.index, scenario: index, task };
                    if self.task(at).is_some_and(Task::is_finally) {
                        self.make_ready(at, share, now);
                    }
                }
                true
            }
            Phase::Finally => {
                let count = scenario.tasks.len();
                // Cells of a matrix under `finally`.
                for task in 0..count {
                    let at = TaskRef { run: self.index, scenario: index, task };
                    let is_new = self
                        .task(at)
                        .is_some_and(|task| task.is_finally() && matches!(task.progress, Progress::Blocked));
                    if is_new {
                        self.make_ready(at, share, now);
                    }
                }
                self.close_matrix(index, now, output);
                let Some(scenario) = self.scenarios.get(index) else { return false };
                if scenario.open[1] > 0 {
                    return false;
                }
                let (state, cause) = scenario.verdict();
                self.end_scenario(index, state, cause, now, output);
                true
            }
            Phase::Ended => false,
        }
    }

    fn make_unblocked_ready(&mut self, index: usize, freed: &[usize], share: &mut Share, now: Now) {
        let Some(scenario) = self.scenarios.get(index) else { return };
        if scenario.is_stopping {
            return;
        }
        let is_unblocked = |task: &usize| {
            scenario.waits.get(*task) == Some(&0) && scenario.tasks.get(*task).is_some_and(|task| !task.is_finally())
        };
        let ready: Vec<usize> = freed.iter().copied().filter(is_unblocked).collect();
        for task in ready {
            self.make_ready(TaskRef { run: self.index, scenario: index, task }, share, now);
        }
    }

    /// Begins a scenario whose predecessors have ended, unless its concurrency group is full.
    fn try_begin(&mut self, index: usize, now: Now, output: &mut Output) -> bool {
        let Some(scenario) = self.scenarios.get(index) else { return false };
        if let Some(reused) = self.request.reused.get(&scenario.name).filter(|reused| reused.state.is_passed()).cloned()
        {
            let cause = text::reused(&reused.run);
            self.skip_all(index, RunState::Skipped, &cause, now, output);
            self.end_scenario(index, reused.state, Some(cause), now, output);
            return true;
        }
        for parent in &scenario.plan.after {
            let Some(before) = self.scenarios.iter().find(|other| other.name == parent.name) else { continue };
            match &before.end {
                None => return false,
                Some((state, _)) if parent.fail_fast && !state.is_passed() => {
                    let cause = text::parent_failed(&parent.name);
                    self.skip_all(index, RunState::Skipped, &cause, now, output);
                    self.end_scenario(index, RunState::Failed, Some(cause), now, output);
                    return true;
                }
                Some(_) => {}
            }
        }
        if !self.enter_group(index, now, output) {
            return false;
        }
        let id = self.id.clone();
        let Some(scenario) = self.scenarios.get_mut(index) else { return false };
        scenario.phase = Phase::Tasks;
        scenario.freed = (0..scenario.tasks.len()).collect();
        let state = StateRecord::new(RunState::Queued, now.wall).then("it starts when a worker is free");
        scenario_changed(&id, scenario, state, now, output);
        if scenario.is_stopping {
            self.skip_rest(index, now, output);
        }
        true
    }

    /// Whether the scenario may begin as far as its concurrency group is concerned.
    fn enter_group(&mut self, index: usize, now: Now, output: &mut Output) -> bool {
        let Some(name) = self.scenarios.get(index).map(|scenario| scenario.name.clone()) else { return false };
        let Some(group) = self.request.concurrency.get(&name).cloned() else { return true };
        let members: Vec<usize> = (0..self.scenarios.len())
            .filter(|other| {
                let Some(scenario) = self.scenarios.get(*other) else { return false };
                let is_active = matches!(scenario.phase, Phase::Tasks | Phase::Finally);
                let shares =
                    self.request.concurrency.get(&scenario.name).is_some_and(|other| other.group == group.group);
                is_active && shares
            })
            .collect();
        if members.len() < usize::try_from(group.max.max(1)).unwrap_or(usize::MAX) {
            return true;
        }
        if group.on_full == OnFull::CancelOlder
            && let Some(oldest) = members.first()
            && self.scenarios.get(*oldest).is_some_and(|scenario| scenario.canceled.is_none())
        {
            self.cancel_scenario(*oldest, &text::replaced(&group.group), now, output);
        }
        let id = self.id.clone();
        if let Some(scenario) = self.scenarios.get_mut(index)
            && scenario.phase == Phase::Pending
        {
            scenario.phase = Phase::Queued;
            let cause = text::group_full(&group.group, group.max);
            let state = StateRecord::new(RunState::Queued, now.wall)
                .because(cause)
                .then("it starts when another scenario of the group has ended");
            scenario_changed(&id, scenario, state, now, output);
        }
        false
    }

    fn end(&mut self, now: Now, output: &mut Output) {
        let required = || self.scenarios.iter().filter(|scenario| !scenario.plan.optional);
        let ends = || required().filter_map(|scenario| scenario.end.as_ref());
        let verdict = ends().map(|(state, _)| state.verdict()).max().unwrap_or(Verdict::Allowed);
        let worst = ends().max_by_key(|(state, _)| rank(*state));
        let (state, cause) = match (worst, &self.canceled) {
            (_, Some(cause)) => (RunState::Canceled, Some(cause.clone())),
            (Some((state, cause)), None) => (*state, cause.clone()),
            (None, None) => {
                let cause =
                    Cause::new("no-required-scenario", "No required IntegrationTestScenarios found, skipped testing");
                (RunState::Passed, Some(cause))
            }
        };
        let verdict = if self.canceled.is_some() { Verdict::Error } else { verdict };
        self.end = Some((state, verdict));
        let record = StateRecord { cause, ..StateRecord::new(state, now.wall) };
        output.changes.push(RecordChange::Run { run: self.id.clone(), state: record, verdict: Some(verdict) });
        output.event(ProgressEvent::new(now.wall, self.id.clone(), Change::Ended { state, verdict }));
    }
}

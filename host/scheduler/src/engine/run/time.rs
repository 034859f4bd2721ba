//! Budgets of time: which of them are used up, and when the next one will be.

use std::time::Duration;

use assay_model::run::{Budget, BudgetUse, RunState};

use super::{
    super::{
        Now, Output,
        activity::{Phase, Progress, Task, TaskRef},
        text,
    },
    Run, Scenario, ms,
};

impl Scenario {
    /// The limits that count now, each with the time from which it counts.
    fn limits(&self) -> impl Iterator<Item = (Budget, Duration, u64)> {
        let timeouts = self.plan.timeouts;
        let is_tasks = self.phase == Phase::Tasks && !(self.is_stopping && self.exceeded.is_some());
        let tasks =
            timeouts.tasks.filter(|_| is_tasks).zip(self.started).map(|(limit, since)| (Budget::Run, since, limit));
        let finally_tasks = timeouts
            .finally_tasks
            .filter(|_| self.phase == Phase::Finally)
            .zip(self.finally_started)
            .map(|(limit, since)| (Budget::Finally, since, limit));
        let total = timeouts
            .pipeline
            .filter(|_| is_tasks || self.phase == Phase::Finally)
            .zip(self.started)
            .map(|(limit, since)| (Budget::Total, since, limit));
        [tasks, finally_tasks, total].into_iter().flatten()
    }
}

impl Run {
    pub(in crate::engine) fn check_deadlines(&mut self, now: Now, output: &mut Output) {
        for index in 0..self.scenarios.len() {
            let Some(scenario) = self.scenarios.get(index).filter(|scenario| scenario.end.is_none()) else { continue };
            let exceeded =
                scenario.limits().find(|(_, since, limit)| now.elapsed >= *since + Duration::from_millis(*limit));
            if let Some((name, since, limit)) = exceeded {
                let used_ms = ms(now.elapsed.saturating_sub(since));
                self.exceed(index, BudgetUse { name, used_ms, limit_ms: Some(limit) }, now, output);
            }
            self.check_queue(index, now, output);
        }
    }

    /// Ends the tasks of the section that a budget is for.
    fn exceed(&mut self, index: usize, budget: BudgetUse, now: Now, output: &mut Output) {
        let Some(scenario) = self.scenarios.get_mut(index) else { return };
        scenario.exceeded.get_or_insert(budget);
        scenario.is_stopping = true;
        let is_finally = scenario.phase == Phase::Finally;
        let cause = text::budget(budget);
        self.abandon(index, &|task| task.is_finally() == is_finally, RunState::TimedOut, &cause, output);
        let rest: Vec<usize> = self.scenarios.get(index).map_or_else(Vec::new, |scenario| {
            let is_open = |task: &Task| {
                task.is_finally() == is_finally && matches!(task.progress, Progress::Blocked | Progress::Ready { .. })
            };
            scenario.tasks.iter().enumerate().filter(|(_, task)| is_open(task)).map(|(task, _)| task).collect()
        });
        for task in rest {
            let at = TaskRef { run: self.index, scenario: index, task };
            self.end_without_job(at, RunState::TimedOut, cause.clone(), now, output);
        }
    }

    /// Ends the tasks that waited for a worker for too long.
    fn check_queue(&mut self, index: usize, now: Now, output: &mut Output) {
        let Some(limit) = self.request.queue_ms else { return };
        let Some(scenario) = self.scenarios.get_mut(index) else { return };
        let mut late = Vec::new();
        for (task, state) in scenario.tasks.iter_mut().enumerate() {
            let used = |since: Duration| now.elapsed.saturating_sub(since);
            let is_late = |since: Duration| used(since) >= Duration::from_millis(limit);
            let budget = |since| BudgetUse { name: Budget::Queue, used_ms: ms(used(since)), limit_ms: Some(limit) };
            match &mut state.progress {
                Progress::Ready { since } if is_late(*since) => late.push((task, text::budget(budget(*since)))),
                Progress::Offered(offered) if offered.started.is_none() && is_late(offered.since) => {
                    if !std::mem::replace(&mut offered.is_abandoned, true) {
                        let cause = text::budget(budget(offered.since));
                        output.abandoned.push((offered.key.clone(), RunState::TimedOut, cause));
                    }
                }
                _ => {}
            }
        }
        for (task, cause) in late {
            let at = TaskRef { run: self.index, scenario: index, task };
            self.end_without_job(at, RunState::TimedOut, cause, now, output);
        }
    }

    pub(in crate::engine) fn next_deadline(&self) -> Option<Duration> {
        let open = || self.scenarios.iter().filter(|scenario| scenario.end.is_none());
        let limits = open().flat_map(Scenario::limits).map(|(_, since, limit)| since + Duration::from_millis(limit));
        let queue = self.request.queue_ms.and_then(|limit| {
            let waiting = open().flat_map(|scenario| &scenario.tasks).filter_map(|task| match &task.progress {
                Progress::Ready { since } => Some(*since),
                Progress::Offered(offered) if offered.started.is_none() && !offered.is_abandoned => Some(offered.since),
                _ => None,
            });
            waiting.min().map(|since| since + Duration::from_millis(limit))
        });
        limits.chain(queue).min()
    }
}

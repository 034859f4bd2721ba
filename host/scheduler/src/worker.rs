//! What a worker does with a job in its hand, and what follows from what the plugin said.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use assay_model::{
    port::{CallResult, Disposition, ExecutorCall, ExecutorContext, Lease, StoreError, TaskVerdict},
    run::{Cause, ErrorClass, Job, PluginCall, RunState, TaskResult, Usage, Verb},
};

use crate::{backoff, dispatch::Shared, engine::GivenBack};

/// Deliveries of a job that no worker settled, after which it is taken for one that ends its worker.
const UNSETTLED: u32 = 4;

/// The longest time of one call of a plugin for which the plan has no limit.
const CALL: Duration = Duration::from_secs(3_600);

/// Calls for one job of an adapter.
const STEPS: u32 = 10_000;

/// Errors of the infrastructure for one job that waits for a third party.
const WAITING_RETRIES: u32 = 8;

/// The longest time between two calls of an adapter.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// What is reported to the engine once the disposition is stored.
#[derive(Debug)]
pub(crate) enum Report {
    Ended(TaskResult),
    GivenBack(GivenBack),
    Released,
}

/// One job in a worker's hand.
struct Hand<'a> {
    shared: &'a Shared<'a>,
    lease: &'a Lease,
    started: Duration,
}

/// Does what is to be done with a job.
pub(crate) fn handle(shared: &Shared<'_>, lease: &Lease) -> (Disposition, Report) {
    Hand { shared, lease, started: shared.clock.elapsed() }.handle()
}

impl Hand<'_> {
    fn handle(&self) -> (Disposition, Report) {
        let Lease { job, unsettled, waiting, .. } = self.lease;
        if *unsettled > UNSETTLED {
            let message = format!("the process ended {UNSETTLED} times while the task `{}` was running", job.task);
            let cause = Cause::new("poisoned", &message).hint("the plugin probably uses up the memory of the process");
            return self.finish(RunState::Error, cause);
        }
        if let Some((state, cause)) = self.shared.abandoned(&job.key) {
            if waiting.is_some() {
                // Whatever it says: nobody waits for it any more.
                let _answer = self.call(Verb::Cancel);
            }
            return self.finish(state, cause);
        }
        let verb = match waiting {
            Some(waiting) => waiting.verb.clone(),
            None if job.call.plugin.is_adapter => Verb::Submit,
            None => Verb::Run,
        };
        let result = self.call(verb);
        if self.shared.is_stopping() && !matches!(result, CallResult::Done(_) | CallResult::Waiting { .. }) {
            return (Disposition::Release, Report::Released);
        }
        match (result, self.shared.abandoned(&job.key)) {
            (CallResult::Error { .. }, Some((state, cause))) => self.finish(state, cause),
            (CallResult::Done(verdict), _) => self.done(verdict),
            (CallResult::Waiting { state, after }, _) => self.wait(state, after),
            (CallResult::Error { class, cause, after }, None) => self.failed(class, cause, after),
        }
    }

    /// A panic is one task's error, not the end of the process.
    fn call(&self, verb: Verb) -> CallResult {
        let Lease { job, attempt, waiting, .. } = self.lease;
        let limit = job.call.timeout_ms.map_or(CALL, Duration::from_millis);
        let call = ExecutorCall { job, verb, attempt: *attempt, waiting: waiting.as_ref(), limit };
        let context = Context { shared: self.shared, job, attempt: *attempt };
        (self.shared.observer)("before-call");
        let result = catch_unwind(AssertUnwindSafe(|| self.shared.executor.execute(&call, &context)));
        (self.shared.observer)("after-call");
        result.unwrap_or_else(|_| {
            let cause = Cause::new("internal", &format!("assay has a bug: the task `{}` ended its worker", job.task));
            CallResult::Error { class: ErrorClass::Internal, cause, after: None }
        })
    }

    fn result(&self, state: RunState, cause: Option<Cause>) -> TaskResult {
        let used = self.shared.clock.elapsed().saturating_sub(self.started);
        let wall_ms = u64::try_from(used.as_millis()).unwrap_or(u64::MAX);
        let usage = Usage { wall_ms, ..Usage::default() };
        TaskResult { cause, usage, ..TaskResult::new(state, self.shared.clock.now()) }
    }

    fn finish(&self, state: RunState, cause: Cause) -> (Disposition, Report) {
        let result = self.result(state, Some(cause));
        (Disposition::Finish(result.clone()), Report::Ended(result))
    }

    fn done(&self, verdict: TaskVerdict) -> (Disposition, Report) {
        let TaskVerdict { state, cause, results, artifacts, usage } = verdict;
        let is_verdict = matches!(
            state,
            RunState::Passed | RunState::Warned | RunState::Failed | RunState::Error | RunState::Skipped
        );
        if !is_verdict {
            let cause = Cause::new("internal", "assay has a bug: a task ended in a state that is not an end");
            return self.finish(RunState::Error, cause);
        }
        if matches!(state, RunState::Failed | RunState::Error) && self.lease.attempt <= self.lease.job.call.retries {
            let cause = cause.unwrap_or_else(|| Cause::new("failed", "the task failed"));
            return self.retry(ErrorClass::Verdict, cause, None);
        }
        let mut result = self.result(state, cause);
        let wall_ms = result.usage.wall_ms;
        result.usage = Usage { wall_ms, ..usage };
        (result.results, result.artifacts) = (results, artifacts);
        (Disposition::Finish(result.clone()), Report::Ended(result))
    }

    fn wait(&self, mut state: assay_model::run::WaitingState, after: Duration) -> (Disposition, Report) {
        let before = self.lease.waiting.as_ref().map_or(0, |waiting| waiting.step);
        state.step = before.saturating_add(1);
        if state.step > STEPS {
            let cause = Cause::new("too-many-steps", &format!("the adapter was called {STEPS} times and did not end"));
            return self.finish(RunState::Error, cause);
        }
        let after = after.clamp(self.shared.settings.shortest_wait, LONGEST_WAIT);
        let back = GivenBack::Waiting { native: state.native.clone(), url: state.url.clone(), after };
        (Disposition::Wait { after, state }, Report::GivenBack(back))
    }

    fn failed(&self, class: ErrorClass, cause: Cause, after: Option<Duration>) -> (Disposition, Report) {
        let PluginCall { retries, .. } = self.lease.job.call;
        let infrastructure = match (class.is_retried(), &self.lease.waiting) {
            (false, _) => 0,
            (true, None) => self.shared.settings.retries,
            (true, Some(_)) => WAITING_RETRIES,
        };
        if self.lease.attempt <= retries.max(infrastructure) {
            return self.retry(class, cause, after);
        }
        let state = if class == ErrorClass::Timeout { RunState::TimedOut } else { RunState::Error };
        let code = if cause.code.is_empty() { class.as_str().to_owned() } else { cause.code.clone() };
        let message = match self.lease.attempt {
            1 => cause.message.clone(),
            attempts => format!("{} ({attempts} attempts)", cause.message),
        };
        let reported = Cause::new(code, &message);
        self.finish(state, Cause { hint: cause.hint, ..reported })
    }

    fn retry(&self, class: ErrorClass, cause: Cause, requested: Option<Duration>) -> (Disposition, Report) {
        let attempt = self.lease.attempt;
        let settings = &self.shared.settings;
        let after = backoff::after(settings.seed, &self.lease.job.key, attempt, requested).mul_f64(settings.backoff);
        let back = GivenBack::Retry { attempt, class, cause, after };
        (Disposition::Retry { after, class }, Report::GivenBack(back))
    }
}

struct Context<'a> {
    shared: &'a Shared<'a>,
    job: &'a Job,
    attempt: u32,
}

impl ExecutorContext for Context<'_> {
    fn log(&self, bytes: &[u8]) -> Result<(), StoreError> {
        self.shared.record.append_log(self.job, self.attempt, bytes)
    }

    fn is_canceled(&self) -> bool {
        self.shared.is_stopping() || self.shared.abandoned(&self.job.key).is_some()
    }
}

//! What a worker does with a job in its hand, and what follows from what the plugin said.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use assay_model::{
    port::{CallResult, Disposition, ExecutorCall, ExecutorContext, Lease, StoreError, TaskVerdict},
    run::{Cause, Ending, ErrorClass, Job, PluginCall, RemoteJob, RunState, TaskResult, Usage, Verb, WaitingState},
};

use crate::{
    backoff,
    engine::GivenBack,
    shared::{Report, Shared},
};

/// Deliveries of a job that no worker settled, after which it is taken for one that ends its worker.
const UNSETTLED: u32 = 4;

/// The longest time of one call of a plugin for which the plan has no limit.
const CALL: Duration = Duration::from_secs(3_600);

/// Calls for one job of an adapter.
const STEPS: u32 = 10_000;

/// Errors of the infrastructure for one job that waits for a third party.
const WAITING_RETRIES: u32 = 8;

/// How long a third party is requested to cancel a job.
const CANCELING: jiff::SignedDuration = jiff::SignedDuration::from_secs(5 * 60);

/// The time between two requests to cancel, if the third party does not say.
const CANCEL_AGAIN: Duration = Duration::from_secs(2);

/// The longest time between two calls of an adapter.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

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
        if let Some(ending) = waiting.as_ref().and_then(|waiting| waiting.ending.clone()) {
            return self.cancel(*ending);
        }
        if let Some((state, cause)) = self.shared.abandoned(&job.key) {
            return self.end(state, cause, self.has_been_called());
        }
        let verb = match waiting {
            Some(waiting) => waiting.verb.clone(),
            None if job.call.plugin.is_adapter => Verb::Submit,
            None => Verb::Run,
        };
        let result = self.call(verb, waiting.as_ref());
        if self.shared.is_stopping() && !matches!(result, CallResult::Done(_) | CallResult::Waiting { .. }) {
            return (Disposition::Release, Report::Released);
        }
        match (result, self.shared.abandoned(&job.key)) {
            (CallResult::Error { .. }, Some((state, cause))) => self.end(state, cause, true),
            (CallResult::Done(verdict), _) => self.done(verdict),
            (CallResult::Waiting { state, after }, _) => self.wait(state, after),
            (CallResult::Error { class, cause, after }, None) => self.failed(class, cause, after),
            (CallResult::Canceled { .. }, _) => {
                let cause = Cause::new("internal", "assay has a bug: a call that does not cancel was answered as one");
                self.end(RunState::Error, cause, true)
            }
        }
    }

    /// Whether a worker had the job before: its adapter may have started something then.
    fn has_been_called(&self) -> bool {
        self.lease.waiting.is_some() || self.lease.attempt > 1
    }

    /// Ends the job. If a third party may work on it, that is requested to stop first.
    fn end(&self, state: RunState, cause: Cause, may_be_remote: bool) -> (Disposition, Report) {
        if !self.lease.job.call.plugin.is_adapter || !may_be_remote {
            return self.finish(state, cause);
        }
        let has_state = self.lease.waiting.is_some();
        self.cancel(Ending { state, cause, since: self.shared.clock.now(), has_state })
    }

    /// Requests the third party to stop, until it says that nothing goes on, it refuses, or the time for that is over.
    fn cancel(&self, mut ending: Ending) -> (Disposition, Report) {
        let waiting = self.lease.waiting.as_ref();
        let (mut state, after) = match self.call(Verb::Cancel, waiting.filter(|_| ending.has_state)) {
            CallResult::Canceled { refused: None } => return self.finish(ending.state, ending.cause),
            CallResult::Canceled { refused: Some(why) } => {
                return self.finish_with(ending, &format!("the third party refused to cancel its job: {why}"));
            }
            CallResult::Waiting { state, after } => {
                ending.has_state = true;
                (state, after)
            }
            CallResult::Error { class: ErrorClass::Infrastructure, after, .. } => {
                let state = waiting.cloned().unwrap_or_else(|| WaitingState::new(Verb::Cancel, Vec::new()));
                (state, after.unwrap_or(CANCEL_AGAIN))
            }
            CallResult::Error { class: ErrorClass::Lost, .. } => return self.finish(ending.state, ending.cause),
            CallResult::Error { cause, .. } => {
                return self
                    .finish_with(ending, &format!("its job may still run, as canceling failed: {}", cause.message));
            }
            CallResult::Done(_) => return self.finish(ending.state, ending.cause),
        };
        if self.shared.clock.now().duration_since(ending.since) >= CANCELING {
            let minutes = CANCELING.as_mins();
            return self.finish_with(
                ending,
                &format!("its job may still run: it was requested to stop for {minutes} minutes"),
            );
        }
        state.step = waiting.map_or(0, |waiting| waiting.step).saturating_add(1);
        (state.verb, state.attempt, state.ending) = (Verb::Cancel, self.lease.attempt, Some(Box::new(ending)));
        let after = after.clamp(self.shared.settings.shortest_wait, LONGEST_WAIT);
        let native = "canceling".to_owned();
        let back = GivenBack::Waiting { native, url: state.url.clone(), after, is_ending: true };
        (Disposition::Wait { after, state }, Report::GivenBack(back))
    }

    fn finish_with(&self, ending: Ending, more: &str) -> (Disposition, Report) {
        let message = format!("{}; {more}", ending.cause.message);
        let cause = Cause { hint: ending.cause.hint, ..Cause::new(ending.cause.code, &message) };
        self.finish(ending.state, cause)
    }

    /// A panic is one task's error, not the end of the process.
    fn call(&self, verb: Verb, waiting: Option<&WaitingState>) -> CallResult {
        let Lease { job, attempt, .. } = self.lease;
        let limit = job.call.timeout_ms.map_or(CALL, Duration::from_millis);
        let call = ExecutorCall { job, verb, attempt: *attempt, waiting, limit };
        let canceled = self.shared.begin_call(&job.key);
        let context = Context { shared: self.shared, job, attempt: *attempt, canceled };
        (self.shared.observer)("before-call");
        let result = catch_unwind(AssertUnwindSafe(|| self.shared.executor.execute(&call, &context)));
        self.shared.end_call(&job.key);
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
        TaskResult {
            cause,
            usage,
            remote: self.remote().map(Box::new),
            ..TaskResult::new(state, self.shared.clock.now())
        }
    }

    /// What people see of the third party's job once the task has ended.
    fn remote(&self) -> Option<RemoteJob> {
        let WaitingState { native, url, remote_id, step, .. } = self.lease.waiting.as_ref()?;
        Some(RemoteJob {
            service: self.lease.job.call.plugin.name.clone(),
            id: remote_id.clone(),
            native: native.clone(),
            url: url.clone(),
            polls: *step,
            next_poll: None,
        })
    }

    fn finish(&self, state: RunState, cause: Cause) -> (Disposition, Report) {
        let result = self.result(state, Some(cause));
        (Disposition::Finish(result.clone()), Report::Ended(result))
    }

    fn done(&self, verdict: TaskVerdict) -> (Disposition, Report) {
        let TaskVerdict { state, cause, results, artifacts, usage } = verdict;
        let is_verdict = matches!(
            state,
            RunState::Passed
                | RunState::Warned
                | RunState::Failed
                | RunState::Error
                | RunState::Skipped
                | RunState::Canceled
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
            return self.end(RunState::Error, cause, true);
        }
        state.attempt = self.lease.attempt;
        // What has ended there is collected at once.
        let shortest = if state.verb == Verb::Collect { Duration::ZERO } else { self.shared.settings.shortest_wait };
        let after = after.clamp(shortest, LONGEST_WAIT);
        let back = GivenBack::Waiting { native: state.native.clone(), url: state.url.clone(), after, is_ending: false };
        (Disposition::Wait { after, state }, Report::GivenBack(back))
    }

    fn failed(&self, class: ErrorClass, cause: Cause, after: Option<Duration>) -> (Disposition, Report) {
        let PluginCall { retries, .. } = self.lease.job.call;
        let infrastructure = match (class.is_retried(), &self.lease.waiting) {
            (false, _) => 0,
            (true, None) => self.shared.settings.retries,
            (true, Some(_)) => WAITING_RETRIES,
        };
        // Of a job that waits for a third party, failures in a row count.
        let before = self.lease.waiting.as_ref().map_or(0, |waiting| waiting.attempt.saturating_sub(1));
        if self.lease.attempt.saturating_sub(before) <= retries.max(infrastructure) {
            return self.retry(class, cause, after);
        }
        let state = if class == ErrorClass::Timeout { RunState::TimedOut } else { RunState::Error };
        let code = if cause.code.is_empty() { class.as_str().to_owned() } else { cause.code.clone() };
        let message = match self.lease.attempt {
            1 => cause.message.clone(),
            attempts => format!("{} ({attempts} attempts)", cause.message),
        };
        let reported = Cause::new(code, &message);
        // What the third party refused at the first attempt was never started there.
        let was_refused = matches!(class, ErrorClass::Invalid | ErrorClass::Auth) && !self.has_been_called();
        self.end(state, Cause { hint: cause.hint, ..reported }, !was_refused)
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
    canceled: Arc<AtomicBool>,
}

impl ExecutorContext for Context<'_> {
    fn log(&self, bytes: &[u8]) -> Result<(), StoreError> {
        self.shared.record.append_log(self.job, self.attempt, bytes)
    }

    fn is_canceled(&self) -> bool {
        self.shared.is_stopping() || self.shared.abandoned(&self.job.key).is_some()
    }

    fn cancellation(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.canceled)
    }
}

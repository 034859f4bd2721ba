//! [`run`]: resolves every image, then collects evidence about each and evaluates it, and emits an event for each step.
//!
//! The policies load meanwhile ([`PendingEvaluators`]): no image waits for a policy to be fetched, and no policy for an image.
//! Two kinds of threads work on components: collectors fetch and verify, workers evaluate; a queue with as many entries
//! as there are workers lies between them, so evidence in memory is bounded by the threads, not by the Snapshot. The
//! calling thread shares no state with them: it reads one channel, which also brings the deadline and interruptions, and
//! is the only one that emits events. A run that is stopped returns at once: its threads see the stop before they begin
//! anything new, and [`EventReceiver::join`] waits until the last of them has ended.

use std::io;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
    mpsc::{Receiver, Sender, SyncSender, sync_channel},
};
use std::time::{Duration, Instant};

use assay_model::{
    error::{ErrorCode, EvaluationError},
    event::{RunEvent, RunFinished, RunStarted, StopReason},
    evidence::Evidence,
    image::ImageRef,
    input::InputHead,
    outcome::{Outcome, Verdict},
    port::{Evaluator, EvidenceProvider, ResolvedImage},
    snapshot::Component,
};

use crate::{
    error::RunError,
    expand::{Task, expand},
    job::{Evaluators, Job, UnreachablePolicy},
    outcome::{ComponentEvaluator, error_outcome, violation_outcome},
    pending_evaluators::PendingEvaluators,
    progress::Progress,
    run_handle::{EventReceiver, Message},
};

/// How long a run that is stopped waits for its evaluators, whose head names the sources by what was fetched. Policies may be
/// written so that compiling them never ends.
const LOAD_GRACE_PERIOD: Duration = Duration::from_millis(300);

/// Evaluates every component of the job and returns the end of the run, which is also its last event.
///
/// `load` returns the evaluators, on a thread of its own while images are resolved and evidence is collected; nothing is
/// evaluated and no event is emitted before it has, unless the run is stopped first. `on` gets every event in order, on
/// the calling thread.
///
/// # Errors
/// The error of `load`, or why the run cannot work. No event was emitted then.
pub fn run<E: From<RunError> + Send + 'static>(
    job: &Job,
    load: impl FnOnce() -> Result<Evaluators, E> + Send + 'static,
    events: &EventReceiver,
    on: &mut dyn FnMut(RunEvent),
) -> Result<Arc<RunFinished>, E> {
    let stop = Arc::new(AtomicBool::new(false));
    let ended = work(job, load, events, &stop, on);
    stop.store(true, Ordering::Relaxed);
    let RunResult { head, outcomes, stopped } = ended?;
    // Where no component was evaluated, the time of the run's head stands.
    let effective_time = outcomes.iter().filter_map(|outcome| outcome.evaluated_at).max();
    let effective_time = effective_time.unwrap_or(head.effective_time);
    let end = RunFinished { verdict: verdict(&outcomes), outcomes, stopped, effective_time, at: (job.clock)() };
    let end = Arc::new(end);
    on(RunEvent::Finished(Arc::clone(&end)));
    Ok(end)
}

fn verdict(outcomes: &[Arc<Outcome>]) -> Verdict {
    Verdict::of(outcomes.iter().map(AsRef::as_ref))
}

struct RunResult {
    head: Arc<RunStarted>,
    outcomes: Vec<Arc<Outcome>>,
    stopped: Option<StopReason>,
}

fn work<E: From<RunError> + Send + 'static>(
    job: &Job,
    load: impl FnOnce() -> Result<Evaluators, E> + Send + 'static,
    events: &EventReceiver,
    stop: &Arc<AtomicBool>,
    on: &mut dyn FnMut(RunEvent),
) -> Result<RunResult, E> {
    let deadline = job.deadline.map(|(at, _)| at);
    let mut evaluators = PendingEvaluators::start(load, events)?;
    let (resolved, mut stopped) = resolve_all(job, events, stop, &mut evaluators)?;
    let tasks: Arc<[Task]> = expand(resolved).into();
    // Evidence waits here for the workers, a few images at a time.
    let (collected, to_evaluate) = sync_channel(job.workers.get());
    if stopped.is_none() {
        collect_all(job, events, stop, &tasks, &collected).map_err(RunError::Thread)?;
    }
    drop(collected);
    let mut buffered = Vec::new();
    // A run that is stopped waits a little longer: the head of loaded evaluators says more.
    let mut until = if stopped.is_some() { Some(Instant::now() + LOAD_GRACE_PERIOD) } else { deadline };
    while !evaluators.is_ready() {
        match events.next(until) {
            Message::Stop(_) if stopped.is_some() => break,
            Message::Stop(why) => (stopped, until) = (Some(why), Some(Instant::now() + LOAD_GRACE_PERIOD)),
            Message::Ready => evaluators.ready()?,
            Message::Progress(progress) => buffered.push(*progress),
        }
    }
    // A stopped run evaluates nothing more, so that it needs no evaluators.
    let none = || stopped.map(|_| Evaluators { head: Arc::clone(&job.head), evaluators: Arc::from([]) });
    let Evaluators { head, evaluators } = evaluators.finish().or_else(none).ok_or(RunError::Panicked)?;
    on(RunEvent::Started(Arc::clone(&head)));
    on(RunEvent::Planned { components: tasks.len() });
    let mut table = OutcomeTable::new(Arc::clone(&tasks));
    buffered.into_iter().for_each(|progress| table.record(progress, on));
    if stopped.is_none() {
        let evaluator = component_evaluator(job, &head, evaluators, &tasks)?;
        evaluate_all(job, events, stop, &tasks, &evaluator, to_evaluate).map_err(RunError::Thread)?;
    }
    while stopped.is_none() && table.open > 0 {
        match events.next(deadline) {
            Message::Stop(why) => stopped = Some(why),
            Message::Ready => {}
            Message::Progress(progress) => table.record(*progress, on),
        }
    }
    Ok(RunResult { head, outcomes: table.finish(job, stopped), stopped })
}

/// What is known of each task.
struct OutcomeTable {
    tasks: Arc<[Task]>,
    outcomes: Vec<Option<Arc<Outcome>>>,
    /// How many have none.
    open: usize,
}

impl OutcomeTable {
    fn new(tasks: Arc<[Task]>) -> Self {
        Self { outcomes: vec![None; tasks.len()], open: tasks.len(), tasks }
    }

    fn record(&mut self, progress: Progress, on: &mut dyn FnMut(RunEvent)) {
        match progress {
            Progress::Started(at) => {
                if let Some(task) = self.tasks.get(at) {
                    on(RunEvent::ComponentStarted { component: Arc::new(task.component.clone()) });
                }
            }
            Progress::Finished(at, outcome) => {
                let outcome: Arc<Outcome> = Arc::from(outcome);
                on(RunEvent::ComponentFinished(Arc::clone(&outcome)));
                if let Some(entry) = self.outcomes.get_mut(at) {
                    *entry = Some(outcome);
                    self.open -= 1;
                }
            }
            Progress::Resolved(..) => {}
        }
    }

    /// An outcome for each task, in the order of reports.
    fn finish(self, job: &Job, stopped: Option<StopReason>) -> Vec<Arc<Outcome>> {
        let fill = |(task, outcome): (&Task, Option<Arc<Outcome>>)| match outcome {
            Some(outcome) => outcome,
            None => Arc::new(not_evaluated(task, job, stopped)),
        };
        let mut outcomes: Vec<_> = self.tasks.iter().zip(self.outcomes).map(fill).collect();
        outcomes
            .sort_by_cached_key(|outcome| (std::cmp::Reverse(outcome.image_text()), outcome.component.name.clone()));
        outcomes
    }
}

/// The outcome of a component that the run ended before.
fn not_evaluated(task: &Task, job: &Job, stopped: Option<StopReason>) -> Outcome {
    let image = task.image.as_ref().ok().cloned();
    // A cause that was found before the run was stopped says more than the stop.
    if let Err(error) = &task.image {
        return error_outcome(task.component.clone(), None, error.clone());
    }
    error_outcome(task.component.clone(), image, stop_error(job, stopped))
}

fn stop_error(job: &Job, stopped: Option<StopReason>) -> EvaluationError {
    match stopped {
        Some(StopReason::Deadline) => {
            let limit = job.deadline.map(|(_, limit)| limit).unwrap_or_default();
            EvaluationError::new(
                ErrorCode::Deadline,
                format!("not evaluated: the time limit of {limit:?} passed first"),
            )
            .hint("increase the limit with `--timeout`, or `--timeout 0` for none")
        }
        Some(StopReason::Interrupted) => {
            EvaluationError::new(ErrorCode::Interrupted, "not evaluated: the run was interrupted first")
        }
        None => EvaluationError::new(ErrorCode::Internal, "not evaluated: its worker ended without a result")
            .hint("this is a bug in assay; please report it"),
    }
}

type AllResolved = (Vec<(Component, Result<ResolvedImage, EvaluationError>)>, Option<StopReason>);

fn resolve_all<E: From<RunError> + Send + 'static>(
    job: &Job,
    events: &EventReceiver,
    stop: &Arc<AtomicBool>,
    evaluators: &mut PendingEvaluators<E>,
) -> Result<AllResolved, E> {
    let components = &job.snapshot.components;
    let next = Arc::new(AtomicUsize::new(0));
    for _ in 0..job.collectors().min(components.len()) {
        let (snapshot, provider) = (Arc::clone(&job.snapshot), Arc::clone(&job.provider));
        let (next, stop, to) = (Arc::clone(&next), Arc::clone(stop), events.sender());
        let work = move || {
            while let Some((at, component)) = next_item(&next, &stop, &snapshot.components) {
                let found = catch_panic(&component.container_image, || resolve(provider.as_ref(), component));
                send(&to, Progress::Resolved(at, found));
            }
        };
        events.spawn("resolve", work).map_err(RunError::Thread)?;
    }
    let mut found: Vec<Option<Result<ResolvedImage, EvaluationError>>> = vec![None; components.len()];
    let mut open = components.len();
    let mut stopped = None;
    while open > 0 && stopped.is_none() {
        match events.next(job.deadline.map(|(at, _)| at)) {
            Message::Stop(why) => stopped = Some(why),
            // Policies that cannot be loaded end the run before its images are all resolved.
            Message::Ready => evaluators.ready()?,
            Message::Progress(progress) => {
                if let Progress::Resolved(at, result) = *progress
                    && let Some(entry) = found.get_mut(at)
                {
                    *entry = Some(result);
                    open -= 1;
                }
            }
        }
    }
    let missing = || Err(stop_error(job, stopped));
    let resolved = found.into_iter().map(|found| found.unwrap_or_else(missing));
    Ok((components.iter().cloned().zip(resolved).collect(), stopped))
}

fn resolve(provider: &dyn EvidenceProvider, component: &Component) -> Result<ResolvedImage, EvaluationError> {
    let image: ImageRef = component.container_image.parse().map_err(|error| {
        EvaluationError::new(ErrorCode::ImageReference, format!("component `{}`: {error}", component.name))
            .hint("write `registry/repository@sha256:…`")
    })?;
    provider.resolve(&image)
}

fn collect_all(
    job: &Job,
    events: &EventReceiver,
    stop: &Arc<AtomicBool>,
    tasks: &Arc<[Task]>,
    collected: &SyncSender<(usize, Evidence)>,
) -> io::Result<()> {
    let next = Arc::new(AtomicUsize::new(0));
    for _ in 0..job.collectors().min(tasks.len()) {
        let (tasks, provider) = (Arc::clone(tasks), Arc::clone(&job.provider));
        let (next, stop, to, collected) = (Arc::clone(&next), Arc::clone(stop), events.sender(), collected.clone());
        let unreachable_policy = job.unreachable_policy.clone();
        events.spawn("collect", move || {
            collect_some(&tasks, provider.as_ref(), unreachable_policy.as_ref(), &next, &stop, &to, &collected);
        })?;
    }
    Ok(())
}

fn component_evaluator(
    job: &Job,
    head: &RunStarted,
    evaluators: Arc<[Arc<dyn Evaluator>]>,
    tasks: &[Task],
) -> Result<ComponentEvaluator, RunError> {
    let components: Vec<Component> = tasks.iter().map(|task| task.component.clone()).collect();
    let head = InputHead::new(&job.snapshot, &components, &head.policy);
    Ok(ComponentEvaluator {
        head: Arc::new(head.map_err(|error| RunError::Input(Box::new(error)))?),
        evaluators,
        effective_time: job.effective_time,
        keep_inputs: job.keep_inputs,
        keep_statements: job.keep_statements,
    })
}

fn evaluate_all(
    job: &Job,
    events: &EventReceiver,
    stop: &Arc<AtomicBool>,
    tasks: &Arc<[Task]>,
    evaluator: &ComponentEvaluator,
    to_evaluate: Receiver<(usize, Evidence)>,
) -> io::Result<()> {
    let to_evaluate = Arc::new(Mutex::new(to_evaluate));
    for _ in 0..job.workers.get().min(tasks.len()) {
        let (tasks, evaluator) = (Arc::clone(tasks), evaluator.clone());
        let (to_evaluate, stop, to) = (Arc::clone(&to_evaluate), Arc::clone(stop), events.sender());
        events.spawn("evaluate", move || {
            run_worker(&evaluator.evaluators, &mut || {
                while let Some((at, evidence)) = receive(&to_evaluate, &stop) {
                    let Some(task) = tasks.get(at) else { break };
                    let image = evidence.image.clone();
                    let ended =
                        catch_panic(&task.component.name, || Ok(evaluator.evaluate(task.component.clone(), evidence)));
                    let ended = ended.unwrap_or_else(|error| error_outcome(task.component.clone(), Some(image), error));
                    send(&to, Progress::Finished(at, Box::new(ended)));
                }
            });
        })?;
    }
    Ok(())
}

/// Does the work on a thread that suits every evaluator.
fn run_worker(evaluators: &[Arc<dyn Evaluator>], work: &mut (dyn FnMut() + Send)) {
    match evaluators.split_first() {
        Some((first, others)) => first.run_worker(&mut || run_worker(others, work)),
        None => work(),
    }
}

fn collect_some(
    tasks: &[Task],
    provider: &dyn EvidenceProvider,
    unreachable_policy: Option<&UnreachablePolicy>,
    next: &AtomicUsize,
    stop: &AtomicBool,
    to: &Sender<Message>,
    collected: &SyncSender<(usize, Evidence)>,
) {
    while let Some((at, task)) = next_item(next, stop, tasks) {
        send(to, Progress::Started(at));
        let image = task.image.as_ref().ok().cloned();
        let reached = match &task.image {
            Ok(image) => catch_panic(&task.component.name, || provider.check_exists(image).map(|()| image)),
            Err(error) => Err(error.clone()),
        };
        let is_reached = reached.is_ok();
        let evidence = reached.and_then(|image| catch_panic(&task.component.name, || provider.collect(image)));
        match evidence {
            // Waits for room in the queue; fails only when the workers are gone, that is, after the run.
            Ok(evidence) => drop(collected.send((at, evidence))),
            Err(error) => {
                let component = task.component.clone();
                let violation = unreachable_policy.filter(|_| !is_reached).and_then(|of| of(&component, &error));
                let outcome = match violation {
                    Some(violation) => violation_outcome(component, image, violation),
                    None => error_outcome(component, image, error),
                };
                send(to, Progress::Finished(at, Box::new(outcome)));
            }
        }
    }
}

/// The next item that no other thread has taken.
fn next_item<'a, T>(next: &AtomicUsize, stop: &AtomicBool, items: &'a [T]) -> Option<(usize, &'a T)> {
    if stop.load(Ordering::Relaxed) {
        return None;
    }
    let at = next.fetch_add(1, Ordering::Relaxed);
    items.get(at).map(|item| (at, item))
}

fn receive(from: &Mutex<Receiver<(usize, Evidence)>>, stop: &AtomicBool) -> Option<(usize, Evidence)> {
    // One thread holds the lock and waits for evidence; the others wait for the lock, which is the same wait.
    let from = from.lock().unwrap_or_else(PoisonError::into_inner);
    let item = from.recv().ok()?;
    (!stop.load(Ordering::Relaxed)).then_some(item)
}

/// Turns a panic of `work` into an error.
fn catch_panic<T>(what: &str, work: impl FnOnce() -> Result<T, EvaluationError>) -> Result<T, EvaluationError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(EvaluationError::new(ErrorCode::Internal, format!("the work on `{what}` panicked"))
            .hint("this is a bug in assay; please report it"))
    })
}

fn send(to: &Sender<Message>, progress: Progress) {
    // The reader is gone only after the run, when nothing is lost any more.
    let _gone = to.send(Message::Progress(Box::new(progress)));
}

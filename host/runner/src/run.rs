//! [`run`]: locates every image, then gathers and judges each, and tells what happens as it happens.
//!
//! The judges are made meanwhile ([`Making`]): no image waits for a policy to be fetched, and no policy for an image.
//! Two kinds of threads work on components: gatherers fetch and verify, workers judge; a queue of as many places as
//! there are workers stands between them, so evidence in memory is bounded by the threads, not by the Snapshot. The
//! calling thread shares no state with them: it reads one inbox, which also brings the deadline and interruptions, and
//! is the only one that emits events. Threads are not joined when a run is stopped: what they still hold has no
//! reader, and they see the stop before they take up anything new.

use std::io;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
    mpsc::{Receiver, Sender, SyncSender, sync_channel},
};
use std::thread;
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
    control::{Inbox, Message},
    expand::{Task, expand},
    job::{Inaccessible, Job, Judges},
    making::Making,
    outcome::{Bench, denied, without_answer},
};

/// A run could not be started.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The operating system gives no more threads.
    #[error("a worker thread cannot be started; try fewer `--workers`")]
    Thread(#[source] std::io::Error),
    /// The Snapshot or the policy cannot be written as JSON.
    #[error("the input document of the policies cannot be written")]
    Input(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What makes the judges panicked.
    #[error("making the judges panicked; this is a fault of assay, please report it")]
    Panicked,
}

/// How long a run that is stopped waits for its judges, whose head names the sources by what was fetched. Policies may be
/// written so that compiling them takes for ever.
const PATIENCE: Duration = Duration::from_millis(300);

/// What a thread tells the run.
#[derive(Debug)]
pub(crate) enum Progress {
    Resolved(usize, Result<ResolvedImage, EvaluationError>),
    Started(usize),
    Ended(usize, Box<Outcome>),
}

/// Judges every component of the job and returns the end of the run, which is also its last event.
///
/// `make` gives the judges, on a thread of its own while images are located and gathered; nothing is judged before it
/// has, and nothing told, unless the run is stopped first. `on` gets every event in order, on the calling thread.
///
/// # Errors
/// The error of `make`, or what keeps the run from its work. Nothing was told then.
pub fn run<E: From<RunError> + Send + 'static>(
    job: &Job,
    make: impl FnOnce() -> Result<Judges, E> + Send + 'static,
    inbox: &Inbox,
    on: &mut dyn FnMut(RunEvent),
) -> Result<Arc<RunFinished>, E> {
    let stop = Arc::new(AtomicBool::new(false));
    let ended = work(job, make, inbox, &stop, on);
    stop.store(true, Ordering::Relaxed);
    let Ended { head, outcomes, stopped } = ended?;
    // No component judged, no moment of its own.
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

struct Ended {
    head: Arc<RunStarted>,
    outcomes: Vec<Arc<Outcome>>,
    stopped: Option<StopReason>,
}

fn work<E: From<RunError> + Send + 'static>(
    job: &Job,
    make: impl FnOnce() -> Result<Judges, E> + Send + 'static,
    inbox: &Inbox,
    stop: &Arc<AtomicBool>,
    on: &mut dyn FnMut(RunEvent),
) -> Result<Ended, E> {
    let deadline = job.deadline.map(|(at, _)| at);
    let mut making = Making::begin(make, inbox.sender())?;
    let (located, mut stopped) = locate_all(job, inbox, stop, &mut making)?;
    let tasks: Arc<[Task]> = expand(located).into();
    // What is gathered waits here for its judges, a few images at a time.
    let (gathered, to_judge) = sync_channel(job.workers.get());
    if stopped.is_none() {
        gather_all(job, inbox, stop, &tasks, &gathered).map_err(RunError::Thread)?;
    }
    drop(gathered);
    let mut early = Vec::new();
    // A run that is stopped waits a moment longer: the head of judges that are made says more.
    let mut until = if stopped.is_some() { Some(Instant::now() + PATIENCE) } else { deadline };
    while !making.is_ready() {
        match inbox.next(until) {
            Message::Stop(_) if stopped.is_some() => break,
            Message::Stop(why) => (stopped, until) = (Some(why), Some(Instant::now() + PATIENCE)),
            Message::Ready => making.ready()?,
            Message::Progress(progress) => early.push(*progress),
        }
    }
    // Nobody is asked any more where nobody is there to ask.
    let nobody = || stopped.map(|_| Judges { head: Arc::clone(&job.head), judges: Arc::from([]) });
    let Judges { head, judges } = making.made().or_else(nobody).ok_or(RunError::Panicked)?;
    on(RunEvent::Started(Arc::clone(&head)));
    on(RunEvent::Planned { components: tasks.len() });
    let mut ledger = Ledger::new(Arc::clone(&tasks));
    early.into_iter().for_each(|progress| ledger.note(progress, on));
    if stopped.is_none() {
        let bench = bench(job, &head, judges, &tasks)?;
        judge_all(job, inbox, stop, &tasks, &bench, to_judge).map_err(RunError::Thread)?;
    }
    while stopped.is_none() && ledger.open > 0 {
        match inbox.next(deadline) {
            Message::Stop(why) => stopped = Some(why),
            Message::Ready => {}
            Message::Progress(progress) => ledger.note(*progress, on),
        }
    }
    Ok(Ended { head, outcomes: ledger.closed(job, stopped), stopped })
}

/// What is known of each task.
struct Ledger {
    tasks: Arc<[Task]>,
    outcomes: Vec<Option<Arc<Outcome>>>,
    /// How many have none.
    open: usize,
}

impl Ledger {
    fn new(tasks: Arc<[Task]>) -> Self {
        Self { outcomes: vec![None; tasks.len()], open: tasks.len(), tasks }
    }

    fn note(&mut self, progress: Progress, on: &mut dyn FnMut(RunEvent)) {
        match progress {
            Progress::Started(at) => {
                if let Some(task) = self.tasks.get(at) {
                    on(RunEvent::ComponentStarted { component: Arc::new(task.component.clone()) });
                }
            }
            Progress::Finished(at, outcome) => {
                let outcome: Arc<Outcome> = Arc::from(outcome);
                on(RunEvent::ComponentFinished(Arc::clone(&outcome)));
                if let Some(place) = self.outcomes.get_mut(at) {
                    *place = Some(outcome);
                    self.open -= 1;
                }
            }
            Progress::Resolved(..) => {}
        }
    }

    /// An outcome for each task, in the order of reports.
    fn closed(self, job: &Job, stopped: Option<StopReason>) -> Vec<Arc<Outcome>> {
        let fill = |(task, outcome): (&Task, Option<Arc<Outcome>>)| match outcome {
            Some(outcome) => outcome,
            None => Arc::new(unanswered(task, job, stopped)),
        };
        let mut outcomes: Vec<_> = self.tasks.iter().zip(self.outcomes).map(fill).collect();
        outcomes
            .sort_by_cached_key(|outcome| (std::cmp::Reverse(outcome.image_text()), outcome.component.name.clone()));
        outcomes
    }
}

/// The outcome of a component that the run ended before.
fn unanswered(task: &Task, job: &Job, stopped: Option<StopReason>) -> Outcome {
    let image = task.image.as_ref().ok().cloned();
    // A cause that was found before the run was stopped says more than the stop.
    if let Err(error) = &task.image {
        return without_answer(task.component.clone(), None, error.clone());
    }
    without_answer(task.component.clone(), image, stop_error(job, stopped))
}

fn stop_error(job: &Job, stopped: Option<StopReason>) -> EvaluationError {
    match stopped {
        Some(StopReason::Deadline) => {
            let limit = job.deadline.map(|(_, limit)| limit).unwrap_or_default();
            EvaluationError::new(ErrorCode::Deadline, format!("not judged: the time limit of {limit:?} passed first"))
                .hint("raise the limit with `--timeout`, or `--timeout 0` for none")
        }
        Some(StopReason::Interrupted) => {
            EvaluationError::new(ErrorCode::Interrupted, "not judged: the run was interrupted first")
        }
        None => EvaluationError::new(ErrorCode::Internal, "not judged: its worker ended without an answer")
            .hint("this is a fault of assay; please report it"),
    }
}

type AllLocated = (Vec<(Component, Result<ResolvedImage, EvaluationError>)>, Option<StopReason>);

fn locate_all<E: From<RunError> + Send + 'static>(
    job: &Job,
    inbox: &Inbox,
    stop: &Arc<AtomicBool>,
    making: &mut Making<E>,
) -> Result<AllLocated, E> {
    let components = &job.snapshot.components;
    let next = Arc::new(AtomicUsize::new(0));
    for _ in 0..job.gatherers().min(components.len()) {
        let (snapshot, gather) = (Arc::clone(&job.snapshot), Arc::clone(&job.gather));
        let (next, stop, to) = (Arc::clone(&next), Arc::clone(stop), inbox.sender());
        spawn("locate", move || {
            while let Some((at, component)) = take(&next, &stop, &snapshot.components) {
                let found = guarded(&component.container_image, || resolve(gather.as_ref(), component));
                send(&to, Progress::Resolved(at, found));
            }
        })
        .map_err(RunError::Thread)?;
    }
    let mut found: Vec<Option<Result<ResolvedImage, EvaluationError>>> = vec![None; components.len()];
    let mut open = components.len();
    let mut stopped = None;
    while open > 0 && stopped.is_none() {
        match inbox.next(job.deadline.map(|(at, _)| at)) {
            Message::Stop(why) => stopped = Some(why),
            // Judges that cannot be made end the run before its images are all found.
            Message::Ready => making.ready()?,
            Message::Progress(progress) => {
                if let Progress::Resolved(at, result) = *progress
                    && let Some(place) = found.get_mut(at)
                {
                    *place = Some(result);
                    open -= 1;
                }
            }
        }
    }
    let missing = || Err(stop_error(job, stopped));
    let located = found.into_iter().map(|found| found.unwrap_or_else(missing));
    Ok((components.iter().cloned().zip(located).collect(), stopped))
}

fn resolve(gather: &dyn EvidenceProvider, component: &Component) -> Result<ResolvedImage, EvaluationError> {
    let image: ImageRef = component.container_image.parse().map_err(|error| {
        EvaluationError::new(ErrorCode::ImageReference, format!("component `{}`: {error}", component.name))
            .hint("write `registry/repository@sha256:…`")
    })?;
    gather.resolve(&image)
}

fn gather_all(
    job: &Job,
    inbox: &Inbox,
    stop: &Arc<AtomicBool>,
    tasks: &Arc<[Task]>,
    gathered: &SyncSender<(usize, Evidence)>,
) -> io::Result<()> {
    let next = Arc::new(AtomicUsize::new(0));
    for _ in 0..job.gatherers().min(tasks.len()) {
        let (tasks, gather) = (Arc::clone(tasks), Arc::clone(&job.gather));
        let (next, stop, to, gathered) = (Arc::clone(&next), Arc::clone(stop), inbox.sender(), gathered.clone());
        let inaccessible = job.inaccessible.clone();
        spawn("gather", move || {
            gather_some(&tasks, gather.as_ref(), inaccessible.as_ref(), &next, &stop, &to, &gathered);
        })?;
    }
    Ok(())
}

fn bench(job: &Job, head: &RunStarted, judges: Arc<[Arc<dyn Evaluator>]>, tasks: &[Task]) -> Result<Bench, RunError> {
    let components: Vec<Component> = tasks.iter().map(|task| task.component.clone()).collect();
    let head = InputHead::new(&job.snapshot, &components, &head.policy);
    Ok(Bench {
        head: Arc::new(head.map_err(|error| RunError::Input(Box::new(error)))?),
        judges,
        effective_time: job.effective_time,
        keep_inputs: job.keep_inputs,
        keep_statements: job.keep_statements,
    })
}

fn judge_all(
    job: &Job,
    inbox: &Inbox,
    stop: &Arc<AtomicBool>,
    tasks: &Arc<[Task]>,
    bench: &Bench,
    to_judge: Receiver<(usize, Evidence)>,
) -> io::Result<()> {
    let to_judge = Arc::new(Mutex::new(to_judge));
    for _ in 0..job.workers.get().min(tasks.len()) {
        let (tasks, bench) = (Arc::clone(tasks), bench.clone());
        let (to_judge, stop, to) = (Arc::clone(&to_judge), Arc::clone(stop), inbox.sender());
        spawn("judge", move || {
            while let Some((at, evidence)) = receive(&to_judge, &stop) {
                let Some(task) = tasks.get(at) else { break };
                let image = evidence.image.clone();
                let ended = guarded(&task.component.name, || Ok(bench.judge(task.component.clone(), evidence)));
                let ended = ended.unwrap_or_else(|error| without_answer(task.component.clone(), Some(image), error));
                send(&to, Progress::Finished(at, Box::new(ended)));
            }
        })?;
    }
    Ok(())
}

fn gather_some(
    tasks: &[Task],
    gather: &dyn EvidenceProvider,
    inaccessible: Option<&Inaccessible>,
    next: &AtomicUsize,
    stop: &AtomicBool,
    to: &Sender<Message>,
    gathered: &SyncSender<(usize, Evidence)>,
) {
    while let Some((at, task)) = take(next, stop, tasks) {
        send(to, Progress::Started(at));
        let image = task.image.as_ref().ok().cloned();
        let reached = match &task.image {
            Ok(image) => guarded(&task.component.name, || gather.check_exists(image).map(|()| image)),
            Err(error) => Err(error.clone()),
        };
        let is_reached = reached.is_ok();
        let evidence = reached.and_then(|image| guarded(&task.component.name, || gather.gather(image)));
        match evidence {
            // Waits for a place; fails only when the workers are gone, that is, after the run.
            Ok(evidence) => drop(gathered.send((at, evidence))),
            Err(error) => {
                let component = task.component.clone();
                let violation = inaccessible.filter(|_| !is_reached).and_then(|of| of(&component, &error));
                let outcome = match violation {
                    Some(violation) => denied(component, image, violation),
                    None => without_answer(component, image, error),
                };
                send(to, Progress::Finished(at, Box::new(outcome)));
            }
        }
    }
}

/// The next item that no other thread has taken.
fn take<'a, T>(next: &AtomicUsize, stop: &AtomicBool, items: &'a [T]) -> Option<(usize, &'a T)> {
    if stop.load(Ordering::Relaxed) {
        return None;
    }
    let at = next.fetch_add(1, Ordering::Relaxed);
    items.get(at).map(|item| (at, item))
}

fn receive(from: &Mutex<Receiver<(usize, Evidence)>>, stop: &AtomicBool) -> Option<(usize, Evidence)> {
    // Whoever holds the lock waits for evidence; the others wait for the lock, which is the same wait.
    let from = from.lock().unwrap_or_else(PoisonError::into_inner);
    let item = from.recv().ok()?;
    (!stop.load(Ordering::Relaxed)).then_some(item)
}

/// A panic in what is called becomes a missing answer.
fn guarded<T>(what: &str, work: impl FnOnce() -> Result<T, EvaluationError>) -> Result<T, EvaluationError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(EvaluationError::new(ErrorCode::Internal, format!("the work on `{what}` panicked"))
            .hint("this is a fault of assay; please report it"))
    })
}

fn send(to: &Sender<Message>, progress: Progress) {
    // The reader is gone only after the run, when nothing is lost any more.
    let _gone = to.send(Message::Progress(Box::new(progress)));
}

pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

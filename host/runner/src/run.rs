//! [`run`]: locates every image, then gathers and judges each, and tells what happens as it happens.
//!
//! Two kinds of threads work on components: gatherers fetch and verify, workers judge; a queue of as many places as
//! there are workers stands between them, so evidence in memory is bounded by the threads, not by the Snapshot. The
//! calling thread shares no state with them: it reads one inbox, which also brings the deadline and interruptions, and
//! is the only one that emits events. Threads are not joined when a run is stopped: what they still hold has no
//! reader, and they see the stop before they take up anything new.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
    mpsc::{Receiver, Sender, SyncSender, sync_channel},
};
use std::thread;

use assay_model::{
    event::{RunEnd, RunEvent, Stopped},
    evidence::Evidence,
    failure::{ErrorCode, NoAnswer},
    image::ImageRef,
    input::InputHead,
    outcome::{Outcome, Verdict},
    port::{Gather, Located},
    snapshot::Component,
};

use crate::{
    control::{Inbox, Message},
    expand::{Task, expand},
    job::{Inaccessible, Job},
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
}

/// What a thread tells the run.
#[derive(Debug)]
pub(crate) enum Progress {
    Located(usize, Result<Located, NoAnswer>),
    Started(usize),
    Ended(usize, Box<Outcome>),
}

/// Judges every component of the job and returns the end of the run, which is also its last event.
///
/// `on` gets every event in order, on the calling thread.
pub fn run(job: &Job, inbox: &Inbox, on: &mut dyn FnMut(RunEvent)) -> Result<Arc<RunEnd>, RunError> {
    on(RunEvent::Started(Arc::clone(&job.head)));
    let stop = Arc::new(AtomicBool::new(false));
    let ended = work(job, inbox, &stop, on);
    stop.store(true, Ordering::Relaxed);
    let (outcomes, stopped) = ended?;
    // No component judged, no moment of its own.
    let effective_time = outcomes.iter().filter_map(|outcome| outcome.judged_at).max();
    let effective_time = effective_time.unwrap_or(job.head.effective_time);
    let end = RunEnd { verdict: verdict(&outcomes), outcomes, stopped, effective_time, at: (job.clock)() };
    let end = Arc::new(end);
    on(RunEvent::Ended(Arc::clone(&end)));
    Ok(end)
}

fn verdict(outcomes: &[Arc<Outcome>]) -> Verdict {
    Verdict::of(outcomes.iter().map(AsRef::as_ref))
}

type Outcomes = (Vec<Arc<Outcome>>, Option<Stopped>);

fn work(job: &Job, inbox: &Inbox, stop: &Arc<AtomicBool>, on: &mut dyn FnMut(RunEvent)) -> Result<Outcomes, RunError> {
    let (located, stopped) = locate_all(job, inbox, stop)?;
    let tasks: Arc<[Task]> = expand(located).into();
    on(RunEvent::Planned { components: tasks.len() });
    let mut outcomes: Vec<Option<Arc<Outcome>>> = vec![None; tasks.len()];
    let stopped = match stopped {
        None => judge_all(job, inbox, stop, &tasks, &mut outcomes, on)?,
        stopped => stopped,
    };
    let fill = |(task, outcome): (&Task, Option<Arc<Outcome>>)| match outcome {
        Some(outcome) => outcome,
        None => Arc::new(unanswered(task, job, stopped)),
    };
    let mut outcomes: Vec<_> = tasks.iter().zip(outcomes).map(fill).collect();
    outcomes.sort_by_cached_key(|outcome| (std::cmp::Reverse(outcome.image_text()), outcome.component.name.clone()));
    Ok((outcomes, stopped))
}

/// The outcome of a component that the run ended before.
fn unanswered(task: &Task, job: &Job, stopped: Option<Stopped>) -> Outcome {
    let image = task.image.as_ref().ok().cloned();
    // A cause that was found before the run was stopped says more than the stop.
    if let Err(error) = &task.image {
        return without_answer(task.component.clone(), None, error.clone());
    }
    without_answer(task.component.clone(), image, stop_error(job, stopped))
}

fn stop_error(job: &Job, stopped: Option<Stopped>) -> NoAnswer {
    match stopped {
        Some(Stopped::Deadline) => {
            let limit = job.deadline.map(|(_, limit)| limit).unwrap_or_default();
            NoAnswer::new(ErrorCode::Deadline, format!("not judged: the time limit of {limit:?} passed first"))
                .hint("raise the limit with `--timeout`, or `--timeout 0` for none")
        }
        Some(Stopped::Interrupted) => {
            NoAnswer::new(ErrorCode::Interrupted, "not judged: the run was interrupted first")
        }
        None => NoAnswer::new(ErrorCode::Internal, "not judged: its worker ended without an answer")
            .hint("this is a fault of assay; please report it"),
    }
}

type AllLocated = (Vec<(Component, Result<Located, NoAnswer>)>, Option<Stopped>);

fn locate_all(job: &Job, inbox: &Inbox, stop: &Arc<AtomicBool>) -> Result<AllLocated, RunError> {
    let components = &job.snapshot.components;
    let next = Arc::new(AtomicUsize::new(0));
    for _ in 0..job.gatherers().min(components.len()) {
        let (snapshot, gather) = (Arc::clone(&job.snapshot), Arc::clone(&job.gather));
        let (next, stop, to) = (Arc::clone(&next), Arc::clone(stop), inbox.sender());
        spawn("locate", move || {
            while let Some((at, component)) = take(&next, &stop, &snapshot.components) {
                let found = guarded(&component.container_image, || locate(gather.as_ref(), component));
                send(&to, Progress::Located(at, found));
            }
        })?;
    }
    let mut found: Vec<Option<Result<Located, NoAnswer>>> = vec![None; components.len()];
    let mut open = components.len();
    let mut stopped = None;
    while open > 0 && stopped.is_none() {
        match inbox.next(job.deadline.map(|(at, _)| at)) {
            Message::Stop(why) => stopped = Some(why),
            Message::Progress(progress) => {
                if let Progress::Located(at, result) = *progress
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

fn locate(gather: &dyn Gather, component: &Component) -> Result<Located, NoAnswer> {
    let image: ImageRef = component.container_image.parse().map_err(|error| {
        NoAnswer::new(ErrorCode::ImageReference, format!("component `{}`: {error}", component.name))
            .hint("write `registry/repository@sha256:…`")
    })?;
    gather.locate(&image)
}

fn judge_all(
    job: &Job,
    inbox: &Inbox,
    stop: &Arc<AtomicBool>,
    tasks: &Arc<[Task]>,
    outcomes: &mut [Option<Arc<Outcome>>],
    on: &mut dyn FnMut(RunEvent),
) -> Result<Option<Stopped>, RunError> {
    let components: Vec<Component> = tasks.iter().map(|task| task.component.clone()).collect();
    let head = InputHead::new(&job.snapshot, &components, &job.head.policy)
        .map_err(|error| RunError::Input(Box::new(error)))?;
    let bench = Bench {
        head: Arc::new(head),
        judges: Arc::clone(&job.judges),
        moment: job.moment,
        keep_inputs: job.keep_inputs,
        keep_statements: job.keep_statements,
    };
    let (gathered, to_judge) = sync_channel(job.workers.get());
    let next = Arc::new(AtomicUsize::new(0));
    for _ in 0..job.gatherers().min(tasks.len()) {
        let (tasks, gather) = (Arc::clone(tasks), Arc::clone(&job.gather));
        let (next, stop, to, gathered) = (Arc::clone(&next), Arc::clone(stop), inbox.sender(), gathered.clone());
        let inaccessible = job.inaccessible.clone();
        spawn("gather", move || {
            gather_some(&tasks, gather.as_ref(), inaccessible.as_ref(), &next, &stop, &to, &gathered);
        })?;
    }
    drop(gathered);
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
                send(&to, Progress::Ended(at, Box::new(ended)));
            }
        })?;
    }
    let mut open = tasks.len();
    while open > 0 {
        match inbox.next(job.deadline.map(|(at, _)| at)) {
            Message::Stop(why) => return Ok(Some(why)),
            Message::Progress(progress) => match *progress {
                Progress::Started(at) => {
                    if let Some(task) = tasks.get(at) {
                        on(RunEvent::ComponentStarted { component: Arc::new(task.component.clone()) });
                    }
                }
                Progress::Ended(at, outcome) => {
                    let outcome: Arc<Outcome> = Arc::from(outcome);
                    on(RunEvent::ComponentEnded(Arc::clone(&outcome)));
                    if let Some(place) = outcomes.get_mut(at) {
                        *place = Some(outcome);
                        open -= 1;
                    }
                }
                Progress::Located(..) => {}
            },
        }
    }
    Ok(None)
}

fn gather_some(
    tasks: &[Task],
    gather: &dyn Gather,
    inaccessible: Option<&Inaccessible>,
    next: &AtomicUsize,
    stop: &AtomicBool,
    to: &Sender<Message>,
    gathered: &SyncSender<(usize, Evidence)>,
) {
    while let Some((at, task)) = take(next, stop, tasks) {
        send(to, Progress::Started(at));
        let image = task.image.as_ref().ok().cloned();
        let evidence = match &task.image {
            Ok(image) => guarded(&task.component.name, || gather.gather(image)),
            Err(error) => Err(error.clone()),
        };
        match evidence {
            // Waits for a place; fails only when the workers are gone, that is, after the run.
            Ok(evidence) => drop(gathered.send((at, evidence))),
            Err(error) => {
                let component = task.component.clone();
                let unlocated = image.is_none();
                let violation = inaccessible.filter(|_| unlocated).and_then(|of| of(&component, &error));
                let outcome = match violation {
                    Some(violation) => denied(component, violation),
                    None => without_answer(component, image, error),
                };
                send(to, Progress::Ended(at, Box::new(outcome)));
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
fn guarded<T>(what: &str, work: impl FnOnce() -> Result<T, NoAnswer>) -> Result<T, NoAnswer> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(NoAnswer::new(ErrorCode::Internal, format!("the work on `{what}` panicked"))
            .hint("this is a fault of assay; please report it"))
    })
}

fn send(to: &Sender<Message>, progress: Progress) {
    // The reader is gone only after the run, when nothing is lost any more.
    let _gone = to.send(Message::Progress(Box::new(progress)));
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), RunError> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop).map_err(RunError::Thread)
}

//! [`start`]: begins a run over the images of a Snapshot; [`Run`] gives its events, cancels it and waits for its end.
//!
//! Every thread of a run is its own and ends with it: [`Run::join`] returns when the last one has. A run that is canceled
//! takes up nothing new; what it has begun (a request to a registry, the evaluation of a policy) ends by itself, within the
//! limits of that.

use std::{
    sync::{
        Arc, OnceLock,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
};

use assay_model::event::RunFinished;
use assay_runner::{Evaluators, EventReceiver, Job, RunHandle};

use crate::{
    compose::{self, EvidenceContext},
    error::{RequestError, RequestErrorKind},
    event::Event,
    explanations::ExplanationLog,
    image_request::ValidateImageRequest,
};

/// A run that has been started.
#[derive(Debug)]
pub struct Run {
    messages: Receiver<Message>,
    canceler: Canceler,
    result: Option<Result<RunResult, RequestError>>,
    thread: Option<JoinHandle<()>>,
    evaluators: Arc<OnceLock<Evaluators>>,
}

/// Cancels a run, from any thread.
#[derive(Clone, Debug)]
pub struct Canceler(RunHandle);

/// What a run ended with.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// The end of the run, which is also its last event.
    pub finished: Arc<RunFinished>,
    /// How the rules that were to be explained came to their results, a line each.
    pub explanations: Vec<String>,
}

#[derive(Debug)]
enum Message {
    Event(Event),
    Done(Result<RunResult, RequestError>),
}

/// Begins a run.
///
/// # Errors
/// The key or the store of evidence cannot be used, or the system gives no thread. Whatever else keeps the run from its
/// work is its result.
pub fn start(request: ValidateImageRequest) -> Result<Run, RequestError> {
    let context = compose::build_evidence_context(&request)?;
    let job = compose::build_job(&request, &context);
    let (handle, receiver) = RunHandle::new();
    let (to, messages) = channel();
    let evaluators = Arc::default();
    let loaded = Arc::clone(&evaluators);
    let work = move || {
        carry_out(request, context, &job, &receiver, &to, loaded);
        receiver.join();
    };
    let thread = thread::Builder::new().name("run".to_owned()).spawn(work).map_err(|error| {
        RequestError::of(RequestErrorKind::Internal, format!("the thread of a run cannot be started: {error}"))
    })?;
    Ok(Run { messages, canceler: Canceler(handle), result: None, thread: Some(thread), evaluators })
}

fn carry_out(
    request: ValidateImageRequest,
    context: EvidenceContext,
    job: &Job,
    receiver: &EventReceiver,
    to: &Sender<Message>,
    loaded: Arc<OnceLock<Evaluators>>,
) {
    let log = (!request.explain.is_empty()).then(ExplanationLog::default);
    let load = {
        let (to, log) = (to.clone(), log.clone());
        move || {
            let events = move |event: Event| send(&to, Message::Event(event));
            let evaluators = compose::build_evaluators(&request, &context, log.as_ref(), &events)?;
            let evaluators = Evaluators::clone(loaded.get_or_init(|| evaluators));
            events(Event::Loaded);
            Ok::<_, RequestError>(evaluators)
        }
    };
    let ended = assay_runner::run(job, load, receiver, &mut |event| send(to, Message::Event(Event::Run(event))));
    let result = ended.map(|finished| {
        let explanations = log.map(|log| log.lines(&finished)).unwrap_or_default();
        RunResult { finished, explanations }
    });
    send(to, Message::Done(result));
}

fn send(to: &Sender<Message>, message: Message) {
    // Nobody may be reading any more.
    let _gone = to.send(message);
}

/// The events in order. There are no more when the result is there, whether or not every thread has ended by then.
impl Iterator for Run {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        if self.result.is_some() {
            return None;
        }
        match self.messages.recv() {
            Ok(Message::Event(event)) => Some(event),
            Ok(Message::Done(result)) => {
                self.result = Some(result);
                None
            }
            Err(_) => None,
        }
    }
}

impl Run {
    /// What cancels this run from another thread.
    #[must_use]
    pub fn canceler(&self) -> Canceler {
        self.canceler.clone()
    }

    /// Cancels the run: components that have no outcome yet get an error that says so.
    pub fn cancel(&self) {
        self.canceler.cancel();
    }

    /// Waits for the result and until every thread of the run has ended. Events that were not read are dropped.
    ///
    /// # Errors
    /// What kept the run from its work; there were no events of components then.
    pub fn join(mut self) -> Result<RunResult, RequestError> {
        let result = self.wait();
        self.join_thread();
        result
    }

    /// Waits for the result, and leaves threads that are still busy to themselves and compiled policies in memory: for a
    /// process that ends now, which frees them at once instead of value by value.
    ///
    /// # Errors
    /// As for [`join`](Self::join).
    pub fn detach(mut self) -> Result<RunResult, RequestError> {
        let result = self.wait();
        drop(self.thread.take());
        std::mem::forget(Arc::clone(&self.evaluators));
        result
    }

    fn wait(&mut self) -> Result<RunResult, RequestError> {
        self.by_ref().for_each(drop);
        let panicked = || RequestError::of(RequestErrorKind::Internal, "a run panicked; this is a bug in assay");
        self.result.take().unwrap_or_else(|| Err(panicked()))
    }

    fn join_thread(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic shows as a result that is missing.
            let _panicked = thread.join();
        }
    }
}

/// A run that nobody waits for is canceled, and its threads end first.
impl Drop for Run {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.canceler.cancel();
            self.join_thread();
        }
    }
}

impl Canceler {
    /// Cancels the run, if it is not over.
    pub fn cancel(&self) {
        self.0.interrupt();
    }
}

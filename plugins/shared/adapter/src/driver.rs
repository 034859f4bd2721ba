//! The four calls of an adapter over a [`Service`].
//!
//! Notes outlive a call that is killed: `work`, written as soon as the job exists, `job`, its ID alone, for people, and
//! `posting`, written before a job is requested where the service shows it later only. A call that is repeated looks for the
//! job by its key before it requests one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use crate::bindings::exports::assay::plugin::remote_job::{Cancellation, Collected, Status};
use crate::{
    Context, Error, Manifest, Verdict,
    bindings::{assay::plugin::checkpoint, exports::assay::plugin::remote_job::Waiting},
    invalid, params,
};

/// The version of the state.
const VERSION: u32 = 1;

/// The time between two requests to cancel.
const CANCEL_MS: u32 = 2_000;

/// The longest ID of a job, in bytes.
const ID_BYTES: usize = 500;

/// All that is known of a job between two calls.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Work {
    /// The version of this state.
    pub version: u32,
    /// The service's ID; empty while it is not known yet.
    pub id: String,
    /// The service's own word for its state.
    pub native: String,
    /// The page that a person opens.
    pub url: Option<String>,
    /// When it was submitted, in milliseconds.
    pub since: u64,
    /// How much of its log was passed on.
    pub log: u64,
    /// What else the service's adapter has to know.
    #[serde(default)]
    pub extra: Value,
}

impl Work {
    /// A job that was just made or found.
    ///
    /// # Errors
    /// The ID is none that can stand in a URL.
    pub fn new(ctx: &Context, id: impl Into<String>, native: impl Into<String>) -> Result<Self, Error> {
        let id = id.into();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'~');
        if id.len() > ID_BYTES || !id.bytes().all(is_plain) || id.starts_with('.') {
            let shown: String = id.chars().take(80).collect();
            return Err(Error::Lost(format!(
                "the service named the job `{shown}`, which is no ID that a URL can have"
            )));
        }
        Ok(Self { version: VERSION, id, native: native.into(), since: ctx.now, ..Self::default() })
    }

    fn pack(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn unpack(state: &[u8]) -> Result<Self, Error> {
        let work: Option<Self> = serde_json::from_slice(state).ok();
        work.filter(|work| work.version == VERSION)
            .ok_or_else(|| invalid("the state was written by another version of this plugin"))
    }

    fn waiting(self, after_ms: u32) -> Waiting {
        let state = self.pack();
        Waiting { state, after_ms, native: self.native, url: self.url }
    }
}

/// How a job stands.
pub enum Look {
    /// It goes on.
    Waiting(Work),
    /// It ended, in whatever way.
    Ended(Work),
}

/// What came of a request to stop a job.
pub enum Stop {
    /// It has stopped.
    Stopped,
    /// It was requested; whether it does is seen later.
    Requested,
    /// The service refuses, in its own words.
    Refused(String),
}

/// A service whose jobs are driven.
pub trait Service {
    /// The manifest.
    fn describe() -> Manifest;

    /// Requests a job under `ctx.key`.
    ///
    /// # Errors
    /// There is none; or nobody knows, which is a transient error.
    fn start(ctx: &Context) -> Result<Work, Error>;

    /// The job that was requested under `ctx.key` before, if the service has a search.
    ///
    /// # Errors
    /// The service cannot be reached.
    fn find(ctx: &Context) -> Result<Option<Work>, Error>;

    /// How long a job that was requested may be invisible, in milliseconds. Until then none is requested again.
    const APPEARS_MS: u64 = 0;

    /// Requests the state of a job.
    ///
    /// # Errors
    /// The service cannot be reached, or says nothing that can be used.
    fn look(ctx: &Context, work: Work) -> Result<Look, Error>;

    /// Fetches what the job left, and gives the verdict.
    ///
    /// # Errors
    /// The service cannot be reached.
    fn collect(ctx: &Context, work: &Work) -> Result<Verdict, Error>;

    /// Requests the service to stop a job. `times` is how often it was requested before.
    ///
    /// # Errors
    /// The service cannot be reached.
    fn stop(ctx: &Context, work: &Work, times: u64) -> Result<Stop, Error>;
}

fn noted() -> Option<Work> {
    checkpoint::get("work").and_then(|note| Work::unpack(&note).ok())
}

fn note(work: &Work) -> Result<(), Error> {
    let set = |name: &str, value: &[u8]| {
        checkpoint::set(name, value)
            .map_err(|error| Error::Internal(format!("the job `{}` cannot be noted: {error:?}", work.id)))
    };
    set("work", &work.pack())?;
    if work.id.is_empty() { Ok(()) } else { set("job", work.id.as_bytes()) }
}

/// How long until the next poll: the parameter, and up to a fifth more, so that jobs do not come together.
fn pause(ctx: &Context) -> Result<u32, Error> {
    let seconds = params::integer(ctx, "poll-seconds")?;
    if seconds < 1 {
        return Err(invalid(format!("the parameter `poll-seconds` is {seconds}; the least is 1")));
    }
    let ms = u32::try_from(seconds.saturating_mul(1_000)).unwrap_or(u32::MAX);
    Ok(ms.saturating_add(ctx.seed % (ms / 5).max(1)))
}

/// # Errors
/// See [`Service::start`].
pub fn submit<S: Service>(ctx: &Context) -> Result<Status, Error> {
    let after = pause(ctx)?;
    if let Some(work) = noted() {
        return Ok(Status::Waiting(work.waiting(after)));
    }
    let posting = checkpoint::get("posting").and_then(|note| String::from_utf8(note).ok()?.parse::<u64>().ok());
    if ctx.attempt > 1 || posting.is_some() {
        if let Some(work) = S::find(ctx)? {
            note(&work)?;
            return Ok(Status::Waiting(work.waiting(after)));
        }
        // It may have been made and not be visible yet.
        if let Some(since) = posting.filter(|since| ctx.now < since.saturating_add(S::APPEARS_MS)) {
            let left = since.saturating_add(S::APPEARS_MS).saturating_sub(ctx.now);
            let message = "whether the job was made before is not visible yet".to_owned();
            let after_ms = Some(u32::try_from(left.clamp(1_000, 5_000)).unwrap_or(1_000));
            return Err(Error::Transient(crate::bindings::assay::plugin::types::Retry { message, after_ms }));
        }
    }
    if S::APPEARS_MS > 0 {
        checkpoint::set("posting", ctx.now.to_string().as_bytes())
            .map_err(|error| Error::Internal(format!("nothing can be noted: {error:?}")))?;
    }
    let work = S::start(ctx)?;
    note(&work)?;
    Ok(Status::Waiting(work.waiting(after)))
}

/// # Errors
/// See [`Service::look`].
pub fn poll<S: Service>(ctx: &Context, state: &[u8]) -> Result<Status, Error> {
    let before = Work::unpack(state)?;
    let had_id = !before.id.is_empty();
    Ok(match S::look(ctx, before)? {
        Look::Waiting(work) => {
            if !had_id && !work.id.is_empty() {
                note(&work)?;
            }
            Status::Waiting(work.waiting(pause(ctx)?))
        }
        Look::Ended(work) => Status::Ended(work.pack()),
    })
}

/// # Errors
/// See [`Service::collect`].
pub fn collect<S: Service>(ctx: &Context, state: &[u8]) -> Result<Collected, Error> {
    S::collect(ctx, &Work::unpack(state)?).map(Collected::Done)
}

/// # Errors
/// See [`Service::stop`].
pub fn cancel<S: Service>(ctx: &Context, state: Option<&[u8]>) -> Result<Cancellation, Error> {
    let known = match state {
        Some(state) => Some(Work::unpack(state)?),
        None => noted(),
    };
    let known = match known {
        Some(work) => Some(work),
        // Without a note nothing was requested, unless the notes were lost with the store.
        None => S::find(ctx)?,
    };
    let Some(mut work) = known else { return Ok(Cancellation::Canceled) };
    let times = work.extra["cancels"].as_u64().unwrap_or_default();
    if times > 0 || work.id.is_empty() {
        work = match S::look(ctx, work) {
            Ok(Look::Ended(_)) | Err(Error::Lost(_)) => return Ok(Cancellation::Canceled),
            Ok(Look::Waiting(work)) => work,
            Err(error) => return Err(error),
        };
    }
    match S::stop(ctx, &work, times)? {
        Stop::Stopped => Ok(Cancellation::Canceled),
        Stop::Refused(why) => Ok(Cancellation::Refused(why)),
        Stop::Requested => {
            match &mut work.extra {
                Value::Object(fields) => drop(fields.insert("cancels".to_owned(), (times + 1).into())),
                extra => *extra = serde_json::json!({ "cancels": times + 1 }),
            }
            Ok(Cancellation::Pending(work.waiting(CANCEL_MS)))
        }
    }
}

//! The world `adapter`: a third-party job as a state machine. Between calls nothing of it runs: all it knows is its state.

mod v0_1;
pub(crate) mod world;

use std::time::Duration;

use assay_model::error::EvaluationError;

use self::v0_1::{Guest, RawCancellation, RawCollected, RawStatus, RawWaiting};
use super::task::quota;
use crate::{
    abort::raise,
    job::{Before, CallOutcome, CallTime, Job, JobError, JobOptions},
    limits,
    plugin::Plugin,
    text,
    verdict::{self, Verdict},
};

/// A remote job that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The argument of the next call.
    pub state: Vec<u8>,
    /// How long to wait before it: a second to fifteen minutes, whatever the plugin wants.
    pub after: Duration,
    /// The status in the words of the remote side.
    pub native: String,
    /// Where people can watch the job, an `http` or `https` URL.
    pub url: Option<String>,
}

/// How a remote job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Poll again.
    Waiting(Waiting),
    /// It has ended, in whatever way: collect with this state.
    Ended(Vec<u8>),
}

/// What of a remote job was collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Collected {
    /// There is more: collect again with this state.
    More(Vec<u8>),
    /// Everything.
    Done(Box<Verdict>),
}

/// Whether a remote job was canceled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// It will not go on.
    Canceled,
    /// Not yet: cancel again with this state.
    Pending(Waiting),
    /// The remote side refuses.
    Refused(String),
}

/// A plugin of the world `adapter` with the options of one job.
pub struct Adapter {
    job: Job,
    guest: Guest,
}

impl Adapter {
    /// Validates the options against the plugin.
    ///
    /// # Errors
    /// The plugin is of another world, or the parameters do not match it.
    pub fn new(plugin: &Plugin, options: JobOptions<'_>) -> Result<Self, JobError> {
        let job = Job::new(plugin, &[world::WORLD.name], options)?;
        let guest = Guest::new(plugin.component()).map_err(|_| JobError::World {
            plugin: plugin.manifest().name.clone(),
            world: plugin.world(),
            expected: world::WORLD.name,
        })?;
        Ok(Self { job, guest })
    }

    /// Starts the remote job, or finds the one that was started under the same key before.
    pub fn submit(&self, time: CallTime, before: &Before) -> CallOutcome<Status> {
        let work = |store: &mut _, context: &_| self.guest.submit(store, context);
        self.job.call(time, before, work, |raw, _| self.status(raw))
    }

    /// Reads how the remote job stands.
    pub fn poll(&self, time: CallTime, before: &Before, state: &[u8]) -> CallOutcome<Status> {
        let work = |store: &mut _, context: &_| self.guest.poll(store, context, state);
        self.job.call(time, before, work, |raw, _| self.status(raw))
    }

    /// Fetches a part of what the remote job left.
    pub fn collect(&self, time: CallTime, before: &Before, state: &[u8]) -> CallOutcome<Collected> {
        let work = |store: &mut _, context: &_| self.guest.collect(store, context, state);
        self.job.call(time, before, work, |raw, effects| match raw {
            RawCollected::More(state) => Ok(Collected::More(self.state(state)?)),
            RawCollected::Done(verdict) => {
                let mut cases = before.cases;
                effects.cases.iter().for_each(|case| cases.add(case.outcome));
                let verdict = verdict::accept(self.job.plugin().manifest(), *verdict, cases, time.now)?;
                Ok(Collected::Done(Box::new(verdict)))
            }
        })
    }

    /// Cancels the remote job; without a state, the one that may have been started under the key.
    pub fn cancel(
        &self,
        time: CallTime,
        before: &Before,
        state: Option<&[u8]>,
        reason: &str,
    ) -> CallOutcome<Cancellation> {
        let work = |store: &mut _, context: &_| self.guest.cancel(store, context, state, reason);
        self.job.call(time, before, work, |raw, _| {
            Ok(match raw {
                RawCancellation::Canceled => Cancellation::Canceled,
                RawCancellation::Pending(waiting) => Cancellation::Pending(self.waiting(waiting)?),
                RawCancellation::Refused(why) => Cancellation::Refused(text::one_line(&why, limits::TEXT_BYTES)),
            })
        })
    }

    fn status(&self, raw: RawStatus) -> Result<Status, EvaluationError> {
        Ok(match raw {
            RawStatus::Waiting(waiting) => Status::Waiting(self.waiting(waiting)?),
            RawStatus::Ended(state) => Status::Ended(self.state(state)?),
        })
    }

    fn waiting(&self, raw: RawWaiting) -> Result<Waiting, EvaluationError> {
        let is_link = |url: &String| url.starts_with("https://") || url.starts_with("http://");
        let after = raw.after_ms.clamp(*limits::POLL_AFTER_MS.start(), *limits::POLL_AFTER_MS.end());
        Ok(Waiting {
            state: self.state(raw.state)?,
            after: Duration::from_millis(after.into()),
            native: text::one_line(&raw.native, limits::TEXT_BYTES),
            url: raw.url.filter(is_link).map(|url| text::one_line(&url, limits::TEXT_BYTES)),
        })
    }

    fn state(&self, state: Vec<u8>) -> Result<Vec<u8>, EvaluationError> {
        let limits = self.job.limits();
        if state.len() <= limits.state_bytes() {
            return Ok(state);
        }
        let what = format!("returned a state of {} bytes, more than the {} KiB allowed", state.len(), limits.state_kib);
        Err(quota(&self.job.plugin().manifest().name, &what, raise("state-kib")))
    }
}

impl std::fmt::Debug for Adapter {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_tuple("Adapter").field(self.job.plugin()).finish()
    }
}

#[cfg(test)]
mod tests;

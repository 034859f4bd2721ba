//! The worlds `task-offline` and `task`: a custom task, one call and one verdict.

mod v0_1;
pub(crate) mod world;

use assay_model::error::{ErrorCode, EvaluationError};

use self::v0_1::Guest;
use crate::{
    job::{Before, CallOutcome, CallTime, Job, JobError, JobOptions},
    plugin::Plugin,
    verdict::{self, Verdict},
};

/// A plugin of the world `task-offline` or `task` with the options of one job.
pub struct Task {
    job: Job,
    guest: Guest,
}

impl Task {
    /// Validates the options against the plugin.
    ///
    /// # Errors
    /// The plugin is of another world, or the parameters do not match it.
    pub fn new(plugin: &Plugin, options: JobOptions<'_>) -> Result<Self, JobError> {
        let job = Job::new(plugin, &[world::TASK_OFFLINE.name, world::TASK.name], options)?;
        let guest = Guest::new(plugin.component()).map_err(|_| JobError::World {
            plugin: plugin.manifest().name.clone(),
            world: plugin.world(),
            expected: world::TASK.name,
        })?;
        Ok(Self { job, guest })
    }

    /// Runs the task once, in a fresh instance. It has written no artifacts before: a task is one call.
    pub fn run(&self, time: CallTime) -> CallOutcome<Verdict> {
        self.run_with(time, &Before::default())
    }

    /// The same with files that the task may read.
    pub fn run_with(&self, time: CallTime, before: &Before) -> CallOutcome<Verdict> {
        self.job.call(
            time,
            before,
            |store, context| self.guest.run(store, context),
            |raw, effects| {
                let mut cases = before.cases;
                effects.cases.iter().for_each(|case| cases.add(case.outcome));
                verdict::accept(self.job.plugin().manifest(), raw, cases, time.now)
            },
        )
    }
}

impl std::fmt::Debug for Task {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_tuple("Task").field(self.job.plugin()).finish()
    }
}

/// A quota of what a plugin returns.
pub(crate) fn quota(plugin: &str, what: &str, hint: String) -> EvaluationError {
    EvaluationError::new(ErrorCode::PluginQuota, format!("plugin `{plugin}` {what}")).hint(hint)
}

#[cfg(test)]
mod tests;

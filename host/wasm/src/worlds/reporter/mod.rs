//! The world `reporter`: a plugin reads the events of a run and writes artifacts.

mod v0_1;
pub(crate) mod world;

use assay_model::error::{ErrorCode, EvaluationError};

use self::v0_1::Guest;
use crate::{
    capability::Effects,
    job::{Before, CallOutcome, CallTime, Job, JobError, JobOptions},
    limits,
    plugin::Plugin,
    text,
};

/// A plugin of the world `reporter` with the options of one job.
pub struct Reporter {
    job: Job,
    guest: Guest,
}

impl Reporter {
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

    /// Renders the run, and gives the names of the artifacts that it wrote, which are among the effects.
    pub fn render(&self, time: CallTime) -> CallOutcome<Vec<String>> {
        self.job.call(
            time,
            &Before::default(),
            |store, context| self.guest.render(store, context),
            |names, effects| self.written(names, effects),
        )
    }

    fn written(&self, names: Vec<String>, effects: &Effects) -> Result<Vec<String>, EvaluationError> {
        let name = &self.job.plugin().manifest().name;
        if names.len() > limits::RENDERED {
            let message =
                format!("plugin `{name}` named {} artifacts, more than the {} allowed", names.len(), limits::RENDERED);
            return Err(EvaluationError::new(ErrorCode::PluginQuota, message));
        }
        match names.iter().find(|named| effects.artifacts.iter().all(|artifact| artifact.name != **named)) {
            Some(named) => {
                let named = text::one_line(named, limits::ARTIFACT_NAME_BYTES);
                let message = format!("plugin `{name}` named the artifact `{named}`, which it did not write");
                Err(EvaluationError::new(ErrorCode::PluginContradiction, message))
            }
            None => Ok(names),
        }
    }
}

impl std::fmt::Debug for Reporter {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_tuple("Reporter").field(self.job.plugin()).finish()
    }
}

#[cfg(test)]
mod tests;

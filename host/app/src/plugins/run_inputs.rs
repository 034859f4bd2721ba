//! [`RunInputs`]: what a plugin is called with.

use std::sync::Arc;

use assay_model::snapshot::Snapshot;
use assay_wasm::RunContext;
use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use super::run_grants::GrantRequest;
use crate::error::RequestError;

/// What a plugin is called with: all that another process needs to go on. No value of a secret is in it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunInputs {
    /// The text of the Snapshot under test.
    pub snapshot: Option<String>,
    /// The image under test, in place of a Snapshot.
    pub image: Option<String>,
    /// Parameters by name.
    pub params: Vec<(String, String)>,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The list of plugins, an absolute path.
    pub plugins: Option<Utf8PathBuf>,
    /// Whose entry of the list grants something: the argument's, or for a file that of the plugin's name. None of a reference to
    /// a repository that the list does not have.
    pub granted_as: Option<String>,
    /// Whether the plugin is under development.
    pub is_dev: bool,
    /// Where the values of secrets are, by their names.
    pub secrets: Vec<(String, String)>,
    /// The folder for what is recorded as a case.
    pub record: Option<Utf8PathBuf>,
}

impl RunInputs {
    /// The Snapshot under test and its text.
    pub(crate) fn snapshot(&self) -> Result<Option<(Snapshot, Arc<str>)>, RequestError> {
        match (&self.image, &self.snapshot) {
            (Some(image), _) => Ok(Some((Snapshot::of_image(image), Arc::from("")))),
            (None, Some(text)) => {
                let snapshot = Snapshot::parse(text).map_err(|error| RequestError::from_error(&error))?;
                Ok(Some((snapshot, Arc::from(text.as_str()))))
            }
            (None, None) => Ok(None),
        }
    }

    /// What decides about permissions.
    pub(crate) fn grants(&self) -> GrantRequest {
        GrantRequest {
            plugins: self.plugins.clone(),
            entry: self.granted_as.clone(),
            is_dev: self.is_dev,
            secrets: self.secrets.clone(),
        }
    }

    /// The run and scenario that the plugin sees.
    pub(crate) fn context(&self) -> RunContext {
        RunContext { run: "local".to_owned(), scenario: "local".to_owned(), attempt: self.attempt }
    }
}

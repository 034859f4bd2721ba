//! [`Application`] and [`ComponentResource`].

use serde_json::{Map, Value};

use super::metadata::{Metadata, NameForm};
use crate::{fields, issue::Issues};

/// An application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its name and labels.
    pub metadata: Metadata,
}

/// A component of an application, or of groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentResource {
    /// Its name and labels.
    pub metadata: Metadata,
    /// The application it belongs to; empty for a component of groups alone.
    pub application: String,
    /// The repository of its source.
    pub url: String,
    /// `status.lastPromotedImage`: its entry of the global candidate list; else `spec.containerImage`, which had this part
    /// before, if it has a digest; empty when it has none.
    pub candidate: String,
    /// `status.lastBuiltCommit`.
    pub candidate_commit: String,
    /// `source.git` as given, whose context and files siblings of a build need.
    pub git: Map<String, Value>,
}

impl Application {
    /// Reads an application. What is wrong with it is noted.
    #[must_use]
    pub fn read(document: &Map<String, Value>, issues: &mut Issues) -> Self {
        Self { metadata: Metadata::read(document, NameForm::Subdomain, issues) }
    }
}

impl ComponentResource {
    /// Reads a component. What is wrong with it is noted.
    #[must_use]
    pub fn read(document: &Map<String, Value>, issues: &mut Issues) -> Self {
        let metadata = Metadata::read(document, NameForm::Subdomain, issues);
        let empty = Map::new();
        let spec = fields::object(document, "", "spec", issues).unwrap_or(&empty);
        let application = fields::text(spec, "spec", "application", issues).unwrap_or_default().to_owned();
        let source = fields::object(spec, "spec", "source", issues).unwrap_or(&empty);
        let git = fields::object(source, "spec.source", "git", issues).cloned().unwrap_or_default();
        let url = git.get("url").or_else(|| source.get("url")).and_then(Value::as_str).unwrap_or_default().to_owned();
        let status = fields::object(document, "", "status", issues).unwrap_or(&empty);
        let promoted = fields::text(status, "status", "lastPromotedImage", issues);
        let image = fields::text(spec, "spec", "containerImage", issues);
        let image = image.filter(|image| assay_model::image::PinnedImage::parse(image).is_ok());
        Self {
            candidate: promoted.or(image).unwrap_or_default().to_owned(),
            candidate_commit: fields::text(status, "status", "lastBuiltCommit", issues).unwrap_or_default().to_owned(),
            metadata,
            application,
            url,
            git,
        }
    }
}

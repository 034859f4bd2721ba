//! [`import`]: texts of files to resources, and a report of every document.
//!
//! Documents are read as Kubernetes reads them. A document is accepted, ignored (nothing that a run needs) or rejected; one
//! that is rejected does not hide the others.

mod cross;
mod document;
mod report;

use std::collections::BTreeMap;

use serde_json::Value;

use assay_model::snapshot::Snapshot;

use crate::{
    issue::Issue,
    kind::Kind,
    plan::Timeouts,
    resource::{Application, ComponentGroup, ComponentResource, Metadata, Scenario},
    tekton::pipeline::{Pipeline, RawValue},
};

pub use document::Source;
pub use report::{DocumentReport, ImportReport, Status};

/// Bytes of one file: a Snapshot of 10,000 components has 3 MB.
pub const FILE_BYTES: u64 = 16 << 20;

/// Documents of one import.
pub const DOCUMENTS: usize = 50_000;

/// Values of one document; such a Snapshot has 150,000.
pub const NODES: usize = 500_000;

/// Bytes that the aliases of one document add.
pub const ALIAS_BYTES: usize = 8 << 20;

/// Everything that was accepted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resources {
    /// Applications.
    pub applications: Vec<Application>,
    /// Components.
    pub components: Vec<ComponentResource>,
    /// Component groups.
    pub groups: Vec<ComponentGroup>,
    /// Snapshots.
    pub snapshots: Vec<Snapshot>,
    /// Scenarios.
    pub scenarios: Vec<Scenario>,
    /// Pipelines, pipeline runs and tasks.
    pub pipelines: Vec<PipelineResource>,
    /// Policy configurations, release plans and nudge configurations, as given.
    pub kept: Vec<Value>,
}

/// A pipeline, a pipeline run or a task, without its document: of a pipeline with thousands of tasks, that would have ten
/// times the size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineResource {
    /// Which of them.
    pub kind: Kind,
    /// Its name and labels.
    pub metadata: Metadata,
    /// The pipeline, that of a run the embedded one; empty for a task, which is no pipeline.
    pub pipeline: Pipeline,
    /// The values and limits that a pipeline run gives its pipeline.
    pub run: Option<Box<RunValues>>,
}

/// What a pipeline run gives its pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunValues {
    /// Values of parameters, apart from the Snapshot: that is the one under test, whatever an example in the file says.
    pub params: Vec<(String, RawValue)>,
    /// Its time limits.
    pub timeouts: Option<Timeouts>,
    /// What is wrong with the values, which matters only where the run is planned.
    pub errors: Vec<Issue>,
}

/// What an import gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imported {
    /// Every document, in the order of the files.
    pub report: ImportReport,
    /// What was accepted.
    pub resources: Resources,
}

/// Imports files, given with the names under which they are reported.
#[must_use]
pub fn import<'t>(sources: impl IntoIterator<Item = Source<'t>>) -> Imported {
    let mut importer = Importer::default();
    for source in sources {
        importer.add(&source);
    }
    importer.finish()
}

/// Imports files one after the other, so that no more than one text is held at a time.
#[derive(Debug, Default)]
pub struct Importer {
    imported: Imported,
    /// Documents by kind, namespace and name.
    seen: BTreeMap<(Kind, String, String), String>,
}

impl Importer {
    /// Imports one file.
    pub fn add(&mut self, source: &Source<'_>) {
        document::read(source, self);
    }

    /// Reports a file that could not be read.
    pub fn add_unreadable(&mut self, file: &str, why: &str) {
        let mut report = DocumentReport::new(file, 1);
        report.issues.error("", "file", why, "");
        report.status = Status::Rejected;
        self.imported.report.documents.push(report);
    }

    /// Everything that was imported, after the checks across documents.
    #[must_use]
    pub fn finish(mut self) -> Imported {
        cross::check(&mut self.imported);
        self.imported
    }
}

#[cfg(test)]
mod tests;

//! [`ImportReport`]: what became of every document.

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use crate::issue::Issues;

/// What became of every document.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ImportReport {
    /// In the order of the files.
    pub documents: Vec<DocumentReport>,
}

impl ImportReport {
    /// Whether a document was rejected.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.documents.iter().any(|document| document.status == Status::Rejected)
    }
}

/// What became of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentReport {
    /// The file's name.
    pub file: String,
    /// The line on which the document begins, from 1.
    pub line: usize,
    /// Its `apiVersion`; empty when it has none.
    pub api_version: String,
    /// Its `kind`; empty when it has none.
    pub kind: String,
    /// Its namespace; empty when it has none.
    pub namespace: String,
    /// Its name; empty when it has none.
    pub name: String,
    /// What became of it.
    pub status: Status,
    /// Whether it has container steps, which only Tekton runs.
    pub runs_on_tekton: bool,
    /// What is wrong with it or worth knowing.
    pub issues: Issues,
}

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is part of what was imported.
    Accepted,
    /// Nothing that a run needs.
    Ignored,
    /// It has errors.
    Rejected,
}

impl DocumentReport {
    /// The report of a document that nothing is known about yet.
    #[must_use]
    pub fn new(file: &str, line: usize) -> Self {
        Self {
            file: file.to_owned(),
            line,
            api_version: String::new(),
            kind: String::new(),
            namespace: String::new(),
            name: String::new(),
            status: Status::Ignored,
            runs_on_tekton: false,
            issues: Issues::default(),
        }
    }
}

impl Serialize for DocumentReport {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let fields = if self.runs_on_tekton { 10 } else { 9 };
        let mut object = to.serialize_struct("DocumentReport", fields)?;
        object.serialize_field("file", &self.file)?;
        object.serialize_field("line", &self.line)?;
        object.serialize_field("api_version", &self.api_version)?;
        object.serialize_field("kind", &self.kind)?;
        object.serialize_field("namespace", &self.namespace)?;
        object.serialize_field("name", &self.name)?;
        object.serialize_field("status", &self.status)?;
        if self.runs_on_tekton {
            object.serialize_field("runs_on", "tekton")?;
        }
        object.serialize_field("warnings", &self.issues.warnings)?;
        object.serialize_field("errors", &self.issues.errors)?;
        object.end()
    }
}

//! [`Metadata`]: a document's name, namespace, labels and annotations.

use serde_json::{Map, Value};

use crate::{
    fields,
    issue::{Issues, short},
    labels, names,
};

/// What every resource has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Its name; empty when Kubernetes would make one.
    pub name: String,
    /// Its namespace; empty when none is stated.
    pub namespace: String,
    /// Its labels.
    pub labels: Map<String, Value>,
    /// Its annotations.
    pub annotations: Map<String, Value>,
}

/// Which form a name has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameForm {
    /// A DNS label that begins with a character of the alphabet.
    Label,
    /// DNS labels with dots between them.
    Subdomain,
}

impl Metadata {
    /// Reads the metadata of a document. What is wrong with it is noted.
    #[must_use]
    pub fn read(document: &Map<String, Value>, form: NameForm, issues: &mut Issues) -> Self {
        let metadata = fields::object(document, "", "metadata", issues).cloned().unwrap_or_default();
        let generated = fields::text(&metadata, "metadata", "generateName", issues).is_some();
        let name = fields::text(&metadata, "metadata", "name", issues).unwrap_or_default().to_owned();
        let namespace = fields::text(&metadata, "metadata", "namespace", issues).unwrap_or_default().to_owned();
        // A name with an expression in it is reported as that.
        let is_template = name.contains("{{");
        if name.is_empty() && !generated {
            issues.error("metadata.name", "required", "the document has no name", "");
        } else if !name.is_empty() && !is_template {
            let (fits, rule) = match form {
                NameForm::Label => (
                    names::is_dns_1035(&name),
                    "at most 63 lowercase characters, digits and `-`, of which the first is of the alphabet",
                ),
                NameForm::Subdomain => {
                    (names::is_subdomain(&name), "at most 253 lowercase characters, digits, `-` and `.`")
                }
            };
            if !fits {
                let message = format!("`{}` is not a name that Kubernetes takes: {rule}", short(&name));
                issues.error("metadata.name", "name", message, names::as_label(&name));
            }
        }
        if !namespace.is_empty() && !namespace.contains("{{") && !names::is_dns_1123(&namespace) {
            let message = format!("`{}` is not a namespace that Kubernetes takes", short(&namespace));
            issues.error("metadata.namespace", "name", message, names::as_label(&namespace));
        }
        let mut strings = |field: &str| {
            let path = format!("metadata.{field}");
            let found = fields::object(&metadata, "metadata", field, issues).cloned().unwrap_or_default();
            for (name, value) in &found {
                if !value.is_string() && !value.is_null() {
                    let message = format!("it is {}, not a string", fields::kind(value));
                    let (place, suggestion) = (format!("{path}.{}", short(name)), format!("quote it: \"{value}\""));
                    match form {
                        NameForm::Label => issues.error(place, "type", message, suggestion),
                        NameForm::Subdomain => issues.warn(place, "type", message, suggestion),
                    }
                }
            }
            labels::warn_of_conflicts(&found, &path, issues);
            found
        };
        let (labels, annotations) = (strings("labels"), strings("annotations"));
        Self { name, namespace, labels, annotations }
    }

    /// A label by its older name.
    #[must_use]
    pub fn label(&self, older: &str) -> Option<&str> {
        labels::find(Some(&self.labels), older).map(|(_, text)| text)
    }

    /// An annotation by its older name.
    #[must_use]
    pub fn annotation(&self, older: &str) -> Option<&str> {
        labels::find(Some(&self.annotations), older).map(|(_, text)| text)
    }
}

//! [`ObjectRequest`]: what the responses of an API server mean, by status.

use assay_model::cluster::{ClusterError, ClusterErrorKind, ObjectKind};
use http::StatusCode;
use serde_json::Value;

use crate::error::{error, shown};

/// The object that is requested, by whom and of which server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ObjectRequest<'a> {
    pub(crate) kind: ObjectKind,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) user: &'a str,
    pub(crate) server: &'a str,
}

impl ObjectRequest<'_> {
    /// The path of the object.
    pub(crate) fn path(&self) -> String {
        let (group, resource) = self.resource();
        format!("{group}/namespaces/{}/{resource}/{}", self.namespace, self.name)
    }

    const fn resource(&self) -> (&'static str, &'static str) {
        match self.kind {
            ObjectKind::Policy => ("/apis/appstudio.redhat.com/v1alpha1", "enterprisecontractpolicies"),
            ObjectKind::Snapshot => ("/apis/appstudio.redhat.com/v1alpha1", "snapshots"),
            ObjectKind::Secret => ("/api/v1", "secrets"),
        }
    }

    fn object(&self) -> String {
        format!("{} `{}`", self.kind.as_str(), self.name)
    }

    /// A response with another status than success. `body` is what there was of it.
    pub(crate) fn refusal(&self, status: StatusCode, body: &[u8]) -> ClusterError {
        let said = message(body);
        let refused = match status {
            StatusCode::NOT_FOUND => error(
                ClusterErrorKind::NotFound,
                format!(
                    "there is no {} in the namespace `{}` of the cluster `{}` (user `{}`)",
                    self.object(),
                    self.namespace,
                    self.server,
                    self.user
                ),
                "check the name and the namespace: `NAMESPACE/NAME`",
            ),
            StatusCode::FORBIDDEN => {
                let user = said.as_deref().and_then(user_of).unwrap_or(self.user);
                error(
                    ClusterErrorKind::Forbidden,
                    format!(
                        "the user `{user}` has no right to read the {} in the namespace `{}` of the cluster `{}`",
                        self.object(),
                        self.namespace,
                        self.server
                    ),
                    format!(
                        "a Role and a RoleBinding there can give the verb `get` on `{}` to that user",
                        self.resource().1
                    ),
                )
            }
            StatusCode::UNAUTHORIZED => error(
                ClusterErrorKind::Unavailable,
                format!("the cluster `{}` does not accept the credentials of the user `{}`", self.server, self.user),
                "log in again; `kubectl auth whoami` shows who you are",
            ),
            _ => {
                let reason = said.as_deref().map(|said| format!(": {said}")).unwrap_or_default();
                self.unavailable(&format!("returned the status {status}{reason}"))
            }
        };
        match said {
            Some(client_text) => ClusterError { client_text, ..refused },
            None => refused,
        }
    }

    /// No response, or none that can be used.
    pub(crate) fn unavailable(&self, what: &str) -> ClusterError {
        error(
            ClusterErrorKind::Unavailable,
            format!(
                "the {} in the namespace `{}` could not be read (user `{}`): the cluster `{}` {what}",
                self.object(),
                self.namespace,
                self.user,
                self.server
            ),
            "try again; if it persists, check the network and the API server",
        )
    }

    /// The text of an object, if it is the one that was requested.
    pub(crate) fn accept(&self, body: Vec<u8>) -> Result<String, ClusterError> {
        let text = String::from_utf8(body).map_err(|_| self.unavailable("returned text that is not UTF-8"))?;
        let object: Value = serde_json::from_str(&text).map_err(|_| self.unavailable("returned no JSON"))?;
        let metadata = |field: &str| object.get("metadata").and_then(|metadata| metadata.get(field));
        let is_it = object.get("kind").is_some_and(|kind| kind == self.kind.as_str())
            && metadata("name").is_some_and(|name| name == self.name)
            && metadata("namespace").is_some_and(|namespace| namespace == self.namespace);
        if is_it { Ok(text) } else { Err(self.unavailable("returned another object")) }
    }
}

/// The `message` of a `Status`, which is what Kubernetes' own clients print.
fn message(body: &[u8]) -> Option<String> {
    let status: Value = serde_json::from_slice(body).ok()?;
    let message = status.get("message")?.as_str()?;
    (status.get("kind")? == "Status" && !message.is_empty()).then(|| shown(message))
}

/// Who was refused, as the server knows them: `… is forbidden: User "NAME" cannot get resource …`.
fn user_of(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("User \"")?;
    rest.split_once('"').map(|(user, _)| user)
}

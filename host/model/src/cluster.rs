//! [`ObjectName`], [`SecretKey`] and [`ClusterError`]: what is read of a Kubernetes cluster, and why it could not be.

use std::fmt;

/// The longest name of an object (RFC 1123 subdomain) and of a namespace (RFC 1123 label), as Kubernetes has them.
const NAME_BYTES: usize = 253;
const NAMESPACE_BYTES: usize = 63;
/// The data key of a Secret that `cosign generate-key-pair k8s://…` writes the public key to.
const PUBLIC_KEY: &str = "cosign.pub";
/// The data keys of the private key and its password in such a Secret.
const PRIVATE_KEY: &str = "cosign.key";
const PASSWORD: &str = "cosign.password";
/// The scheme of keys in a cluster.
const KEY_SCHEME: &str = "k8s://";

/// A kind of resource whose documents are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectKind {
    /// `appstudio.redhat.com/v1alpha1 EnterpriseContractPolicy`.
    Policy,
    /// `appstudio.redhat.com/v1alpha1 Snapshot`.
    Snapshot,
    /// `v1 Secret`.
    Secret,
}

impl ObjectKind {
    /// The word in `kind`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "EnterpriseContractPolicy",
            Self::Snapshot => "Snapshot",
            Self::Secret => "Secret",
        }
    }
}

/// `[NAMESPACE/]NAME`. Both parts are names that Kubernetes accepts, so neither can become another path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectName {
    namespace: Option<String>,
    name: String,
}

/// The text is not `[NAMESPACE/]NAME`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of an object in a cluster: [NAMESPACE/]NAME, of `a` to `z`, digits, `-` and `.`")]
pub struct ObjectNameError(String);

impl ObjectName {
    /// Reads `[NAMESPACE/]NAME`.
    ///
    /// # Errors
    /// A part is not a name, or there are more than two.
    pub fn parse(text: &str) -> Result<Self, ObjectNameError> {
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, text),
        };
        if is_object_name(name) && namespace.is_none_or(is_namespace) {
            return Ok(Self { namespace: namespace.map(str::to_owned), name: name.to_owned() });
        }
        Err(ObjectNameError(text.chars().take(NAME_BYTES).collect()))
    }

    /// The namespace, if one is given.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(to, "{namespace}/{}", self.name),
            None => to.write_str(&self.name),
        }
    }
}

/// Whether Kubernetes accepts the text as the name of a namespace.
#[must_use]
pub fn is_namespace(text: &str) -> bool {
    is_part(text, NAMESPACE_BYTES)
}

fn is_object_name(text: &str) -> bool {
    text.len() <= NAME_BYTES && text.split('.').all(|part| is_part(part, NAME_BYTES))
}

fn is_part(text: &str, longest: usize) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_end = |byte: Option<u8>| byte.is_some_and(|byte| byte != b'-');
    text.len() <= longest && text.bytes().all(is_inner) && is_end(text.bytes().next()) && is_end(text.bytes().last())
}

/// A key in a Secret: `k8s://NAMESPACE/SECRET[/FIELD]`, as cosign names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretKey {
    /// The Secret. It always has a namespace.
    pub secret: ObjectName,
    /// The key of its `data`.
    pub field: String,
}

/// The text names no key in a Secret; the words are those of cosign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("kubernetes specification should be in the format k8s://<namespace>/<secret>")]
pub struct SecretKeyError;

impl SecretKey {
    /// Whether the text is meant to name a key in a cluster.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(KEY_SCHEME)
    }

    /// The public key that `k8s://NAMESPACE/SECRET` names, which is under `cosign.pub`.
    ///
    /// # Errors
    /// The text has another form.
    pub fn public(text: &str) -> Result<Self, SecretKeyError> {
        let name = text.strip_prefix(KEY_SCHEME).ok_or(SecretKeyError)?;
        let secret = ObjectName::parse(name).map_err(|_| SecretKeyError)?;
        secret.namespace.as_ref().ok_or(SecretKeyError)?;
        Ok(Self { secret, field: PUBLIC_KEY.to_owned() })
    }

    /// The private key that `k8s://NAMESPACE/SECRET` or `k8s://NAMESPACE/SECRET/FIELD` names; without a field it is under
    /// `cosign.key`.
    ///
    /// # Errors
    /// The text has another form.
    pub fn private(text: &str) -> Result<Self, SecretKeyError> {
        let key = Self::public(text).map(|key| Self { field: PRIVATE_KEY.to_owned(), ..key });
        key.or_else(|_| Self::field(text))
    }

    /// The password of a private key, which cosign keeps beside it.
    #[must_use]
    pub fn password(&self) -> Self {
        Self { secret: self.secret.clone(), field: PASSWORD.to_owned() }
    }

    /// Whether it is a public key, which anyone may see.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.field == PUBLIC_KEY
    }

    /// The key that `k8s://NAMESPACE/SECRET/FIELD` names.
    ///
    /// # Errors
    /// The text has another form.
    pub fn field(text: &str) -> Result<Self, SecretKeyError> {
        let name = text.strip_prefix(KEY_SCHEME).ok_or(SecretKeyError)?;
        let (name, field) = name.rsplit_once('/').ok_or(SecretKeyError)?;
        let secret = ObjectName::parse(name).map_err(|_| SecretKeyError)?;
        secret.namespace.as_ref().ok_or(SecretKeyError)?;
        // What Kubernetes accepts as a key of a Secret.
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if field.is_empty() || field.len() > NAME_BYTES || !field.bytes().all(is_known) {
            return Err(SecretKeyError);
        }
        Ok(Self { secret, field: field.to_owned() })
    }
}

/// What reading from a cluster fails at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterErrorKind {
    /// The kubeconfig or the account cannot be used.
    Configuration,
    /// There is no such object.
    NotFound,
    /// The Secret does not have the field.
    NoField,
    /// The user has no right to read the object.
    Forbidden,
    /// The API server cannot be reached, does not know the user, or fails.
    Unavailable,
}

/// An object of a cluster could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterError {
    /// What it fails at.
    pub kind: ClusterErrorKind,
    /// The fact and the place.
    pub message: String,
    /// What a person can do.
    pub hint: String,
    /// The fact in the words of Kubernetes' own client, which are those of `ec`.
    pub client_text: String,
}

impl fmt::Display for ClusterError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.message)
    }
}

impl std::error::Error for ClusterError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_have_a_namespace_and_no_other_path() {
        for (text, namespace, name) in [
            ("default", None, "default"),
            ("tenant/shop", Some("tenant"), "shop"),
            ("tenant-1/shop.v2-x", Some("tenant-1"), "shop.v2-x"),
        ] {
            let parsed = ObjectName::parse(text).unwrap();
            assert_eq!((parsed.namespace(), parsed.name()), (namespace, name));
            assert_eq!(parsed.to_string(), text);
        }
        let long = ["a".repeat(254), format!("{}/a", "n".repeat(64))];
        for text in ["", "/", "a/", "/a", "a/b/c", "..", "a/..", "a/b?x", "a/%2e", "A", "{}", "a b", "-a", "a.", "a\n"]
            .into_iter()
            .chain(long.iter().map(String::as_str))
        {
            assert!(ObjectName::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_in_a_cluster_has_a_namespace_and_a_secret() {
        let key = SecretKey::public("k8s://openshift-pipelines/public-key").unwrap();
        assert_eq!(
            (key.secret.to_string().as_str(), key.field.as_str()),
            ("openshift-pipelines/public-key", "cosign.pub")
        );
        for text in ["k8s://", "k8s://a", "k8s:///a", "k8s://a/b/c", "k8s://a/", "k8s://a/../b", "a/b"] {
            let error = SecretKey::public(text).unwrap_err().to_string();
            assert_eq!(error, "kubernetes specification should be in the format k8s://<namespace>/<secret>", "{text}");
        }
        let key = SecretKey::field("k8s://tenant/vsa/cosign.key").unwrap();
        assert_eq!((key.secret.to_string().as_str(), key.field.as_str()), ("tenant/vsa", "cosign.key"));
        let private = |text: &str| SecretKey::private(text).map(|key| (key.secret.to_string(), key.field.clone()));
        assert_eq!(private("k8s://tenant/vsa"), Ok(("tenant/vsa".to_owned(), "cosign.key".to_owned())));
        assert_eq!(private("k8s://tenant/vsa/k"), Ok(("tenant/vsa".to_owned(), "k".to_owned())));
        assert!(private("k8s://vsa").is_err() && private("k8s://a/b/c/d").is_err());
        assert_eq!(key.password().field, "cosign.password");
        for text in ["k8s://a/b", "k8s://a/b/", "k8s://a/b/c/d", "k8s://a/b/c d", "b/c/d"] {
            assert!(SecretKey::field(text).is_err(), "{text}");
        }
    }
}

//! [`Host`]: what a plugin calls in unit tests: evidence, a Snapshot and responses that the test gives.
//!
//! ```ignore
//! let host = Host::new().layer(1_000).layer(2_000);
//! let findings = host.run(|| evaluate(&context(json!({"max-layers": 1})), IMAGE)).unwrap();
//! ```

use std::cell::RefCell;
#[cfg(feature = "adapter")]
use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::{
    Context, Parameters,
    bindings::assay::plugin::types::{self, Param, Value},
};

thread_local! {
    static CURRENT: RefCell<Host> = RefCell::new(Host::new());
}

/// What a plugin calls.
#[derive(Clone, Debug, Default)]
pub struct Host {
    #[cfg(not(any(feature = "adapter", feature = "reporter")))]
    attestations: Vec<(String, Vec<u8>)>,
    #[cfg(not(any(feature = "adapter", feature = "reporter")))]
    layers: Vec<u64>,
    #[cfg(not(any(feature = "adapter", feature = "reporter")))]
    config: Vec<u8>,
    #[cfg(not(feature = "reporter"))]
    components: Vec<crate::snapshot::Component>,
    #[cfg(not(feature = "check"))]
    artifacts: Vec<(String, Vec<u8>)>,
    #[cfg(any(feature = "task", feature = "adapter", feature = "reporter"))]
    responses: Vec<(String, String, u16, Vec<u8>)>,
    #[cfg(any(feature = "task", feature = "adapter", feature = "reporter"))]
    requests: Vec<String>,
    #[cfg(feature = "adapter")]
    notes: BTreeMap<String, Vec<u8>>,
    log: Vec<String>,
}

impl Host {
    /// A host that has nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an attestation of the image with this predicate.
    #[cfg(not(any(feature = "adapter", feature = "reporter")))]
    #[must_use]
    pub fn attestation(mut self, predicate_type: &str, predicate: &Json) -> Self {
        let statement = serde_json::json!({"predicateType": predicate_type, "predicate": predicate});
        self.attestations.push((predicate_type.to_owned(), statement.to_string().into_bytes()));
        self
    }

    /// Adds a layer of so many bytes.
    #[cfg(not(any(feature = "adapter", feature = "reporter")))]
    #[must_use]
    pub fn layer(mut self, size: u64) -> Self {
        self.layers.push(size);
        self
    }

    /// Sets the configuration of the image.
    #[cfg(not(any(feature = "adapter", feature = "reporter")))]
    #[must_use]
    pub fn config(mut self, config: &Json) -> Self {
        self.config = config.to_string().into_bytes();
        self
    }

    /// Adds a component to the Snapshot.
    #[cfg(not(feature = "reporter"))]
    #[must_use]
    pub fn component(mut self, name: &str, image: &str) -> Self {
        self.components.push(crate::snapshot::Component {
            name: name.to_owned(),
            version: None,
            image: image.to_owned(),
            source: None,
            changed: false,
        });
        self
    }

    /// Answers a request; several responses to the same request come in their order, the last one again and again.
    #[cfg(any(feature = "task", feature = "adapter", feature = "reporter"))]
    #[must_use]
    pub fn response(mut self, method: &str, url: &str, status: u16, body: &str) -> Self {
        self.responses.push((method.to_owned(), url.to_owned(), status, body.as_bytes().to_vec()));
        self
    }

    /// Runs a function of a plugin with this host.
    pub fn run<R>(self, function: impl FnOnce() -> R) -> R {
        self.run_and_return(function).0
    }

    /// The same; the host has then what the function wrote, requested, noted and logged.
    pub fn run_and_return<R>(self, function: impl FnOnce() -> R) -> (R, Self) {
        let before = CURRENT.replace(self);
        let result = function();
        (result, CURRENT.replace(before))
    }

    /// The lines of the log.
    #[must_use]
    pub fn logged(&self) -> &[String] {
        &self.log
    }

    /// The requests that were sent.
    #[cfg(any(feature = "task", feature = "adapter", feature = "reporter"))]
    #[must_use]
    pub fn requested(&self) -> &[String] {
        &self.requests
    }
}

/// A context with these parameters, an object; the others have their defaults.
///
/// # Panics
/// A parameter is missing or of another type.
#[must_use]
pub fn context<P: Parameters>(params: &Json) -> Context<P> {
    let schema = P::schema();
    let described = schema["properties"].as_object().cloned().unwrap_or_default();
    let value = |value: &Json| match value {
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => {
            Value::Items(items.iter().map(|item| item.as_str().unwrap_or_default().to_owned()).collect())
        }
        other => Value::Json(other.to_string()),
    };
    let params = described.iter().filter_map(|(name, property)| {
        let given = params.get(name).or_else(|| property.get("default"))?;
        Some(Param { name: name.clone(), value: value(given) })
    });
    let context = types::Context {
        run: "test".to_owned(),
        scenario: "test".to_owned(),
        attempt: 1,
        key: "0".repeat(64),
        now: 0,
        seed: 0,
        deadline: 0,
        params: params.collect(),
        attributes: Vec::new(),
    };
    match Context::read(context) {
        Ok(context) => context,
        Err(error) => panic!("the parameters do not fit: {error:?}"),
    }
}

#[cfg(not(feature = "check"))]
fn part(bytes: &[u8], offset: u64, length: u32) -> Vec<u8> {
    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
    bytes[start..bytes.len().min(start.saturating_add(length as usize))].to_vec()
}

/// The functions of the contract, answered by the current [`Host`].
pub(crate) mod host {
    use super::CURRENT;

    pub(crate) mod logging {
        pub(crate) use crate::bindings::assay::plugin::logging::Level;

        pub(crate) fn log(level: Level, message: &str) {
            super::CURRENT.with_borrow_mut(|host| host.log.push(format!("{level:?}: {message}")));
        }
    }

    #[cfg(not(feature = "reporter"))]
    pub(crate) mod snapshot {
        use crate::bindings::assay::plugin::snapshot::{Component, Head};

        pub(crate) fn components(offset: u32, limit: u32) -> Vec<Component> {
            super::CURRENT.with_borrow(|host| {
                host.components.iter().skip(offset as usize).take(limit as usize).cloned().collect()
            })
        }

        pub(crate) fn describe() -> Head {
            let components = super::CURRENT.with_borrow(|host| host.components.len());
            Head {
                name: "test".to_owned(),
                owner: "test".to_owned(),
                kind: "component".to_owned(),
                components: u32::try_from(components).unwrap_or(u32::MAX),
                labels: Vec::new(),
                annotations: Vec::new(),
            }
        }
    }

    #[cfg(not(any(feature = "adapter", feature = "reporter")))]
    pub(crate) mod evidence {
        use crate::bindings::assay::plugin::evidence::{Attestation, Error, Layer, Signer};

        /// A digest that says which one it is.
        fn digest(number: usize) -> String {
            format!("sha256:{number:064x}")
        }

        pub(crate) fn attestations(_: &str) -> Result<Vec<Attestation>, Error> {
            Ok(super::CURRENT.with_borrow(|host| {
                let all = host.attestations.iter().enumerate();
                all.map(|(number, (predicate_type, statement))| Attestation {
                    predicate_type: predicate_type.clone(),
                    statement: digest(number),
                    size: statement.len() as u64,
                    signers: Vec::new(),
                })
                .collect()
            }))
        }

        pub(crate) fn read(_: &str, blob: &str, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
            super::CURRENT.with_borrow(|host| {
                let found = host.attestations.iter().enumerate().find(|(number, _)| digest(*number) == blob);
                let (_, (_, bytes)) = found.ok_or(Error::NotFound)?;
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes[start..bytes.len().min(start.saturating_add(length as usize))].to_vec())
            })
        }

        pub(crate) fn layers(_: &str) -> Result<Vec<Layer>, Error> {
            Ok(super::CURRENT.with_borrow(|host| {
                let layer = |(number, size): (usize, &u64)| Layer {
                    digest: digest(number),
                    media_type: "application/vnd.oci.image.layer.v1.tar+gzip".to_owned(),
                    size: *size,
                    annotations: Vec::new(),
                };
                host.layers.iter().enumerate().map(layer).collect()
            }))
        }

        pub(crate) fn config(_: &str) -> Result<Vec<u8>, Error> {
            Ok(super::CURRENT.with_borrow(|host| host.config.clone()))
        }

        pub(crate) fn signatures(_: &str) -> Result<Vec<Signer>, Error> {
            Ok(Vec::new())
        }
    }

    #[cfg(not(feature = "check"))]
    pub(crate) mod artifacts {
        use crate::bindings::assay::plugin::artifacts::Error;

        pub(crate) fn append(name: &str, _: &str, chunk: &[u8]) -> Result<u64, Error> {
            super::CURRENT.with_borrow_mut(|host| {
                if !host.artifacts.iter().any(|(known, _)| known == name) {
                    host.artifacts.push((name.to_owned(), Vec::new()));
                }
                let found = host.artifacts.iter_mut().find(|(known, _)| known == name);
                let (_, bytes) = found.ok_or(Error::NotFound)?;
                bytes.extend_from_slice(chunk);
                Ok(bytes.len() as u64)
            })
        }

        /// This host computes no digests.
        pub(crate) fn digest_of(_: &str) -> Result<String, Error> {
            Err(Error::NotFound)
        }

        pub(crate) fn read(name: &str, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
            super::CURRENT.with_borrow(|host| {
                let found = host.artifacts.iter().find(|(known, _)| known == name).ok_or(Error::NotFound)?;
                Ok(crate::mock::part(&found.1, offset, length))
            })
        }
    }

    #[cfg(any(feature = "task", feature = "task-offline", feature = "adapter"))]
    pub(crate) mod tests {
        use crate::bindings::assay::plugin::tests::{Counts, Error};

        /// This host reads no formats.
        pub(crate) fn ingest(_: &str, _: &str) -> Result<Counts, Error> {
            Err(Error::UnknownFormat)
        }
    }

    #[cfg(any(feature = "task", feature = "adapter", feature = "reporter"))]
    pub(crate) mod http {
        use crate::bindings::assay::plugin::http::{Error, Request, Response, Saved};

        pub(crate) fn send(request: &Request) -> Result<Response, Error> {
            super::CURRENT.with_borrow_mut(|host| {
                host.requests.push(format!("{} {}", request.method, request.url));
                let is_same = |(method, url, ..): &(String, String, u16, Vec<u8>)| {
                    *method == request.method && *url == request.url
                };
                let Some(at) = host.responses.iter().position(is_same) else {
                    return Err(Error::Denied("the test has no response to it".to_owned()));
                };
                let is_last = host.responses.iter().filter(|one| is_same(one)).count() == 1;
                let (_, _, status, body) = if is_last { host.responses[at].clone() } else { host.responses.remove(at) };
                Ok(Response { status, headers: Vec::new(), body })
            })
        }

        pub(crate) fn download(request: &Request, artifact: &str, media_type: &str) -> Result<Saved, Error> {
            let Response { status, headers, body } = send(request)?;
            let bytes = super::artifacts::append(artifact, media_type, &body);
            Ok(Saved { status, headers, bytes: bytes.unwrap_or_default() })
        }
    }

    #[cfg(feature = "adapter")]
    pub(crate) mod checkpoint {
        use crate::bindings::assay::plugin::checkpoint::Error;

        pub(crate) fn get(key: &str) -> Option<Vec<u8>> {
            super::CURRENT.with_borrow(|host| host.notes.get(key).cloned())
        }

        pub(crate) fn set(key: &str, value: &[u8]) -> Result<(), Error> {
            super::CURRENT.with_borrow_mut(|host| host.notes.insert(key.to_owned(), value.to_vec()));
            Ok(())
        }
    }
}

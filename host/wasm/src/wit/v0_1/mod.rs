//! Version 0.1 of the contract: the interfaces that worlds share, and the host's side of their imports.
//!
//! Nothing is decided here. Each import converts its arguments, calls the capability of that name and converts the
//! result; exports are called with the values of this host, converted to those of the version.

use assay_model::digest::Digest;
use wasmtime::{Result, Store, component::InstancePre};

use crate::{
    call_context::CallContext,
    capability::{
        self,
        evidence::{AccessError, EvidenceError, Layer, Signer, Statement},
        logging::Level,
    },
    store_state::StoreState,
    values::{
        FaultKind, Outcome, Param, ParamValue, PluginFinding, RawError, RawManifest, RawPermission, RawVerdict, Rule,
        Severity,
    },
};

pub(crate) mod bindings;
mod io;

use bindings::{
    SharedPre,
    assay::plugin::{evidence, logging, snapshot, types},
    exports::assay::plugin::metadata,
};

/// The version, apart from the patch version.
pub(crate) const VERSION: (u64, u64) = (0, 1);

/// Calls `metadata.describe`, which components of every world export.
pub(crate) struct Describer(SharedPre<StoreState>);

impl Describer {
    /// Checks the types of the interface.
    pub(crate) fn new(component: &InstancePre<StoreState>) -> Result<Self> {
        Ok(Self(SharedPre::new(component.clone())?))
    }

    pub(crate) fn describe(&self, store: &mut Store<StoreState>) -> Result<RawManifest> {
        let guest = self.0.instantiate(&mut *store)?;
        Ok(guest.assay_plugin_metadata().call_describe(store)?.into())
    }
}

/// The context of a call as guests of this version receive it.
pub(crate) fn context(context: &CallContext) -> types::Context {
    let param = |param: &Param| types::Param {
        name: param.name.clone(),
        value: match &param.value {
            ParamValue::Text(text) => types::Value::Text(text.clone()),
            ParamValue::Items(items) => types::Value::Items(items.clone()),
            ParamValue::Json(json) => types::Value::Json(json.clone()),
        },
    };
    types::Context {
        run: context.run.run.clone(),
        scenario: context.run.scenario.clone(),
        attempt: context.run.attempt,
        key: Digest::from_sha256(context.key).hex(),
        now: context.now,
        seed: context.seed(),
        deadline: context.deadline,
        params: context.params.iter().map(param).collect(),
        attributes: [("host-version".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]
            .into_iter()
            .chain(context.attributes.iter().cloned())
            .collect(),
    }
}

impl From<metadata::Manifest> for RawManifest {
    fn from(old: metadata::Manifest) -> Self {
        let rule = |rule: metadata::Rule| Rule { code: rule.code, title: rule.title, severity: rule.severity.into() };
        let permission =
            |metadata::Permission { kind, name, options, reason }| RawPermission { kind, name, options, reason };
        Self {
            name: old.name,
            version: old.version,
            summary: old.summary,
            license: old.license,
            source: old.source,
            documentation: old.documentation,
            params: old.params,
            permissions: old.permissions.into_iter().map(permission).collect(),
            limits: old.limits,
            rules: old.rules.into_iter().map(rule).collect(),
        }
    }
}

impl From<types::Severity> for Severity {
    fn from(old: types::Severity) -> Self {
        match old {
            types::Severity::Info => Self::Info,
            types::Severity::Low => Self::Low,
            types::Severity::Medium => Self::Medium,
            types::Severity::High => Self::High,
            types::Severity::Critical => Self::Critical,
        }
    }
}

impl From<types::Outcome> for Outcome {
    fn from(old: types::Outcome) -> Self {
        match old {
            types::Outcome::Success => Self::Success,
            types::Outcome::Failure => Self::Failure,
            types::Outcome::Warning => Self::Warning,
            types::Outcome::Skipped => Self::Skipped,
            types::Outcome::Error => Self::Error,
        }
    }
}

impl From<types::Finding> for PluginFinding {
    fn from(old: types::Finding) -> Self {
        Self {
            code: old.code,
            outcome: old.outcome.into(),
            severity: old.severity.into(),
            message: old.message,
            subject: old.subject,
            terms: old.terms,
            solution: old.solution,
        }
    }
}

impl From<types::Verdict> for RawVerdict {
    fn from(old: types::Verdict) -> Self {
        Self {
            outcome: old.outcome.into(),
            successes: old.successes,
            failures: old.failures,
            warnings: old.warnings,
            namespace: old.namespace,
            note: old.note,
            timestamp: old.timestamp,
            findings: old.findings.into_iter().map(Into::into).collect(),
            results: old.results,
            links: old.links,
        }
    }
}

impl From<types::Error> for RawError {
    fn from(old: types::Error) -> Self {
        let (kind, message) = match old {
            types::Error::Invalid(message) => (FaultKind::Invalid, message),
            types::Error::Transient(retry) => (FaultKind::Transient { after_ms: retry.after_ms }, retry.message),
            types::Error::Auth(credential) => (FaultKind::Auth, credential),
            types::Error::Lost(message) => (FaultKind::Lost, message),
            types::Error::Internal(message) => (FaultKind::Internal, message),
        };
        Self { kind, message }
    }
}

impl types::Host for StoreState {}

impl logging::Host for StoreState {
    fn log(&mut self, level: logging::Level, message: String) -> Result<()> {
        self.move_bytes(message.len())?;
        let level = match level {
            logging::Level::Debug => Level::Debug,
            logging::Level::Info => Level::Info,
            logging::Level::Warn => Level::Warn,
            logging::Level::Error => Level::Error,
        };
        if level == Level::Error {
            self.output.keep_error(&message);
        }
        let logged = self.log.log(level, &message);
        self.or_abort(logged)
    }

    fn progress(&mut self, done: u64, total: Option<u64>, text: String) -> Result<()> {
        self.move_bytes(text.len())?;
        let counted = self.log.progress(done, total, &text);
        self.or_abort(counted)
    }

    fn remote_output(&mut self, chunk: Vec<u8>) -> Result<()> {
        self.move_bytes(chunk.len())?;
        let counted = self.log.remote_output(&chunk);
        self.or_abort(counted)
    }
}

impl snapshot::Host for StoreState {
    fn describe(&mut self) -> Result<snapshot::Head> {
        let head = self.snapshot.head();
        let pairs = head.labels.iter().chain(&head.annotations);
        let size: usize = pairs.map(|(key, value)| key.len() + value.len()).sum();
        let (head, size) = (head.clone(), size + head.owner.len() + head.name.len());
        let components = self.snapshot.count();
        self.move_bytes(size)?;
        Ok(snapshot::Head {
            name: head.name,
            kind: head.kind,
            owner: head.owner,
            components,
            labels: head.labels,
            annotations: head.annotations,
        })
    }

    fn components(&mut self, offset: u32, limit: u32) -> Result<Vec<snapshot::Component>> {
        let components: Vec<_> = self.snapshot.components(offset, limit).to_vec();
        let size = components.iter().map(capability::snapshot::Component::size).sum();
        self.move_bytes(size)?;
        let convert = |component: capability::snapshot::Component| snapshot::Component {
            name: component.name,
            version: component.version,
            image: component.image,
            source: component.source.map(|source| snapshot::Source {
                url: source.url,
                revision: source.revision,
                path: source.path,
                dockerfile: source.dockerfile,
            }),
            changed: component.changed,
        };
        Ok(components.into_iter().map(convert).collect())
    }

    fn raw(&mut self, offset: u64) -> Result<Vec<u8>> {
        let part = self.snapshot.text(offset).to_vec();
        self.move_bytes(part.len())?;
        Ok(part)
    }
}

type GuestResult<T> = Result<std::result::Result<T, evidence::Error>>;

impl StoreState {
    /// Converts a result of the evidence. An error that the guest did not cause ends the call.
    fn respond<T>(
        &mut self,
        image: &str,
        result: std::result::Result<T, EvidenceError>,
        size: impl Fn(&T) -> usize,
    ) -> GuestResult<T> {
        let work = self.evidence.take_work();
        self.work_bytes(work)?;
        match result {
            Ok(value) => {
                self.move_bytes(image.len() + size(&value))?;
                Ok(Ok(value))
            }
            Err(EvidenceError::Access(error)) => {
                if let (AccessError::Denied(what), Some(hint)) = (&error, self.evidence.hint()) {
                    self.denials.deny(what, hint);
                }
                self.move_bytes(image.len())?;
                Ok(Err(error.into()))
            }
            Err(EvidenceError::Evaluation(error)) => self.or_abort(Err(error.into())),
        }
    }
}

impl evidence::Host for StoreState {
    fn manifest(&mut self, image: String) -> GuestResult<Vec<u8>> {
        let result = self.evidence.manifest(&image);
        self.respond(&image, result, Vec::len)
    }

    fn config(&mut self, image: String) -> GuestResult<Vec<u8>> {
        let result = self.evidence.config(&image);
        self.respond(&image, result, Vec::len)
    }

    fn layers(&mut self, image: String) -> GuestResult<Vec<evidence::Layer>> {
        let result = self.evidence.layers(&image);
        let result = self.respond(&image, result, |layers| layers.iter().map(Layer::size).sum())?;
        Ok(result.map(|layers| layers.into_iter().map(Into::into).collect()))
    }

    fn signatures(&mut self, image: String) -> GuestResult<Vec<evidence::Signer>> {
        let result = self.evidence.signatures(&image);
        let result = self.respond(&image, result, |signers| signers.iter().map(Signer::size).sum())?;
        Ok(result.map(|signers| signers.into_iter().map(Into::into).collect()))
    }

    fn attestations(&mut self, image: String) -> GuestResult<Vec<evidence::Attestation>> {
        let result = self.evidence.attestations(&image);
        let result = self.respond(&image, result, |list| list.iter().map(Statement::size).sum())?;
        Ok(result.map(|list| list.into_iter().map(Into::into).collect()))
    }

    fn read(&mut self, image: String, blob: String, offset: u64, length: u32) -> GuestResult<Vec<u8>> {
        let result = self.evidence.read(&image, &blob, offset, length);
        self.respond(&image, result, |bytes| blob.len() + bytes.len())
    }
}

impl From<AccessError> for evidence::Error {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::NotFound => Self::NotFound,
            AccessError::Denied(why) => Self::Denied(why),
            AccessError::TooLarge(size) => Self::TooLarge(size),
            AccessError::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

impl From<Signer> for evidence::Signer {
    fn from(signer: Signer) -> Self {
        // Signatures by keys have no time.
        Self { key_id: signer.key_id, identity: signer.identity, issuer: signer.issuer, signed: None }
    }
}

impl From<Statement> for evidence::Attestation {
    fn from(statement: Statement) -> Self {
        Self {
            predicate_type: statement.predicate_type,
            statement: statement.digest,
            size: statement.size,
            signers: statement.signers.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Layer> for evidence::Layer {
    fn from(layer: Layer) -> Self {
        Self {
            digest: layer.digest,
            media_type: layer.media_type,
            size: layer.size,
            annotations: layer.annotations.into_iter().collect(),
        }
    }
}

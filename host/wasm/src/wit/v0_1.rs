//! Version 0.1 of the contract: its generated types, the host's side of its imports, and calls of its exports.
//!
//! Nothing is decided here. Each import converts its arguments, asks the capability of that name and converts the
//! answer; each export is called with today's words converted into the version's.

use wasmtime::{
    Result, Store,
    component::{Component, HasSelf, Linker},
};

use super::{CheckRequest, CheckResult, Outcome, Permission, RawFinding, RawManifest};
use crate::{
    capability::{
        evidence::{AccessError, EvidenceError, Layer, Signer, Statement},
        logging::Level,
    },
    manifest,
    params::ParamValue,
    state::StoreState,
};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/assay-plugin/0.1",
        world: "check",
        imports: { default: trappable },
        require_store_data_send: true,
    });
}

use bindings::{
    Check, CheckPre,
    assay::plugin::{evidence, logging, snapshot, types},
    exports::assay::plugin::metadata,
};

/// The parts of an export's name, apart from the patch version.
pub(crate) const VERSION: (u64, u64) = (0, 1);

/// A component of this version, ready to be instantiated.
pub(crate) struct Guest(CheckPre<StoreState>);

/// Offers the world's imports.
pub(crate) fn add_to_linker(linker: &mut Linker<StoreState>) -> Result<()> {
    Check::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)
}

impl Guest {
    /// Checks the types of the component's imports and exports.
    pub(crate) fn new(linker: &Linker<StoreState>, component: &Component) -> Result<Self> {
        Ok(Self(CheckPre::new(linker.instantiate_pre(component)?)?))
    }

    /// Asks what the plugin is.
    pub(crate) fn describe(&self, store: &mut Store<StoreState>) -> Result<RawManifest> {
        let guest = self.0.instantiate(&mut *store)?;
        Ok(guest.assay_plugin_metadata().call_describe(store)?.into())
    }

    /// Asks for a verdict.
    pub(crate) fn evaluate(&self, store: &mut Store<StoreState>, request: &CheckRequest) -> Result<CheckResult> {
        let guest = self.0.instantiate(&mut *store)?;
        let result = guest.assay_plugin_image_check().call_evaluate(store, &context(request), &request.image)?;
        Ok(result.map(|found| found.into_iter().map(Into::into).collect()).map_err(Into::into))
    }
}

fn context(request: &CheckRequest) -> types::Context {
    let param = |param: &crate::params::Param| types::Param {
        name: param.name.clone(),
        value: match &param.value {
            ParamValue::Text(text) => types::Value::Text(text.clone()),
            ParamValue::Items(items) => types::Value::Items(items.clone()),
            ParamValue::Json(json) => types::Value::Json(json.clone()),
        },
    };
    types::Context {
        // A check belongs to no stored run and to no scenario.
        run: String::new(),
        scenario: String::new(),
        attempt: 1,
        key: request.key.clone(),
        now: request.now,
        seed: request.seed,
        deadline: request.deadline,
        params: request.params.iter().map(param).collect(),
        attributes: vec![("host-version".to_owned(), env!("CARGO_PKG_VERSION").to_owned())],
    }
}

impl From<metadata::Manifest> for RawManifest {
    fn from(old: metadata::Manifest) -> Self {
        let rule = |rule: metadata::Rule| manifest::Rule {
            code: rule.code,
            title: rule.title,
            severity: rule.severity.into(),
        };
        let permission =
            |permission: metadata::Permission| Permission { kind: permission.kind, reason: permission.reason };
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

impl From<types::Severity> for manifest::Severity {
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

impl From<types::Finding> for RawFinding {
    fn from(old: types::Finding) -> Self {
        Self {
            code: old.code,
            outcome: match old.outcome {
                types::Outcome::Success => Outcome::Success,
                types::Outcome::Failure => Outcome::Failure,
                types::Outcome::Warning => Outcome::Warning,
                types::Outcome::Skipped => Outcome::Skipped,
                types::Outcome::Error => Outcome::Error,
            },
            severity: old.severity.into(),
            message: old.message,
            subject: old.subject,
            terms: old.terms,
            solution: old.solution,
        }
    }
}

impl From<types::Error> for super::PluginError {
    fn from(old: types::Error) -> Self {
        let (kind, message) = match old {
            types::Error::Invalid(message) => ("refuses its input", message),
            types::Error::Transient(retry) => ("failed for now", retry.message),
            types::Error::Auth(credential) => ("was refused a credential", credential),
            types::Error::Lost(message) => ("lost its work", message),
            types::Error::Internal(message) => ("failed", message),
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
        let logged = self.log.log(level, &message);
        self.or_abort(logged)
    }

    fn progress(&mut self, _done: u64, _total: Option<u64>, text: String) -> Result<()> {
        // A check is over before anybody could follow it.
        self.move_bytes(text.len())
    }

    fn remote_output(&mut self, chunk: Vec<u8>) -> Result<()> {
        self.move_bytes(chunk.len())?;
        let counted = self.log.remote_output(chunk.len());
        self.or_abort(counted)
    }
}

impl snapshot::Host for StoreState {
    fn describe(&mut self) -> Result<snapshot::Head> {
        let head = self.snapshot.head();
        self.move_bytes(head.owner.len())?;
        Ok(snapshot::Head {
            // A Snapshot's spec knows neither; they belong to the resource around it.
            name: String::new(),
            kind: String::new(),
            owner: head.owner,
            components: head.components,
            labels: Vec::new(),
            annotations: Vec::new(),
        })
    }

    fn components(&mut self, offset: u32, limit: u32) -> Result<Vec<snapshot::Component>> {
        let components: Vec<_> = self.snapshot.components(offset, limit).to_vec();
        let size = components.iter().map(crate::capability::snapshot::Component::size).sum();
        self.move_bytes(size)?;
        let convert = |component: crate::capability::snapshot::Component| snapshot::Component {
            name: component.name,
            version: component.version,
            image: component.image,
            source: component.source.map(|source| snapshot::Source {
                url: source.url,
                revision: source.revision,
                path: source.path,
                dockerfile: source.dockerfile,
            }),
            // Only the one who made the Snapshot knows.
            changed: false,
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
    /// Converts what the evidence says; the lack of an answer ends the call, whatever the guest would make of it.
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
            Err(EvidenceError::InspectError(refusal)) => {
                self.move_bytes(image.len())?;
                Ok(Err(refusal.into()))
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
    fn from(refusal: AccessError) -> Self {
        match refusal {
            AccessError::NotFound => Self::NotFound,
            AccessError::Denied(why) => Self::Denied(why),
            AccessError::TooLarge(size) => Self::TooLarge(size),
            AccessError::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

impl From<Signer> for evidence::Signer {
    fn from(signer: Signer) -> Self {
        // A signature by a key has no time of its own.
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

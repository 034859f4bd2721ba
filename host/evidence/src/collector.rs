//! [`EvidenceCollector`]: finds images and collects the evidence about them, verified by one [`Trust`].
//!
//! Nothing of the image itself is read before it is verified: rules are not evaluated for an image without
//! attestations that count, so its config is not read and its layers are not fetched.
//!
//! What can be verified with a key becomes a check inside the evidence: no signature, one of another key, one for
//! another image. What keeps it from being settled (a registry that does not respond, content that does not match its
//! digest) is an error and never looks like an unsigned image.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, ScopedJoinHandle},
};

use assay_model::{
    error::{ErrorCode, EvaluationError},
    evidence::{Attestation, BaseImage, Check, CheckKind, Evidence, OPERATOR_MANIFESTS, Signature},
    image::{ImageRef, PinnedImage, Repository},
    image_config::{self, ConfigError},
    image_files::{self, Broken},
    limits,
    port::{EvidenceProvider, IndexEntry, ResolvedImage},
};
use assay_oci::{ContentStore, Descriptor, IndexItem, Manifest, Resolved, operator_manifests, too_deep};
use serde_json::Value;

use crate::{
    cosign::{self, Attested, Bundled, VerificationResult},
    trust::Trust,
};

/// The annotations that name an image's base (image-spec `annotations.md`).
const BASE_NAME: &str = "org.opencontainers.image.base.name";
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// Whether a check is made. One that is skipped is absent from the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// It is made.
    Required,
    /// It is not made, at the user's wish.
    Skipped,
}

/// What it means that something of an image cannot be read, and nothing else of its kind verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnreadable {
    /// The image cannot be evaluated.
    Error,
    /// As in `ec`, the check fails, and an index without the image of the default platform has no config.
    Fail,
}

/// How evidence is verified.
#[derive(Clone, Copy, Debug)]
pub struct CollectOptions {
    /// The signatures of images.
    pub signatures: Verification,
    /// The signatures of attestations. If skipped, attestations are used unverified.
    pub attestations: Verification,
    /// Whether provenance in a bundle states its build type; `ec` only reads that of provenance under a tag.
    pub bundles_have_build_type: bool,
    /// What becomes of signatures and attestations that cannot be read.
    pub on_unreadable: OnUnreadable,
}

impl CollectOptions {
    /// Everything is checked.
    #[must_use]
    pub const fn strict() -> Self {
        Self {
            signatures: Verification::Required,
            attestations: Verification::Required,
            bundles_have_build_type: true,
            on_unreadable: OnUnreadable::Error,
        }
    }
}

/// Collects evidence from a store. Shared by all workers.
pub struct EvidenceCollector {
    store: Arc<ContentStore>,
    /// The same content for what only images name.
    named_by_images: ContentStore,
    /// The registries of the images to evaluate.
    registries: Mutex<BTreeSet<String>>,
    /// Which images were located as indexes, with their manifests, and which as parts of one that are none.
    expanded: Mutex<BTreeMap<PinnedImage, bool>>,
    trust: Trust,
    options: CollectOptions,
}

/// What it means that a base image is not accessible. Registries return 401 for what they do not have, too; and the
/// registry of a base is often out of reach for good, on a laptop or behind an air gap.
const ABSENT: [ErrorCode; 4] =
    [ErrorCode::ImageNotFound, ErrorCode::BlobNotFound, ErrorCode::RegistryDenied, ErrorCode::RegistryUnreachable];

impl EvidenceCollector {
    /// A collector with this trust.
    #[must_use]
    pub fn new(store: Arc<ContentStore>, trust: Trust, options: CollectOptions) -> Self {
        Self {
            named_by_images: store.named_by_images(),
            store,
            registries: Mutex::default(),
            expanded: Mutex::default(),
            trust,
            options,
        }
    }

    /// Notes that the user names a registry.
    fn know(&self, repository: &Repository) {
        let mut known = self.registries.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(repository.registry()) {
            known.insert(repository.registry().to_owned());
        }
    }

    /// The store to read what an image names: as any other content where the user names or allows the registry.
    fn store_for(&self, repository: &Repository) -> &ContentStore {
        let known = self.registries.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = known.contains(repository.registry()) || self.store.is_allowed(repository.registry());
        if is_known { &self.store } else { &self.named_by_images }
    }

    /// The manifests of an index and of all indexes in it, within the limits on their number and depth.
    fn expand(
        &self,
        index: &PinnedImage,
        items: &[IndexItem],
        depth: usize,
        entries: &mut Vec<IndexEntry>,
    ) -> Result<(), EvaluationError> {
        if depth > limits::INDEX_DEPTH {
            return Err(too_deep(index));
        }
        if entries.len() + items.len() > limits::INDEX_MANIFESTS {
            let count = entries.len() + items.len();
            let message =
                format!("the index {index} has {count} manifests, over the limit of {}", limits::INDEX_MANIFESTS);
            return Err(EvaluationError::new(ErrorCode::TooLarge, message).hint("validate its manifests one by one"));
        }
        self.expanded.lock().unwrap_or_else(PoisonError::into_inner).insert(index.clone(), true);
        let image = |item: &IndexItem| index.repository.at(item.descriptor.digest.clone());
        let inner: Vec<PinnedImage> = items.iter().filter(|item| item.may_be_index()).map(image).collect();
        let mut found = self.store.manifests(&inner).into_iter();
        for (position, item) in items.iter().enumerate() {
            let digest = item.descriptor.digest.clone();
            // Until it is known to be an index, too.
            self.expanded.lock().unwrap_or_else(PoisonError::into_inner).entry(image(item)).or_insert(false);
            entries.push(IndexEntry { digest, position, architecture: item.architecture.clone() });
            // One that cannot be fetched is reported when its evidence is collected.
            let Some(Ok(manifest)) = item.may_be_index().then(|| found.next()).flatten() else { continue };
            if let Some(items) = manifest.index() {
                self.expand(&image(item), items, depth + 1, entries)?;
            }
        }
        Ok(())
    }

    fn config(
        &self,
        store: &ContentStore,
        repository: &Repository,
        manifest: &Manifest,
    ) -> Result<Option<Arc<[u8]>>, EvaluationError> {
        let fetch = |config: &Descriptor| {
            store.blob_within(repository, &config.digest, Some(config.size), limits::CONFIG_BYTES)
        };
        manifest.config().map(fetch).transpose()
    }

    /// The base image, if it is named and is there for us. Anyone may write the annotation, and the base need not be
    /// where the image is, so one that is absent or not accessible is not a failure; where it is not known to be
    /// absent, the report says so. One that is inconsistent or cannot be fetched is a failure: a policy about base
    /// images must not be evaluated without it.
    fn base_image(&self, manifest: &Manifest) -> Result<(Option<BaseImage>, Option<String>), EvaluationError> {
        match self.read_base_image(manifest) {
            Err(error) if ABSENT.contains(&error.code) => {
                let is_unread = matches!(error.code, ErrorCode::RegistryDenied | ErrorCode::RegistryUnreachable);
                Ok((None, is_unread.then(|| format!("the base image was not read: {error}"))))
            }
            read => read.map(|base_image| (base_image, None)),
        }
    }

    fn read_base_image(&self, manifest: &Manifest) -> Result<Option<BaseImage>, EvaluationError> {
        let Some(name) = manifest.annotation(BASE_NAME) else { return Ok(None) };
        let name = match manifest.annotation(BASE_DIGEST) {
            _ if name.contains('@') => name.to_owned(),
            Some(digest) => format!("{name}@{digest}"),
            // A tag may have moved since the image was made.
            None => return Ok(None),
        };
        let Ok(reference) = name.parse::<ImageRef>() else { return Ok(None) };
        let repository = reference.repository();
        let store = self.store_for(repository);
        let resolved = store.resolve(&reference)?;
        let tag = reference.tag().or_else(|| reference.digest().is_none().then(|| reference.tag_or_latest()));
        let shown = tag
            .map_or_else(|| resolved.image.to_string(), |tag| format!("{repository}:{tag}@{}", resolved.image.digest));
        // Of a base for many platforms, the one that policies know.
        let Some(manifest) = store.default_platform_manifest(&resolved)? else { return Ok(None) };
        let config = self.config(store, repository, &manifest)?;
        Ok(config.map(|config| BaseImage { reference: shown, config }))
    }

    /// The manifests of an operator, where the image's label names their directory. One that cannot be read is an
    /// error.
    fn files(&self, image: &PinnedImage, config: Option<&[u8]>) -> Result<BTreeMap<String, Value>, EvaluationError> {
        let label = config.map_or(Ok(None), |config| image_config::label(config, OPERATOR_MANIFESTS));
        let Some(folder) = label.map_err(|error| unreadable(&image.to_string(), &error))? else {
            return Ok(BTreeMap::new());
        };
        let files = operator_manifests(&self.store, image, &folder)?;
        image_files::documents(&image.to_string(), &files, Broken::Refused)
    }

    /// Refuses configs that rules could not see as they are.
    fn read_configs(
        image: &PinnedImage,
        config: Option<&[u8]>,
        base_image: Option<&BaseImage>,
    ) -> Result<(), EvaluationError> {
        let read = |place: &str, config| match image_config::runtime(config) {
            Ok(_) => Ok(()),
            Err(error) => Err(unreadable(place, &error)),
        };
        config.map_or(Ok(()), |config| read(&image.to_string(), config))?;
        base_image.map_or(Ok(()), |base_image| read(&base_image.reference, &base_image.config))
    }

    fn signed(&self, image: &PinnedImage) -> Result<VerificationResult<Signature>, EvaluationError> {
        match self.options.signatures {
            Verification::Required => cosign::signatures(&self.store, image, &self.trust),
            Verification::Skipped => Ok(VerificationResult::default()),
        }
    }

    fn attested(&self, image: &PinnedImage) -> Result<VerificationResult<Attested>, EvaluationError> {
        match self.options.attestations {
            Verification::Required => cosign::attestations(&self.store, image, &self.trust),
            Verification::Skipped => cosign::unverified(&self.store, image),
        }
    }

    fn bundled(&self, image: &PinnedImage) -> Result<Bundled, EvaluationError> {
        let mut bundled = cosign::bundles(&self.store, image, &self.trust)?;
        if !self.options.bundles_have_build_type {
            bundled.attestations.verified.iter_mut().for_each(|proven| proven.value.attestation.build_type = None);
        }
        Ok(bundled)
    }

    /// The checks, in the wording of `ec`, and what can be evaluated.
    fn combine(
        &self,
        image: &PinnedImage,
        signed: VerificationResult<Signature>,
        attested: VerificationResult<Attested>,
        bundled: Bundled,
    ) -> Result<VerifiedEvidence, EvaluationError> {
        let signed = match self.options.signatures {
            Verification::Required => bundled.signatures.and(signed),
            Verification::Skipped => signed,
        };
        let attested = match self.options.attestations {
            Verification::Required => bundled.attestations.and(attested).require_all_readable(image)?,
            Verification::Skipped => attested,
        };
        let unread =
            signed.unread().or_else(|| attested.unread()).filter(|_| self.options.on_unreadable == OnUnreadable::Error);
        if let Some(failure) = unread {
            return Err(failure.clone());
        }
        let notices: BTreeSet<String> = signed.notices().chain(attested.notices()).collect();
        let mut verified = VerifiedEvidence { notices: notices.into_iter().collect(), ..VerifiedEvidence::default() };
        let is_checked = self.options.attestations == Verification::Required;
        let signer = self.trust.signer_name();
        if is_checked {
            let failure = attested.failure().map(|error| {
                format!(
                    "No image attestations found matching the given {signer}. Verify the correct {signer} was \
                     provided, and one or more attestations were created. Error: {error}"
                )
            });
            verified.checks.push(Check { kind: CheckKind::AttestationSignature, failure });
        }
        let is_evaluable = !(is_checked && attested.verified.is_empty());
        if is_evaluable {
            let invalid_predicates: Vec<_> =
                attested.verified.iter().filter_map(|proven| proven.value.invalid_predicate.clone()).collect();
            let failure = match (attested.verified.is_empty(), invalid_predicates.is_empty()) {
                (true, _) => Some("Attestation syntax check failed: no attestation data".to_owned()),
                (false, true) => None,
                (false, false) => Some(format!("Attestation syntax check failed: {}", invalid_predicates.join("; "))),
            };
            verified.checks.push(Check { kind: CheckKind::AttestationSyntax, failure });
        }
        if self.options.signatures == Verification::Required {
            let failure = signed.failure().map(|error| match error.is_absent() {
                true => format!("Image signature check failed: {error}"),
                false => format!(
                    "No image signatures found matching the given {signer}. Verify the correct {signer} was \
                     provided, and a signature was created. Error: {error}"
                ),
            });
            verified.checks.push(Check { kind: CheckKind::ImageSignature, failure });
        }
        // Without attestations there is nothing to evaluate, and nothing is shown as if it had been.
        if is_evaluable {
            verified.signatures = signed.into_values().collect();
            verified.attestations = attested.into_values().map(|attested| attested.attestation).collect();
        }
        Ok(verified)
    }
}

/// What verification came to.
#[derive(Default)]
struct VerifiedEvidence {
    signatures: Vec<Signature>,
    attestations: Vec<Attestation>,
    checks: Vec<Check>,
    notices: Vec<String>,
}

impl EvidenceProvider for EvidenceCollector {
    fn resolve(&self, image: &ImageRef) -> Result<ResolvedImage, EvaluationError> {
        self.know(image.repository());
        let resolved = self.store.resolve(image)?;
        let Some(items) = resolved.manifest.index() else {
            return Ok(ResolvedImage { image: resolved.image, index: None });
        };
        let mut entries = Vec::new();
        self.expand(&resolved.image, items, 0, &mut entries)?;
        Ok(ResolvedImage { image: resolved.image, index: Some(entries) })
    }

    fn check_exists(&self, image: &PinnedImage) -> Result<(), EvaluationError> {
        self.store.manifest(image).map(drop)
    }

    fn collect(&self, image: &PinnedImage) -> Result<Evidence, EvaluationError> {
        self.know(&image.repository);
        let manifest = self.store.manifest(image)?;
        let is_expanded = || self.expanded.lock().unwrap_or_else(PoisonError::into_inner).get(image).copied();
        if manifest.index().is_some() && is_expanded() == Some(false) {
            let message = format!("{image} is an index, but the index that lists it states another media type");
            return Err(EvaluationError::new(ErrorCode::Malformed, message)
                .hint("push the index again, with the correct media types of its manifests"));
        }
        // Of an index, policies see the config and the base of the image for the default platform.
        let resolved = Resolved { image: image.clone(), manifest: Arc::clone(&manifest) };
        let platform_manifest = match self.store.default_platform_manifest(&resolved) {
            Err(error)
                if error.code == ErrorCode::ImageNotFound && self.options.on_unreadable == OnUnreadable::Fail =>
            {
                None
            }
            found => found?,
        };
        let config = || {
            platform_manifest
                .as_deref()
                .map_or(Ok(None), |platform_manifest| self.config(&self.store, &image.repository, platform_manifest))
        };
        let base_image = || {
            platform_manifest
                .as_deref()
                .map_or(Ok((None, None)), |platform_manifest| self.base_image(platform_manifest))
        };
        let signed = || self.signed(image);
        let attested = || self.attested(image);
        let bundled = || self.bundled(image);
        let (config, base_image, signed, attested, bundled) = if self.store.is_remote() {
            // Five waits at a time instead of one after the other.
            thread::scope(|scope| {
                let (config, base_image, signed) = (scope.spawn(config), scope.spawn(base_image), scope.spawn(signed));
                let (attested, bundled) = (scope.spawn(attested), bundled());
                (join(config), join(base_image), join(signed), join(attested), bundled)
            })
        } else {
            (config(), base_image(), signed(), attested(), bundled())
        };
        let (config, (base_image, of_parent)) = (config?, base_image?);
        let VerifiedEvidence { signatures, attestations, checks, mut notices } =
            self.combine(image, signed?, attested?, bundled?)?;
        notices.extend(of_parent);
        let mut evidence = Evidence {
            image: image.clone(),
            media_type: manifest.media_type().to_owned(),
            manifest: Arc::clone(manifest.bytes()),
            config,
            base_image,
            files: BTreeMap::new(),
            signatures,
            attestations,
            checks,
            notices,
        };
        if evidence.is_evaluable() {
            Self::read_configs(image, evidence.config.as_deref(), evidence.base_image.as_ref())?;
            evidence.files = self.files(image, evidence.config.as_deref())?;
        }
        Ok(evidence)
    }
}

/// Why a config cannot be used.
fn unreadable(place: &str, error: &ConfigError) -> EvaluationError {
    let code = if error.is_too_large { ErrorCode::TooLarge } else { ErrorCode::Malformed };
    EvaluationError::new(code, format!("the config of {place} cannot be read: {error}"))
        .hint("rules about labels need it; check how the image was built")
}

/// What a thread came to. A panic goes on where it would have been without the thread.
fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|cause| panic::resume_unwind(cause))
}

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;

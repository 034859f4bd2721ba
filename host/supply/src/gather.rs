//! [`Gatherer`]: finds images and gathers the evidence about them, verified with one public key.
//!
//! Nothing of the image itself is read before something that vouches for it: rules are not asked about an image without
//! attestations that count, so its config is not read and its layers are not fetched.
//!
//! What a key can settle becomes a check inside the evidence: no signature, a stranger's, one for another image. What
//! keeps it from being settled (a registry that does not answer, content that is not what it was named by) is no
//! answer and never looks like an unsigned image.

use std::{
    collections::BTreeMap,
    panic,
    sync::Arc,
    thread::{self, ScopedJoinHandle},
};

use assay_model::{
    evidence::{Attestation, Check, CheckKind, Evidence, OPERATOR_MANIFESTS, Parent, Signature},
    failure::{ErrorCode, NoAnswer},
    image::{ImageRef, PinnedImage, Repository},
    image_config::{self, ConfigError},
    image_files::{self, Broken},
    limits,
    port::{Gather, IndexEntry, Located},
};
use serde_json::Value;

use crate::{
    cosign::{self, Attested, Bundled, Found, Trust},
    files,
    key::PublicKey,
    store::{Manifest, Resolved, Store},
};

/// The annotations that name an image's base (image-spec `annotations.md`).
const BASE_NAME: &str = "org.opencontainers.image.base.name";
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// Whether a signature may have been made for another repository than the image is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relocation {
    /// The repository's path must be the signed one. The registry's host may differ.
    Refused,
    /// The image may have been copied to another path after it was signed.
    Allowed,
}

/// Whether a check is made. One that is skipped is absent from the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checking {
    /// It is made.
    Checked,
    /// It is not made, at the user's wish.
    Skipped,
}

/// How evidence is verified.
#[derive(Clone, Copy, Debug)]
pub struct GatherOptions {
    /// Whether images may have moved since they were signed.
    pub relocation: Relocation,
    /// The signatures of images.
    pub signatures: Checking,
    /// The signatures of attestations. Skipped, attestations are taken as they are, whoever made them.
    pub attestations: Checking,
    /// Whether provenance in a bundle tells its build type; `ec` knows it of provenance under a tag alone.
    pub bundles_tell_build_type: bool,
}

impl GatherOptions {
    /// Everything is checked.
    #[must_use]
    pub const fn new(relocation: Relocation) -> Self {
        Self {
            relocation,
            signatures: Checking::Checked,
            attestations: Checking::Checked,
            bundles_tell_build_type: true,
        }
    }
}

/// Gathers evidence from a store. Shared by all workers.
pub struct Gatherer {
    store: Arc<Store>,
    trust: Trust,
    options: GatherOptions,
}

/// What it means that a base image is not there for us. Registries answer 401 for what they do not have, too; and the
/// registry of a base is often out of reach for good, on a laptop or behind an air gap.
const ABSENT: [ErrorCode; 4] =
    [ErrorCode::ImageNotFound, ErrorCode::BlobNotFound, ErrorCode::RegistryDenied, ErrorCode::RegistryUnreachable];

impl Gatherer {
    /// A gatherer that trusts what this key signed.
    #[must_use]
    pub const fn new(store: Arc<Store>, key: PublicKey, options: GatherOptions) -> Self {
        Self { store, trust: Trust { key, relocation: options.relocation }, options }
    }

    fn config(&self, repository: &Repository, manifest: &Manifest) -> Result<Option<Arc<[u8]>>, NoAnswer> {
        let fetch = |config: &crate::store::Descriptor| {
            self.store.blob_within(repository, &config.digest, Some(config.size), limits::CONFIG_BYTES)
        };
        manifest.config().map(fetch).transpose()
    }

    /// The base image, if it is named and is there for us. Anyone may write the annotation, and the base need not be
    /// where the image is, so one that is absent or closed to us is no failure. One that lies or cannot be had is: a
    /// policy about base images must not be answered without it.
    fn parent(&self, manifest: &Manifest) -> Result<Option<Parent>, NoAnswer> {
        match self.read_parent(manifest) {
            Err(error) if ABSENT.contains(&error.code) => Ok(None),
            read => read,
        }
    }

    fn read_parent(&self, manifest: &Manifest) -> Result<Option<Parent>, NoAnswer> {
        let Some(name) = manifest.annotation(BASE_NAME) else { return Ok(None) };
        let name = match manifest.annotation(BASE_DIGEST) {
            _ if name.contains('@') => name.to_owned(),
            Some(digest) => format!("{name}@{digest}"),
            // A tag may have moved since the image was made.
            None => return Ok(None),
        };
        let Ok(reference) = name.parse::<ImageRef>() else { return Ok(None) };
        let resolved = self.store.resolve(&reference)?;
        let repository = reference.repository();
        let tag = reference.tag().or_else(|| reference.digest().is_none().then(|| reference.tag_or_latest()));
        let shown = tag
            .map_or_else(|| resolved.image.to_string(), |tag| format!("{repository}:{tag}@{}", resolved.image.digest));
        // Of a base for many platforms, the one that policies know.
        let Some(manifest) = self.store.usual_image(&resolved)? else { return Ok(None) };
        let config = self.config(repository, &manifest)?;
        Ok(config.map(|config| Parent { reference: shown, config }))
    }

    /// The manifests of an operator, where the image's label names their folder. One that cannot be read is no answer.
    fn files(&self, image: &PinnedImage, config: Option<&[u8]>) -> Result<BTreeMap<String, Value>, NoAnswer> {
        let label = config.map_or(Ok(None), |config| image_config::label(config, OPERATOR_MANIFESTS));
        let Some(folder) = label.map_err(|error| unreadable(&image.to_string(), &error))? else {
            return Ok(BTreeMap::new());
        };
        let files = files::operator_manifests(&self.store, image, &folder)?;
        image_files::documents(&image.to_string(), &files, Broken::Refused)
    }

    /// Refuses configs that rules could not see as they are.
    fn read_configs(image: &PinnedImage, config: Option<&[u8]>, parent: Option<&Parent>) -> Result<(), NoAnswer> {
        let read = |place: &str, config| match image_config::runtime(config) {
            Ok(_) => Ok(()),
            Err(error) => Err(unreadable(place, &error)),
        };
        config.map_or(Ok(()), |config| read(&image.to_string(), config))?;
        parent.map_or(Ok(()), |parent| read(&parent.reference, &parent.config))
    }

    fn signed(&self, image: &PinnedImage) -> Result<Found<Signature>, NoAnswer> {
        match self.options.signatures {
            Checking::Checked => cosign::signatures(&self.store, image, &self.trust),
            Checking::Skipped => Ok(Found::default()),
        }
    }

    fn attested(&self, image: &PinnedImage) -> Result<Found<Attested>, NoAnswer> {
        match self.options.attestations {
            Checking::Checked => cosign::attestations(&self.store, image, &self.trust),
            Checking::Skipped => cosign::unverified(&self.store, image).map(Found::of),
        }
    }

    fn bundled(&self, image: &PinnedImage) -> Result<Bundled, NoAnswer> {
        let mut bundled = cosign::bundles(&self.store, image, &self.trust.key)?;
        if !self.options.bundles_tell_build_type {
            bundled.attestations.verified.iter_mut().for_each(|attested| attested.attestation.build_type = None);
        }
        Ok(bundled)
    }

    /// The checks, in the words of `ec`, and what may be judged.
    fn settle(
        &self,
        image: &PinnedImage,
        signed: Found<Signature>,
        attested: Found<Attested>,
        bundled: Bundled,
    ) -> Result<Settled, NoAnswer> {
        let signed = match self.options.signatures {
            Checking::Checked => bundled.signatures.and(signed),
            Checking::Skipped => signed,
        };
        let attested = match self.options.attestations {
            Checking::Checked => bundled.attestations.and(attested).whole(image)?,
            Checking::Skipped => attested,
        };
        let mut settled = Settled::default();
        let is_checked = self.options.attestations == Checking::Checked;
        if is_checked {
            let failure = attested.failure().map(|error| {
                format!(
                    "No image attestations found matching the given public key. Verify the correct public key was \
                     provided, and one or more attestations were created. Error: {error}"
                )
            });
            settled.checks.push(Check { kind: CheckKind::AttestationSignature, failure });
        }
        let may_be_judged = !(is_checked && attested.verified.is_empty());
        if may_be_judged {
            let faults: Vec<_> = attested.verified.iter().filter_map(|attested| attested.fault.clone()).collect();
            let failure = match (attested.verified.is_empty(), faults.is_empty()) {
                (true, _) => Some("Attestation syntax check failed: no attestation data".to_owned()),
                (false, true) => None,
                (false, false) => Some(format!("Attestation syntax check failed: {}", faults.join("; "))),
            };
            settled.checks.push(Check { kind: CheckKind::AttestationSyntax, failure });
        }
        if self.options.signatures == Checking::Checked {
            let failure = signed.failure().map(|error| match error.as_str() {
                cosign::NO_SIGNATURES => format!("Image signature check failed: {error}"),
                _ => format!(
                    "No image signatures found matching the given public key. Verify the correct public key was \
                     provided, and a signature was created. Error: {error}"
                ),
            });
            settled.checks.push(Check { kind: CheckKind::ImageSignature, failure });
        }
        // Without attestations there is nothing to judge, and nothing is shown as if it had been.
        if may_be_judged {
            settled.signatures = signed.verified;
            settled.attestations = attested.verified.into_iter().map(|attested| attested.attestation).collect();
        }
        Ok(settled)
    }
}

/// What verification came to.
#[derive(Default)]
struct Settled {
    signatures: Vec<Signature>,
    attestations: Vec<Attestation>,
    checks: Vec<Check>,
}

impl Gather for Gatherer {
    fn locate(&self, image: &ImageRef) -> Result<Located, NoAnswer> {
        let resolved = self.store.resolve(image)?;
        let Some(items) = resolved.manifest.index() else { return Ok(Located { image: resolved.image, index: None }) };
        if items.len() > limits::INDEX_MANIFESTS {
            let message = format!(
                "the index {} has {} manifests, over the limit of {}",
                resolved.image,
                items.len(),
                limits::INDEX_MANIFESTS
            );
            return Err(NoAnswer::new(ErrorCode::TooLarge, message).hint("judge its manifests one by one"));
        }
        let entry = |item: &crate::store::IndexItem| IndexEntry {
            digest: item.descriptor.digest.clone(),
            architecture: item.architecture.clone(),
        };
        Ok(Located { image: resolved.image, index: Some(items.iter().map(entry).collect()) })
    }

    fn gather(&self, image: &PinnedImage) -> Result<Evidence, NoAnswer> {
        let manifest = self.store.manifest(image)?;
        // Of an index, policies see the config and the base of the image for the usual machine.
        let resolved = Resolved { image: image.clone(), manifest: Arc::clone(&manifest) };
        let usual = self.store.usual_image(&resolved)?;
        let config = || usual.as_deref().map_or(Ok(None), |usual| self.config(&image.repository, usual));
        let parent = || usual.as_deref().map_or(Ok(None), |usual| self.parent(usual));
        let signed = || self.signed(image);
        let attested = || self.attested(image);
        let bundled = || self.bundled(image);
        let (config, parent, signed, attested, bundled) = if self.store.is_remote() {
            // Five waits at a time instead of one after the other.
            thread::scope(|scope| {
                let (config, parent, signed) = (scope.spawn(config), scope.spawn(parent), scope.spawn(signed));
                let (attested, bundled) = (scope.spawn(attested), bundled());
                (landed(config), landed(parent), landed(signed), landed(attested), bundled)
            })
        } else {
            (config(), parent(), signed(), attested(), bundled())
        };
        let (config, parent) = (config?, parent?);
        let Settled { signatures, attestations, checks } = self.settle(image, signed?, attested?, bundled?)?;
        let mut evidence = Evidence {
            image: image.clone(),
            media_type: manifest.media_type().to_owned(),
            manifest: Arc::clone(manifest.bytes()),
            config,
            parent,
            files: BTreeMap::new(),
            signatures,
            attestations,
            checks,
        };
        if evidence.may_be_judged() {
            Self::read_configs(image, evidence.config.as_deref(), evidence.parent.as_ref())?;
            evidence.files = self.files(image, evidence.config.as_deref())?;
        }
        Ok(evidence)
    }
}

/// Why a config is no evidence.
fn unreadable(place: &str, error: &ConfigError) -> NoAnswer {
    let code = if error.is_too_large { ErrorCode::TooLarge } else { ErrorCode::Malformed };
    NoAnswer::new(code, format!("the config of {place} cannot be read: {error}"))
        .hint("rules about labels and the like need it; check what built the image")
}

/// What a thread came to. A panic goes on where it would have been without the thread.
fn landed<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|cause| panic::resume_unwind(cause))
}

#[cfg(test)]
mod tests;

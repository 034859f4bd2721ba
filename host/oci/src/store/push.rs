//! [`Artifact`]: files of one's own that are pushed to a registry as one image (distribution-spec, "Push").
//!
//! Every blob goes up in one piece, then the manifest that names them, so that what is half pushed is never an image.
//! Credentials are those for reading; they are sent to the registry only, not to a host that it redirects uploads to.

use std::{collections::BTreeMap, sync::Arc};

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    image::{ImageRef, Repository},
};
use reqwest::{StatusCode, Url, header};
use serde_json::{Value, json};

use super::{
    client::status_error,
    manifest::OCI_MANIFEST,
    registry::Registry,
    registry_client::{RegistryClient, challenges},
    request::{BYTES, RegistryResponse, Request, Upload},
};

/// The requested scope: checking that tags exist requires the right to pull.
const ACTIONS: &str = "pull,push";
/// The header by which a registry says that it lists a manifest as a referrer.
const SUBJECT: &str = "oci-subject";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// Files that are pushed as the layers of an image for no machine.
#[derive(Clone, Debug, Default)]
pub struct Artifact {
    /// What made it, for people.
    pub made_by: String,
    /// The files, in the order of layers.
    pub layers: Vec<ArtifactLayer>,
}

/// A file that is pushed as it is.
#[derive(Clone, Debug, Default)]
pub struct ArtifactLayer {
    /// What it is.
    pub media_type: String,
    /// What the manifest says about it, such as its name.
    pub annotations: BTreeMap<String, String>,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl Artifact {
    /// The configuration of an image with these layers (image-spec `config.md`).
    fn config(&self) -> Vec<u8> {
        let digests: Vec<String> = self.layers.iter().map(|layer| Digest::of(&layer.bytes).to_string()).collect();
        // No timestamp: the same content is the same image.
        let created = "0001-01-01T00:00:00Z";
        let history: Vec<Value> =
            self.layers.iter().map(|_| json!({"created": created, "created_by": self.made_by})).collect();
        let rootfs = json!({"type": "layers", "diff_ids": digests});
        json!({"architecture": "", "config": {}, "created": created, "history": history, "os": "", "rootfs": rootfs})
            .to_string()
            .into_bytes()
    }

    fn manifest(&self, config: &[u8]) -> Vec<u8> {
        let descriptor = |media_type: &str, bytes: &[u8]| json!({"mediaType": media_type, "size": bytes.len(), "digest": Digest::of(bytes).to_string()});
        let layer = |layer: &ArtifactLayer| {
            let mut found = descriptor(&layer.media_type, &layer.bytes);
            if let Some(found) = found.as_object_mut()
                && !layer.annotations.is_empty()
            {
                found.insert("annotations".to_owned(), json!(layer.annotations));
            }
            found
        };
        let layers: Vec<Value> = self.layers.iter().map(layer).collect();
        json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(CONFIG, config), "layers": layers})
            .to_string()
            .into_bytes()
    }
}

impl Registry {
    /// Pushes under the name of the image, and gives its digest.
    pub(super) fn push(&self, image: &ImageRef, artifact: &Artifact) -> Result<Digest, EvaluationError> {
        let config = artifact.config();
        let manifest = artifact.manifest(&config);
        let digest = Digest::of(&manifest);
        let name = match image.digest() {
            None => image.tag_or_latest().to_owned(),
            Some(named) => {
                let message = format!("{named} cannot be pushed by digest: the digest follows from the content");
                return Err(EvaluationError::new(ErrorCode::ImageReference, message).hint("use a tag"));
            }
        };
        let blobs = std::iter::once(config).chain(artifact.layers.iter().map(|layer| layer.bytes.clone()));
        let push = ManifestPush {
            name,
            media_type: OCI_MANIFEST,
            manifest,
            blobs: blobs.map(Arc::from).collect(),
            has_subject: false,
        };
        self.push_manifest(image.repository(), push)?;
        Ok(digest)
    }

    /// Pushes blobs and the manifest that names them. `true` if the registry lists the manifest as a referrer of its subject
    /// (distribution-spec, "Pushing Manifests with Subject"); else the list under the subject's tag is for the client to write.
    pub(super) fn push_manifest(&self, repository: &Repository, push: ManifestPush) -> Result<bool, EvaluationError> {
        let repository = repository.clone();
        self.wait(repository.registry().to_owned(), move |client| async move {
            // A push goes to the repository itself, wherever that is, and to no mirror.
            let place = client.client.registries_conf().endpoints(&repository, false)?.pop();
            let repository = place.map_or(repository, |place| place.repository);
            let mut bearer = Bearer { client, repository, authorization: None };
            for blob in &push.blobs {
                bearer.blob(blob).await?;
            }
            bearer.manifest(&push).await
        })
    }
}

/// A manifest that is pushed, with the blobs that it names.
pub(super) struct ManifestPush {
    /// A tag, or the manifest's own digest.
    pub(super) name: String,
    pub(super) media_type: &'static str,
    pub(super) manifest: Vec<u8>,
    pub(super) blobs: Vec<Arc<[u8]>>,
    pub(super) has_subject: bool,
}

/// An upload to a repository, with its authorization.
struct Bearer {
    client: Arc<RegistryClient>,
    repository: Repository,
    authorization: Option<String>,
}

impl Bearer {
    async fn blob(&mut self, bytes: &[u8]) -> Result<(), EvaluationError> {
        let mut address = self.client.client.address(&self.repository, "blobs", "uploads")?;
        if let Ok(mut segments) = address.path_segments_mut() {
            segments.push("");
        }
        let requests = Upload { is_new: true, media_type: BYTES, bytes: &[] };
        let reply = self.upload(address.clone(), requests).await?;
        self.taken(&reply, &[StatusCode::ACCEPTED])?;
        let place = reply.response.headers().get(header::LOCATION).and_then(|place| place.to_str().ok());
        let mut place = place.and_then(|place| address.join(place).ok()).ok_or_else(|| self.nonsense("nowhere"))?;
        self.client.client.may_follow(&address, &place).map_err(|what| self.nonsense(what))?;
        // Its place is given back before another is taken.
        drop(reply);
        place.query_pairs_mut().append_pair("digest", &Digest::of(bytes).to_string());
        let is_elsewhere = place.origin() != address.origin();
        let upload = Upload { is_new: false, media_type: BYTES, bytes };
        let reply =
            if is_elsewhere { self.send(place, upload, None).await? } else { self.upload(place, upload).await? };
        self.taken(&reply, &[StatusCode::CREATED, StatusCode::NO_CONTENT, StatusCode::OK])
    }

    async fn manifest(&mut self, push: &ManifestPush) -> Result<bool, EvaluationError> {
        let address = self.client.client.address(&self.repository, "manifests", &push.name)?;
        let upload = Upload { is_new: false, media_type: push.media_type, bytes: &push.manifest };
        let reply = self.upload(address, upload).await?;
        self.taken(&reply, &[StatusCode::CREATED, StatusCode::OK])?;
        Ok(push.has_subject && reply.response.headers().contains_key(SUBJECT))
    }

    /// Uploads, and retries with credentials if the registry requires them.
    async fn upload(&mut self, address: Url, upload: Upload<'_>) -> Result<RegistryResponse, EvaluationError> {
        let mut reply = self.send(address.clone(), upload, self.authorization.as_deref()).await?;
        if reply.response.status() != StatusCode::UNAUTHORIZED || self.authorization.is_some() {
            return Ok(reply);
        }
        let wanted = challenges(&reply);
        reply.release();
        let Some(authorization) = self.client.authorize(&self.repository, &wanted, ACTIONS).await? else {
            return Ok(reply);
        };
        self.authorization = Some(authorization);
        self.send(address, upload, self.authorization.as_deref()).await
    }

    async fn send(
        &self,
        address: Url,
        upload: Upload<'_>,
        authorization: Option<&str>,
    ) -> Result<RegistryResponse, EvaluationError> {
        let request = Request {
            address,
            accept: None,
            authorization,
            form: None,
            upload: Some(upload),
            start: 0,
            named_by: self.client.named_by,
        };
        self.client.client.send(self.repository.registry(), &request).await
    }

    fn taken(&self, reply: &RegistryResponse, wanted: &[StatusCode]) -> Result<(), EvaluationError> {
        let registry = self.repository.registry();
        match reply.response.status() {
            status if wanted.contains(&status) => Ok(()),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let with =
                    if self.authorization.is_some() { "with the credentials for it" } else { "without credentials" };
                let message = format!("the registry `{registry}` denies pushing to {} {with}", self.repository);
                Err(EvaluationError::new(ErrorCode::RegistryDenied, message)
                    .hint(format!("log in with `docker login {registry}` as a user with push permission")))
            }
            status => Err(status_error(registry, status)),
        }
    }

    fn nonsense(&self, what: &str) -> EvaluationError {
        let message = format!("the registry `{}` requests an upload to {what}", self.repository.registry());
        EvaluationError::new(ErrorCode::RegistryError, message).hint("contact the operator of the registry")
    }
}

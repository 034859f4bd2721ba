//! [`EvidenceArchive`]: an archive that is read in place of registries, repositories and a cluster.

use std::{
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    image::{PinnedImage, Repository},
    limits, redact,
};

use super::{
    OBJECT_BYTES, RECORD_BYTES,
    record::{Answer, ArchivedContent, EvidenceRecord},
};
use crate::store::{Body, Fetched, ImageLayout, LayoutError, Manifest, Reference, Referrer};

/// An opened archive: its record is read, its content is on disk.
#[derive(Debug)]
pub struct EvidenceArchive {
    layout: Arc<ImageLayout>,
    record: EvidenceRecord,
}

/// The pack of a commit in an archive.
#[derive(Debug)]
pub(crate) struct ArchivedPack<'a> {
    pub(crate) commit: &'a str,
    pack: &'a ArchivedContent,
}

impl EvidenceArchive {
    /// Opens an archive, a folder or one tar file; none for an image layout that has no record.
    ///
    /// # Errors
    /// It is no image layout, or its record cannot be read.
    pub fn open(path: &Path) -> Result<Option<Self>, LayoutError> {
        Self::of(Arc::new(ImageLayout::open(path)?))
    }

    /// The archive that a layout is; none if it has no record.
    pub(crate) fn of(layout: Arc<ImageLayout>) -> Result<Option<Self>, LayoutError> {
        let mut archive = Self { layout, record: EvidenceRecord::default() };
        if archive.layout.evidence().is_none() {
            return Ok(None);
        }
        let invalid = |why| LayoutError::Layout { path: archive.layout.path().to_owned(), why };
        let (record, _) = archive.read_record().map_err(invalid)?;
        archive.record = record;
        Ok(Some(archive))
    }

    /// What it holds.
    #[must_use]
    pub const fn record(&self) -> &EvidenceRecord {
        &self.record
    }

    /// How sentences call it.
    #[must_use]
    pub fn place(&self) -> String {
        format!("the archive `{}`", self.layout.path())
    }

    /// The record with its bytes. The error is what is wrong with it.
    pub(super) fn read_record(&self) -> Result<(EvidenceRecord, Vec<u8>), String> {
        let about = self.layout.evidence().ok_or("it has no record")?;
        let bytes = self.own(about, limits::MANIFEST_BYTES)?;
        let manifest = Manifest::parse(about.clone(), bytes)
            .map_err(|why| format!("the manifest of its record is invalid: {why}"))?;
        let config = manifest.config().ok_or("the manifest of its record is an index")?;
        let bytes = self.own(&config.digest, RECORD_BYTES)?;
        let record = EvidenceRecord::read(&bytes).map_err(|why| format!("its record is invalid: {why}"))?;
        Ok((record, bytes))
    }

    fn own(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, String> {
        let bytes = match self.layout.file(digest, limit).map_err(|error| error.message)? {
            Fetched::Found(body) => body.bytes,
            Fetched::Absent => return Err(format!("its record {digest} is missing")),
            Fetched::TooLarge => return Err(format!("its record {digest} is larger than {limit} bytes")),
        };
        digest.check(&bytes).map_err(|mismatch| format!("its record was changed: {mismatch}"))?;
        Ok(bytes)
    }

    /// A manifest by name.
    pub(crate) fn manifest(
        &self,
        repository: &Repository,
        name: &Reference,
        limit: u64,
    ) -> Result<Fetched, EvaluationError> {
        let answers = self.record.repositories.get(&repository.to_string());
        let (digest, shown) = match name {
            Reference::Digest(digest) => {
                let answer = answers.and_then(|answers| answers.manifests.get(digest));
                if let Some(answer) = answer.and_then(unavailable) {
                    return answer;
                }
                (digest, format!("manifest {repository}@{digest}"))
            }
            Reference::Tag(tag) => {
                let shown = format!("tag {repository}:{tag}");
                match answers.and_then(|answers| answers.tags.get(tag)).ok_or_else(|| self.lacks(&shown))? {
                    Answer::Found(digest) => (digest, shown),
                    Answer::Absent => return Ok(Fetched::Absent),
                    Answer::Failed(error) => return Err(error.clone()),
                }
            }
        };
        let found = self.found(digest, limit, &shown)?;
        Ok(match (found, name) {
            (Fetched::Found(body), Reference::Tag(_)) => Fetched::Found(Body { named: Some(digest.clone()), ..body }),
            (found, _) => found,
        })
    }

    /// A blob.
    pub(crate) fn blob(
        &self,
        repository: &Repository,
        digest: &Digest,
        limit: u64,
    ) -> Result<Fetched, EvaluationError> {
        match self.blob_answer(repository, digest).and_then(unavailable) {
            Some(answer) => answer,
            None => self.found(digest, limit, &format!("blob {digest} of {repository}")),
        }
    }

    /// A blob to be read as it comes; none if there was none.
    pub(crate) fn stream(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Option<Box<dyn Read>>, EvaluationError> {
        match self.blob_answer(repository, digest) {
            Some(Answer::Absent) => Ok(None),
            Some(Answer::Failed(error)) => Err(error.clone()),
            Some(Answer::Found(_)) | None => {
                let file = self.layout.open_blob(digest)?;
                file.map(Some).ok_or_else(|| self.lacks(&format!("blob {digest} of {repository}")))
            }
        }
    }

    fn blob_answer(&self, repository: &Repository, digest: &Digest) -> Option<&Answer<u64>> {
        self.record.repositories.get(&repository.to_string()).and_then(|answers| answers.blobs.get(digest))
    }

    /// What refers to an image; none where the registry made no such lists.
    pub(crate) fn referrers(&self, image: &PinnedImage) -> Result<Option<Vec<Referrer>>, EvaluationError> {
        let answers = self.record.repositories.get(&image.repository.to_string());
        match answers.and_then(|answers| answers.referrers.get(&image.digest)) {
            Some(Answer::Found(listed)) => Ok(Some(listed.iter().cloned().map(Referrer::from).collect())),
            Some(Answer::Absent) => Ok(None),
            Some(Answer::Failed(error)) => Err(error.clone()),
            None => Err(self.lacks(&format!("list of referrers of {image}"))),
        }
    }

    /// Whether the repository's registry made no lists of referrers.
    pub(crate) fn lacks_referrers_api(&self, repository: &Repository) -> bool {
        let answers = self.record.repositories.get(&repository.to_string());
        answers.is_some_and(|answers| answers.referrers.values().any(|answer| *answer == Answer::Absent))
    }

    /// The pack of the commit that a reference named, or of the commit that it is.
    pub(crate) fn pack(&self, address: &str, reference: Option<&str>) -> Option<ArchivedPack<'_>> {
        let references = self.record.git.get(&redact::source(address))?;
        let wanted = reference.unwrap_or_default();
        let by_commit = || references.values().find(|answer| answer.commit == wanted);
        let answer = references.get(wanted).or_else(by_commit)?;
        Some(ArchivedPack { commit: &answer.commit, pack: &answer.pack })
    }

    /// Copies a pack.
    pub(crate) fn copy_pack(&self, pack: &ArchivedPack<'_>, to: &mut dyn io::Write) -> io::Result<()> {
        let file = self.layout.open_blob(&pack.pack.digest).map_err(io::Error::other)?;
        let file = file.ok_or_else(|| io::Error::other(format!("{} lacks a pack", self.place())))?;
        io::copy(&mut file.take(pack.pack.size), to)?;
        Ok(())
    }

    /// A file of a web server.
    pub(crate) fn web_file(&self, address: &str, limit: u64) -> Option<Result<Vec<u8>, EvaluationError>> {
        let content = self.record.files.get(&redact::source(address))?;
        Some(self.document(content, limit))
    }

    /// A plugin by the name of its file.
    #[must_use]
    pub fn plugin(&self, file: &str) -> Option<Result<Vec<u8>, EvaluationError>> {
        let content = self.record.plugins.get(file)?;
        Some(self.document(content, limits::PLUGIN_BYTES))
    }

    /// An object of a cluster by kind and name.
    #[must_use]
    pub fn cluster_object(&self, name: &str) -> Option<Result<Vec<u8>, EvaluationError>> {
        let content = self.record.cluster.get(name)?;
        Some(self.document(content, OBJECT_BYTES))
    }

    /// The trust root of keyless signatures.
    #[must_use]
    pub fn trust_root(&self) -> Option<Result<Vec<u8>, EvaluationError>> {
        self.record.trust_root.as_ref().map(|content| self.document(content, OBJECT_BYTES))
    }

    fn document(&self, content: &ArchivedContent, limit: u64) -> Result<Vec<u8>, EvaluationError> {
        let digest = &content.digest;
        let wrong = |code, what: String| {
            let message = format!("the content {digest} of {} {what}", self.place());
            EvaluationError::new(code, message).hint("collect the archive again")
        };
        match self.found(digest, limit, &format!("content {digest}"))? {
            Fetched::Found(body) => match digest.check(&body.bytes) {
                Ok(()) => Ok(body.bytes),
                Err(error) => Err(wrong(ErrorCode::DigestMismatch, format!("was changed: {error}"))),
            },
            Fetched::Absent => Err(self.lacks(&format!("content {digest}"))),
            Fetched::TooLarge => Err(wrong(ErrorCode::TooLarge, format!("is larger than {limit} bytes"))),
        }
    }

    /// Content that is there by its digest.
    fn found(&self, digest: &Digest, limit: u64, shown: &str) -> Result<Fetched, EvaluationError> {
        match self.layout.file(digest, limit)? {
            Fetched::Absent => Err(self.lacks(shown)),
            found => Ok(found),
        }
    }

    /// Nobody requested it when the archive was made, or it was taken out.
    pub(crate) fn lacks(&self, what: &str) -> EvaluationError {
        EvaluationError::new(ErrorCode::NotInArchive, format!("{} does not hold the {what}", self.place())).hint(
            "nothing is fetched with `--evidence`; collect the evidence again with the same Snapshot, policy and flags",
        )
    }
}

/// The answer that something was not there or could not be had.
fn unavailable<T>(answer: &Answer<T>) -> Option<Result<Fetched, EvaluationError>> {
    match answer {
        Answer::Found(_) => None,
        Answer::Absent => Some(Ok(Fetched::Absent)),
        Answer::Failed(error) => Some(Err(error.clone())),
    }
}

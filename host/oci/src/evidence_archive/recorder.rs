//! [`EvidenceRecorder`]: keeps every answer that a run gets, with its content on disk.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use assay_model::{
    digest::Digest,
    error::EvaluationError,
    image::{PinnedImage, Repository},
    redact,
};
use tempfile::{NamedTempFile, TempDir};

use super::record::{Answer, ArchivedContent, EvidenceRecord, GitAnswer, ManifestAnswer, RepositoryAnswers};
use crate::store::{Manifest, Reference, Referrer};

/// The answers of one run. The folder goes when it is dropped.
#[derive(Debug)]
pub struct EvidenceRecorder {
    folder: TempDir,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    record: EvidenceRecord,
    /// Why content could not be kept.
    failure: Option<io::Error>,
}

impl EvidenceRecorder {
    /// A recorder that keeps content in a new folder below `temporary`.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn new(temporary: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("assay-evidence-").tempdir_in(temporary)?;
        Ok(Self { folder, state: Mutex::default() })
    }

    /// The record so far.
    ///
    /// # Errors
    /// Some content could not be kept.
    pub fn record(&self) -> io::Result<EvidenceRecord> {
        let mut state = self.state();
        match state.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(state.record.clone()),
        }
    }

    /// Keeps a plugin under the name of its file.
    pub fn add_plugin(&self, file: &str, bytes: &[u8]) {
        self.add(bytes, |record, content| {
            record.plugins.insert(file.to_owned(), content);
        });
    }

    /// Keeps an object of a cluster; of a Secret the public key alone.
    pub fn add_cluster_object(&self, name: &str, bytes: &[u8]) {
        self.add(bytes, |record, content| {
            record.cluster.insert(name.to_owned(), content);
        });
    }

    /// Keeps the trust root of keyless signatures.
    pub fn add_trust_root(&self, bytes: &[u8]) {
        self.add(bytes, |record, content| record.trust_root = Some(content));
    }

    /// Keeps a file of a web server.
    pub(crate) fn add_file(&self, address: &str, bytes: &[u8]) {
        self.add(bytes, |record, content| {
            record.files.insert(redact::source(address), content);
        });
    }

    /// Keeps the pack of the commit that a reference names.
    pub(crate) fn add_pack(&self, address: &str, reference: Option<&str>, commit: &str, pack: &mut dyn Read) {
        let (address, reference) = (redact::source(address), reference.unwrap_or_default().to_owned());
        let kept = self.spool().and_then(|mut spool| {
            io::copy(pack, &mut spool.file)?;
            let bytes = spool.file.reopen()?;
            let (digest, size) = hash(bytes)?;
            self.keep(spool, &digest)?;
            Ok(ArchivedContent { digest, size })
        });
        self.note(kept, |record, pack| {
            let answer = GitAnswer { commit: commit.to_owned(), pack };
            record.git.entry(address).or_default().insert(reference, answer);
        });
    }

    /// Notes the answer to a request for a manifest.
    pub(crate) fn manifest(
        &self,
        repository: &Repository,
        name: &Reference,
        outcome: &Result<Option<Arc<Manifest>>, EvaluationError>,
    ) {
        let answer = match outcome {
            Ok(Some(manifest)) => {
                let (media_type, digest) = (manifest.media_type().to_owned(), manifest.digest().clone());
                self.add(manifest.bytes(), |record, content| {
                    let found = Answer::Found(ManifestAnswer { media_type, size: content.size });
                    note(&mut answers(record, repository).manifests, digest.clone(), found);
                    if let Reference::Tag(tag) = name {
                        note(&mut answers(record, repository).tags, tag.clone(), Answer::Found(digest));
                    }
                });
                return;
            }
            Ok(None) => None,
            Err(error) => Some(error.clone()),
        };
        let mut state = self.state();
        let answers = answers(&mut state.record, repository);
        match name {
            Reference::Tag(tag) => {
                note(&mut answers.tags, tag.clone(), answer.map_or(Answer::Absent, Answer::Failed));
            }
            Reference::Digest(digest) => {
                note(&mut answers.manifests, digest.clone(), answer.map_or(Answer::Absent, Answer::Failed));
            }
        }
    }

    /// Notes the answer to a request for a blob.
    pub(crate) fn blob(&self, repository: &Repository, digest: &Digest, outcome: &Result<Arc<[u8]>, EvaluationError>) {
        match outcome {
            Ok(bytes) => self.add(bytes, |record, content| {
                note(&mut answers(record, repository).blobs, digest.clone(), Answer::Found(content.size));
            }),
            Err(error) => self.lost_blob(repository, digest, error),
        }
    }

    /// Notes that a blob could not be had.
    pub(crate) fn lost_blob(&self, repository: &Repository, digest: &Digest, error: &EvaluationError) {
        let answer = if error.code == assay_model::error::ErrorCode::BlobNotFound {
            Answer::Absent
        } else {
            Answer::Failed(error.clone())
        };
        note(&mut answers(&mut self.state().record, repository).blobs, digest.clone(), answer);
    }

    /// Notes a list of referrers; none where the registry makes no such lists.
    pub(crate) fn referrers(&self, image: &PinnedImage, outcome: &Result<Option<Vec<Referrer>>, EvaluationError>) {
        let answer = match outcome {
            Ok(Some(listed)) => Answer::Found(listed.iter().map(Into::into).collect()),
            Ok(None) => Answer::Absent,
            Err(error) => Answer::Failed(error.clone()),
        };
        let mut state = self.state();
        note(&mut answers(&mut state.record, &image.repository).referrers, image.digest.clone(), answer);
    }

    /// What is read through it is kept, if [`keep_stream`](Self::keep_stream) says so.
    pub(crate) fn tee<'a>(&self, from: &'a mut dyn Read) -> Tee<'a> {
        Tee { from, spool: self.spool(), size: 0 }
    }

    /// Keeps what was read, which has this digest.
    pub(crate) fn keep_stream(
        &self,
        repository: &Repository,
        digest: &Digest,
        (spool, size): (io::Result<Spool>, u64),
    ) {
        let kept = spool.and_then(|spool| self.keep(spool, digest));
        self.note(kept, |record, ()| {
            note(&mut answers(record, repository).blobs, digest.clone(), Answer::Found(size));
        });
    }

    /// The content with this digest.
    pub(super) fn open(&self, digest: &Digest) -> io::Result<File> {
        Ok(fs_err::File::open(self.place(digest))?.into_parts().0)
    }

    fn add(&self, bytes: &[u8], change: impl FnOnce(&mut EvidenceRecord, ArchivedContent)) {
        let content =
            ArchivedContent { digest: Digest::of(bytes), size: u64::try_from(bytes.len()).unwrap_or(u64::MAX) };
        let kept = if self.place(&content.digest).exists() {
            Ok(())
        } else {
            self.spool().and_then(|mut spool| {
                spool.file.write_all(bytes)?;
                self.keep(spool, &content.digest)
            })
        };
        self.note(kept, |record, ()| change(record, content));
    }

    fn spool(&self) -> io::Result<Spool> {
        Ok(Spool { file: NamedTempFile::new_in(self.folder.path())? })
    }

    fn keep(&self, spool: Spool, digest: &Digest) -> io::Result<()> {
        // Another thread may have kept the same content.
        spool.file.persist(self.place(digest))?;
        Ok(())
    }

    fn note<T>(&self, kept: io::Result<T>, change: impl FnOnce(&mut EvidenceRecord, T)) {
        let mut state = self.state();
        match kept {
            Ok(kept) => change(&mut state.record, kept),
            Err(failure) => {
                state.failure.get_or_insert(failure);
            }
        }
    }

    fn place(&self, digest: &Digest) -> PathBuf {
        self.folder.path().join(digest.hex())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Content that is being written.
pub(crate) struct Spool {
    file: NamedTempFile,
}

/// Reads, and writes what it reads to a file.
pub(crate) struct Tee<'a> {
    from: &'a mut dyn Read,
    spool: io::Result<Spool>,
    size: u64,
}

impl Tee<'_> {
    /// Reads what is left, and gives the file with its size.
    pub(crate) fn finish(mut self) -> (io::Result<Spool>, u64) {
        // A failure shows to the reader of the stream itself.
        let _read = io::copy(&mut self, &mut io::sink());
        (self.spool, self.size)
    }
}

impl Read for Tee<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(to)?;
        self.size += u64::try_from(read).unwrap_or_default();
        if let Ok(spool) = &mut self.spool
            && let Err(error) = spool.file.write_all(to.get(..read).unwrap_or_default())
        {
            self.spool = Err(error);
        }
        Ok(read)
    }
}

fn answers<'a>(record: &'a mut EvidenceRecord, repository: &Repository) -> &'a mut RepositoryAnswers {
    record.repositories.entry(repository.to_string()).or_default()
}

fn note<K: Ord, T>(answers: &mut BTreeMap<K, Answer<T>>, key: K, answer: Answer<T>) {
    match answers.get_mut(&key) {
        Some(earlier) => earlier.merge(answer),
        None => {
            answers.insert(key, answer);
        }
    }
}

/// The digest and the length of a file.
fn hash(mut file: File) -> io::Result<(Digest, u64)> {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let (mut size, mut buffer) = (0, vec![0; 64 << 10]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        size += u64::try_from(read).unwrap_or_default();
        context.update(buffer.get(..read).unwrap_or_default());
    }
    Ok((crate::store::finished(context), size))
}

//! [`JobFolder`]: what is kept of one job of `plugin run`, so that another process goes on with it.
//!
//! A folder `plugin-jobs/ID` of the store: `job.json` (replaced as a whole), `notes.json` (the plugin's own notes), `blobs` (the
//! component and the files that it wrote, by digest) and `lock`. Everything is on disk before the step that it is about counts.

use std::{
    fs::{File, TryLockError},
    io::Write as _,
    os::unix::fs::DirBuilderExt as _,
    sync::Mutex,
};

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
};
use assay_wasm::CheckpointStore;
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::{RequestError, RequestErrorKind},
    read::read_bytes,
};

/// The folder of all jobs in a store.
const JOBS: &str = "plugin-jobs";

/// The document of a job: a state of 64 KiB as numbers, a Snapshot and the report.
const DOCUMENT_BYTES: u64 = 64 << 20;

/// A blob: a component, or a file that a job wrote.
const BLOB_BYTES: u64 = 256 << 20;

/// Characters of an ID.
const ID_LENGTH: usize = 8;

/// The folder of one job, which no other process works on.
pub(crate) struct JobFolder {
    id: String,
    path: Utf8PathBuf,
    /// Held until the process ends, however it does.
    _lock: File,
}

fn unavailable(error: &std::io::Error) -> RequestError {
    RequestError::from_error(error).with_kind(RequestErrorKind::StoreUnavailable)
}

impl JobFolder {
    /// A new job. `seed` makes its ID; another one with the same seed has another ID.
    pub(crate) fn create(store: &Utf8Path, seed: &str) -> Result<Self, RequestError> {
        let jobs = store.join(JOBS);
        fs_err::create_dir_all(&jobs).map_err(|error| unavailable(&error))?;
        for number in 0..1_000_u32 {
            let digest = Digest::of(format!("{seed}\n{}\n{number}", std::process::id()).as_bytes());
            let id: String = digest.hex().chars().take(ID_LENGTH).collect();
            let path = jobs.join(&id);
            // Parameters and responses are for this user alone.
            match std::fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {
                    fs_err::create_dir(path.join("blobs")).map_err(|error| unavailable(&error))?;
                    return Self::lock(id, path);
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(unavailable(&error).hint(format!("the folder is {jobs}"))),
            }
        }
        Err(RequestError::of(RequestErrorKind::StoreUnavailable, "there are too many jobs"))
    }

    /// A job that another process began.
    pub(crate) fn open(store: &Utf8Path, id: &str) -> Result<Self, RequestError> {
        let is_id = id.len() == ID_LENGTH && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let path = store.join(JOBS).join(id);
        if !is_id || !path.join("job.json").is_file() {
            let shown: String = id.chars().take(100).collect();
            return Err(RequestError::new(format!("there is no job `{shown}` in {store}"))
                .hint("the job was printed when it began; `--store` names the folder"));
        }
        Self::lock(id.to_owned(), path)
    }

    fn lock(id: String, path: Utf8PathBuf) -> Result<Self, RequestError> {
        let file = fs_err::File::create(path.join("lock")).map_err(|error| unavailable(&error))?;
        let lock = file.into_parts().0;
        match lock.try_lock() {
            Ok(()) => Ok(Self { id, path, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                Err(RequestError::new(format!("another process works on the job {id}")).hint("wait until it has ended"))
            }
            Err(TryLockError::Error(error)) => Err(unavailable(&error)),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The document of the job.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, RequestError> {
        let bytes = read_bytes(&self.path.join("job.json"), "a job", DOCUMENT_BYTES)?;
        serde_json::from_slice(&bytes).map_err(|error| {
            let fact = format!("the job {} was written by another version: {error}", self.id);
            RequestError::of(RequestErrorKind::Store, fact)
        })
    }

    /// Replaces the document.
    pub(crate) fn write<T: Serialize>(&self, document: &T) -> Result<(), RequestError> {
        let bytes = serde_json::to_vec(document).map_err(|error| RequestError::from_error(&error))?;
        write_durably(&self.path, "job.json", &bytes).map_err(|error| unavailable(&error))
    }

    /// Keeps bytes under their digest.
    pub(crate) fn put(&self, bytes: &[u8]) -> Result<Digest, RequestError> {
        let digest = Digest::of(bytes);
        write_durably(&self.path.join("blobs"), &digest.hex(), bytes).map_err(|error| unavailable(&error))?;
        Ok(digest)
    }

    /// Bytes by their digest.
    pub(crate) fn get(&self, digest: &Digest) -> Result<Vec<u8>, RequestError> {
        let bytes = read_bytes(&self.path.join("blobs").join(digest.hex()), "a job", BLOB_BYTES)?;
        digest
            .check(&bytes)
            .map_err(|error| RequestError::of(RequestErrorKind::StoreUnavailable, error.to_string()))?;
        Ok(bytes)
    }

    /// The notes of the plugin.
    pub(crate) fn notes(&self) -> Notes {
        Notes { folder: self.path.clone(), order: Mutex::new(()) }
    }
}

/// The notes of one job, in a file.
pub(crate) struct Notes {
    folder: Utf8PathBuf,
    /// A note is read and written in one step.
    order: Mutex<()>,
}

fn internal(what: &str) -> EvaluationError {
    EvaluationError::new(ErrorCode::Internal, format!("the notes of the job cannot be used: {what}"))
}

impl CheckpointStore for Notes {
    fn all(&self) -> Result<Vec<(String, Vec<u8>)>, EvaluationError> {
        let file = self.folder.join("notes.json");
        if !file.exists() {
            return Ok(Vec::new());
        }
        let bytes = read_bytes(&file, "a job", DOCUMENT_BYTES).map_err(|error| internal(&error.to_string()))?;
        serde_json::from_slice(&bytes).map_err(|error| internal(&error.to_string()))
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), EvaluationError> {
        let _order = self.order.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut notes = self.all()?;
        notes.retain(|(known, _)| known != key);
        notes.push((key.to_owned(), value.to_owned()));
        let bytes = serde_json::to_vec(&notes).map_err(|error| internal(&error.to_string()))?;
        write_durably(&self.folder, "notes.json", &bytes).map_err(|error| internal(&error.to_string()))
    }
}

/// Replaces a file as a whole: after a crash it is the old one or the new one.
fn write_durably(folder: &Utf8Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(name)).map_err(|error| error.error)?;
    fs_err::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap().join("store");
        (folder, path)
    }

    #[test]
    fn a_job_is_read_back_by_another_process_and_two_never_work_on_it() {
        let (_keep, store) = store();
        let first = JobFolder::create(&store, "a").unwrap();
        let second = JobFolder::create(&store, "a").unwrap();
        assert_ne!(first.id(), second.id());
        first.write(&vec![1, 2]).unwrap();
        let digest = first.put(b"x").unwrap();
        first.notes().set("job", b"42").unwrap();
        first.notes().set("job", b"43").unwrap();
        let id = first.id().to_owned();
        assert!(JobFolder::open(&store, &id).err().unwrap().to_string().contains("another process works on the job"));
        drop(first);
        let again = JobFolder::open(&store, &id).unwrap();
        assert_eq!(again.read::<Vec<u8>>().unwrap(), [1, 2]);
        assert_eq!(again.get(&digest).unwrap(), b"x");
        assert_eq!(again.notes().all().unwrap(), [("job".to_owned(), b"43".to_vec())]);
    }

    #[test]
    fn what_is_no_job_is_refused_with_where_it_was_looked_for() {
        let (_keep, store) = store();
        for id in ["", "../../x", "00000000"] {
            assert!(JobFolder::open(&store, id).err().unwrap().to_string().contains("there is no job"), "{id}");
        }
    }
}

//! [`BlobStore`] as files by digest: written under a temporary name, synced, renamed.

use std::io::{self, Read as _, Write as _};

use assay_model::{
    digest::Digest,
    port::{BlobStore, StoreError},
};
use camino::Utf8PathBuf;
use rusqlite::params;

use crate::{error::from_io, store::Store};

impl Store {
    fn blob_folder(&self, digest: &Digest) -> Utf8PathBuf {
        let start: String = digest.hex().chars().take(2).collect();
        self.folder.join("blobs").join(start)
    }

    pub(crate) fn blob_path(&self, digest: &Digest) -> Utf8PathBuf {
        self.blob_folder(digest).join(digest.hex())
    }

    fn write_blob(&self, digest: &Digest, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.blob_path(digest);
        if path.is_file() {
            return Ok(());
        }
        let failed = |error: io::Error| from_io(&io::Error::new(error.kind(), format!("`{path}`: {error}")));
        let folder = self.blob_folder(digest);
        fs_err::create_dir_all(&folder).map_err(|error| from_io(&error))?;
        let mut file = tempfile::NamedTempFile::new_in(&folder).map_err(failed)?;
        file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        (self.observer)("before-blob-rename");
        file.persist(&path).map_err(|error| failed(error.error))?;
        (self.observer)("after-blob-rename");
        Ok(())
    }
}

impl BlobStore for Store {
    fn put(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = Digest::of(bytes);
        let path = self.blob_path(&digest);
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        // The file may be collected until its row says that it is new.
        loop {
            self.write_blob(&digest, bytes)?;
            let (hash, now) = (*digest.as_bytes(), self.clock.now().as_millisecond());
            self.write_sql(move |connection| {
                connection
                    .prepare_cached(
                        "INSERT INTO blob (digest, size, added) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET added = ?3",
                    )?
                    .execute(params![hash, size, now])
            })?;
            if path.is_file() {
                return Ok(digest);
            }
        }
    }

    fn get(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, StoreError> {
        let path = self.blob_path(digest);
        let file = fs_err::File::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => StoreError::NotFound(format!("the store does not have {digest}")),
            _ => from_io(&error),
        })?;
        let mut bytes = Vec::new();
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| from_io(&error))?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
            return Err(StoreError::Invalid(format!(
                "{digest} in the store is larger than the limit of {limit} bytes"
            )));
        }
        let changed = |error| StoreError::Damaged(format!("`{path}` was changed: {error}; remove the file"));
        digest.check(&bytes).map_err(changed)?;
        Ok(bytes)
    }

    fn contains(&self, digest: &Digest) -> Result<bool, StoreError> {
        Ok(self.blob_path(digest).is_file())
    }
}

//! [`Cache`]: what was fetched, kept on disk between runs under the name of its content.
//!
//! Blobs lie under their SHA-256, packs of git under their commit. What is read is checked anew, so a cache that was
//! tampered with or cut short costs a fetch and never changes a policy: [`Cache::blob`] compares the digest, and a pack is
//! only ever unpacked by git, which names every object by what it holds.

use std::{
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use assay_model::digest::Digest;
use tempfile::TempDir;

/// Leftovers of runs that were ended by force are removed when they are this old.
const LEFTOVERS: Duration = Duration::from_secs(24 * 3600);

/// A folder with what was fetched.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// Opens a cache, which is made if it is not there. Only its owner may read it: private policies are in it.
    pub fn open(root: &Path) -> io::Result<Self> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        for folder in ["sha256", "git", "work"] {
            let folder = root.join(folder);
            builder
                .create(&folder)
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", folder.display())))?;
        }
        let cache = Self { root: root.to_owned() };
        cache.remove_leftovers()?;
        Ok(cache)
    }

    /// A new folder to work in, on the same disk. It goes when it is dropped.
    pub(super) fn work(&self) -> io::Result<TempDir> {
        tempfile::Builder::new().prefix("run-").tempdir_in(self.root.join("work"))
    }

    /// A blob of at most `limit` bytes. One that is not what its name says is removed.
    pub(super) fn blob(&self, digest: &Digest, limit: u64) -> Option<Vec<u8>> {
        let path = self.blob_path(digest);
        let mut bytes = Vec::new();
        fs_err::File::open(&path).ok()?.take(limit.saturating_add(1)).read_to_end(&mut bytes).ok()?;
        if bytes.len() as u64 > limit {
            return None;
        }
        if digest.check(&bytes).is_err() {
            let _gone = fs_err::remove_file(&path);
            return None;
        }
        Some(bytes)
    }

    /// Keeps a blob that was checked. That it cannot be kept is no error of the run.
    pub(super) fn keep_blob(&self, digest: &Digest, bytes: &[u8]) {
        let path = self.blob_path(digest);
        if !path.exists() {
            let _kept = self.keep(&path, &mut &*bytes);
        }
    }

    /// The pack of a commit, unchecked.
    pub(super) fn pack(&self, commit: &str) -> Option<PathBuf> {
        Some(self.pack_path(commit)).filter(|path| path.is_file())
    }

    /// Keeps the pack of a commit.
    pub(super) fn keep_pack(&self, commit: &str, pack: &Path) {
        let path = self.pack_path(commit);
        if !path.exists()
            && let Ok(mut file) = fs_err::File::open(pack)
        {
            let _kept = self.keep(&path, &mut file);
        }
    }

    /// Removes a pack that is not what its name says.
    pub(super) fn drop_pack(&self, commit: &str) {
        let _gone = fs_err::remove_file(self.pack_path(commit));
    }

    fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("sha256").join(digest.hex())
    }

    fn pack_path(&self, commit: &str) -> PathBuf {
        self.root.join("git").join(format!("{commit}.pack"))
    }

    /// Writes a file beside its place and renames it, so that no half is ever found.
    fn keep(&self, path: &Path, content: &mut dyn io::Read) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(self.root.join("work"))?;
        io::copy(content, &mut file)?;
        file.flush()?;
        file.persist(path)?;
        Ok(())
    }

    /// The age is measured against a folder made now, by the disk's own clock.
    fn remove_leftovers(&self) -> io::Result<()> {
        let now = self.work()?;
        let now = fs_err::metadata(now.path())?.modified()?;
        for entry in fs_err::read_dir(self.root.join("work"))?.filter_map(Result::ok) {
            let made = entry.metadata().and_then(|found| found.modified());
            let is_old = made.is_ok_and(|made| now.duration_since(made).is_ok_and(|age| age > LEFTOVERS));
            if is_old {
                let _gone = fs_err::remove_dir_all(entry.path()).or_else(|_| fs_err::remove_file(entry.path()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_that_is_not_what_its_name_says_is_not_read_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let digest = Digest::of(b"good");
        assert_eq!(cache.blob(&digest, 10), None);
        cache.keep_blob(&digest, b"good");
        assert_eq!(cache.blob(&digest, 10).as_deref(), Some(&b"good"[..]));
        assert_eq!(cache.blob(&digest, 3), None, "over the limit");
        fs_err::write(cache.blob_path(&digest), b"evil").unwrap();
        assert_eq!(cache.blob(&digest, 10), None);
        assert!(!cache.blob_path(&digest).exists());
    }

    #[test]
    fn leftovers_go_when_they_are_old() {
        let folder = tempfile::tempdir().unwrap();
        Cache::open(folder.path()).unwrap();
        let (old, new) = (folder.path().join("work/run-old"), folder.path().join("work/run-new"));
        for path in [&old, &new] {
            fs_err::create_dir(path).unwrap();
        }
        let made = fs_err::metadata(&new).unwrap().modified().unwrap();
        std::fs::File::open(&old).unwrap().set_modified(made - 2 * LEFTOVERS).unwrap();
        Cache::open(folder.path()).unwrap();
        assert!(!old.exists() && new.exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_a_cache() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        Cache::open(&folder.path().join("cache")).unwrap();
        for name in ["cache", "cache/git"] {
            let mode = fs_err::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
        }
    }
}

//! [`Cache`]: what was fetched, kept on disk between runs under the name of its content.
//!
//! Blobs lie under their SHA-256, those of images beside their repository, packs of git under their commit. What is read is checked anew, so a cache that was
//! tampered with or cut short costs a fetch and never changes a policy: [`Cache::blob`] compares the digest, and a pack is
//! only ever unpacked by git, which names every object by what it holds. Entries are regular files of our own; a pipe, a
//! link or another user's file is removed and counts as absent. All entries together have a limit ([`CACHE_BYTES`]).
//!
//! What was computed of such content ([`Cache::derived`]) is not named by what it holds, so that a digest of it stands in front of it:
//! one that is damaged is not used. It is only used where nobody else can write.
//!
//! A folder that belongs to another user, or that others can write to, is refused. Where only a folder above can be
//! writable by others, who could then put another folder in this one's place, its entries are used all the same, since
//! they are checked, but nothing is unpacked there.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use assay_model::{
    bounded::{read_bounded, read_expected},
    digest::Digest,
    image::Repository,
};
use rustix::{
    fs::{Timespec, Timestamps, UTIME_NOW, futimens},
    process::geteuid,
};
use tempfile::TempDir;

use super::beneath::Folder;

/// Leftovers of runs that were ended by force are removed when they are this old.
const LEFTOVERS: Duration = Duration::from_secs(24 * 3600);
/// The bytes of all entries. What was not read for the longest time goes first.
const CACHE_BYTES: u64 = 2 << 30;

/// How much may be added before the folders are looked through again, as a part of the limit.
const UNCOUNTED: u64 = 16;

/// The bytes of one entry that was computed: compiled policies and data have a few, and they are in memory when they are read.
const DERIVED_BYTES: u64 = 256 << 20;

/// The folders of entries.
const FOLDERS: [&str; 4] = ["sha256", "git", "images", "derived"];

/// Bits of a mode that let others write.
const OTHERS_WRITE: u32 = 0o022;
/// The bit of a folder in which each may remove only what is his own.
const STICKY: u32 = 0o1000;

/// A folder with what was fetched.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
    blobs: Arc<Folder>,
    packs: Arc<Folder>,
    images: Arc<Folder>,
    derived: Arc<Folder>,
    limit: u64,
    /// What was added since the folders were looked through; the first entry has them looked through.
    added: Arc<AtomicU64>,
    /// Whether nobody else can put another folder in this one's place.
    is_safe: bool,
}

impl Cache {
    /// Opens a cache, which is made if it is not there. Only its owner may read it: private policies are in it.
    ///
    /// # Errors
    /// It cannot be made, is a link, belongs to another user or can be writable by others.
    pub fn open(root: &Path) -> io::Result<Self> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", root.display()));
        if fs_err::symlink_metadata(root).is_ok_and(|about| about.is_symlink()) {
            return Err(named(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "it is a link; pass the directory itself",
            )));
        }
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(root).map_err(named)?;
        let root = fs_err::canonicalize(root)?;
        let folder = Folder::open(&root)?;
        folder.check_own()?;
        let [blobs, packs, images, derived, work] = ["sha256", "git", "images", "derived", "work"].map(|name| {
            let below = folder.make(&[name])?;
            below.check_own()?;
            Ok::<_, io::Error>(below)
        });
        work?;
        let is_safe = root.ancestors().skip(1).all(is_safe);
        let [blobs, packs] = [Arc::new(blobs?), Arc::new(packs?)];
        let [images, derived] = [Arc::new(images?), Arc::new(derived?)];
        let added = Arc::new(AtomicU64::new(u64::MAX));
        let cache = Self { root, blobs, packs, images, derived, limit: CACHE_BYTES, added, is_safe };
        if is_safe {
            cache.remove_leftovers()?;
        }
        Ok(cache)
    }

    /// A new folder to work in, on the same disk where that is safe. It goes when it is dropped.
    pub(super) fn work(&self) -> io::Result<TempDir> {
        if self.is_safe { private().prefix("run-").tempdir_in(self.root.join("work")) } else { temporary() }
    }

    /// A blob of at most `limit` bytes. One that is not what its name says is removed.
    pub(super) fn blob(&self, digest: &Digest, limit: u64) -> Option<Vec<u8>> {
        checked(&self.blobs, &digest.hex(), digest, limit)
    }

    /// A blob of a repository, of at most `limit` bytes. Others' repositories that have the same blob do not give it: who
    /// knows its digest may still not be allowed to read it.
    pub(crate) fn image_blob(&self, repository: &Repository, digest: &Digest, limit: u64) -> Option<Vec<u8>> {
        checked(&self.images, &image_name(repository, digest), digest, limit)
    }

    /// Stores a verified blob of a repository. A failure to store it is not an error of the run.
    pub(crate) fn keep_image_blob(&self, repository: &Repository, digest: &Digest, bytes: &[u8]) {
        let name = image_name(repository, digest);
        if entry(&self.images, &name).is_none() {
            let _kept = self.keep(&self.root.join("images").join(name), &mut &*bytes);
        }
    }

    /// Stores a verified blob. A failure to store it is not an error of the run.
    pub(super) fn keep_blob(&self, digest: &Digest, bytes: &[u8]) {
        if entry(&self.blobs, &digest.hex()).is_none() {
            let _kept = self.keep(&self.root.join("sha256").join(digest.hex()), &mut &*bytes);
        }
    }

    /// What was computed and kept under a name that says of what, and by which program.
    #[must_use]
    pub fn derived(&self, name: &Digest) -> Option<Vec<u8>> {
        if !self.is_safe {
            return None;
        }
        let name = name.hex();
        let mut file = entry(&self.derived, &name)?;
        mark_as_read(&file);
        let expected = file.metadata().ok()?.len();
        let mut read = || {
            let mut digest = [0; 32];
            file.read_exact(&mut digest).ok()?;
            let bytes = read_expected(&file, DERIVED_BYTES, expected).ok()?;
            (*derived_digest(&name, &bytes).as_bytes() == digest).then_some(bytes)
        };
        let bytes = read();
        if bytes.is_none() {
            let _gone = self.derived.remove_file(&name);
        }
        bytes
    }

    /// Stores what was computed. A failure to store it is not an error of the run.
    pub fn keep_derived(&self, name: &Digest, bytes: &[u8]) {
        if self.is_safe && bytes.len() as u64 <= DERIVED_BYTES {
            let name = name.hex();
            let digest = derived_digest(&name, bytes);
            let _kept = self.keep(&self.root.join("derived").join(name), &mut digest.as_bytes().chain(bytes));
        }
    }

    /// The pack of a commit, unchecked.
    pub(super) fn pack(&self, commit: &str) -> Option<File> {
        entry(&self.packs, &pack_name(commit)).inspect(mark_as_read)
    }

    /// Keeps the pack of a commit.
    pub(super) fn keep_pack(&self, commit: &str, pack: &mut File) {
        if self.pack(commit).is_none() {
            let _kept = self.keep(&self.root.join("git").join(pack_name(commit)), pack);
        }
    }

    /// Removes a pack that is not what its name says.
    pub(super) fn drop_pack(&self, commit: &str) {
        let _gone = self.packs.remove_file(&pack_name(commit));
    }

    /// Writes a temporary file and renames it, so that no partial file is ever found.
    fn keep(&self, path: &Path, content: &mut dyn io::Read) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(self.root.join("work"))?;
        let bytes = io::copy(content, &mut file)?;
        file.flush()?;
        file.persist(path)?;
        let before = self.added.load(Ordering::Relaxed);
        self.added.store(before.saturating_add(bytes), Ordering::Relaxed);
        if before.saturating_add(bytes) > self.limit / UNCOUNTED {
            self.added.store(0, Ordering::Relaxed);
            self.evict()?;
        }
        Ok(())
    }

    /// Removes entries, those that were not read for the longest time first, until the rest is within the limit. Another
    /// process may do the same at the same time, and who reads an entry that goes has it open.
    fn evict(&self) -> io::Result<()> {
        let mut entries = Vec::new();
        for folder in FOLDERS {
            for found in fs_err::read_dir(self.root.join(folder))?.filter_map(Result::ok) {
                let Ok(about) = found.metadata() else { continue };
                entries.push((about.modified()?, about.len(), folder, found.file_name()));
            }
        }
        let mut all: u64 = entries.iter().map(|(_, bytes, ..)| bytes).sum();
        entries.sort();
        for (_, bytes, folder, name) in entries {
            if all <= self.limit {
                break;
            }
            let Some(name) = name.to_str() else { continue };
            let folder = match folder {
                "git" => &self.packs,
                "images" => &self.images,
                "derived" => &self.derived,
                _ => &self.blobs,
            };
            let _gone = folder.remove_file(name);
            all = all.saturating_sub(bytes);
        }
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

/// An entry of a cache. What is there and is none is removed.
fn entry(folder: &Folder, name: &str) -> Option<File> {
    match folder.read_file(name) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(_) => {
            let _gone = folder.remove_file(name);
            None
        }
    }
}

/// The content of an entry, if that is what its name says. Otherwise the entry goes.
fn checked(folder: &Folder, name: &str, digest: &Digest, limit: u64) -> Option<Vec<u8>> {
    let file = entry(folder, name)?;
    if file.metadata().ok()?.len() > limit {
        return None;
    }
    mark_as_read(&file);
    let bytes = read_bounded(file, limit).ok()?;
    if digest.check(&bytes).is_err() {
        let _gone = folder.remove_file(name);
        return None;
    }
    Some(bytes)
}

/// The digest in front of what was computed, of its name as well: an entry with the name of another one is none.
fn derived_digest(name: &str, bytes: &[u8]) -> Digest {
    Digest::of_parts(&[name.as_bytes(), bytes])
}

/// Gives an entry the present time, by which it is the last to go.
fn mark_as_read(file: &File) {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let _marked = futimens(file, &Timestamps { last_access: now, last_modification: now });
}

/// The name of a repository's blob: without the repository's own text, which could be too long for a file.
fn image_name(repository: &Repository, digest: &Digest) -> String {
    let of = Digest::of(repository.to_string().as_bytes()).hex();
    format!("{}-{}", of.get(..32).unwrap_or_default(), digest.hex())
}

fn pack_name(commit: &str) -> String {
    format!("{commit}.pack")
}

/// Makes folders that only their owner may look into.
fn private() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.permissions(std::fs::Permissions::from_mode(0o700));
    builder
}

/// A new folder among the system's temporary ones that only its owner may look into. It goes when it is dropped.
pub(super) fn temporary() -> io::Result<TempDir> {
    private().prefix("assay-").tempdir()
}

/// Makes a folder that only its owner may look into.
pub(super) fn private_folder(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().mode(0o700).create(path)
}

/// Whether nobody but us and the system's owner can rename what is in a folder.
fn is_safe(folder: &Path) -> bool {
    fs_err::symlink_metadata(folder).is_ok_and(|about| {
        let is_ours = about.uid() == 0 || about.uid() == geteuid().as_raw();
        is_ours && (about.mode() & OTHERS_WRITE == 0 || about.mode() & STICKY != 0)
    })
}

#[cfg(test)]
mod tests;

//! [`CodeCache`]: native code of components on the local disk, so that a component is compiled once.
//!
//! Code is mapped and run without being validated: a file here can do whatever this process can. So the folders and files
//! belong to this user, no one else may write or read them, no link is followed, the file that is checked is the one that
//! is mapped, and remote file systems are not used. The digest in the record finds damaged files. Code is never shipped,
//! and never taken from an image, an archive or a temporary folder.
//!
//! Layout: `ENGINE/COMPONENT.cwasm` with the record `ENGINE/COMPONENT.json` beside it, which is written last. `ENGINE`
//! depends on the version of the compiler, its options and the features of this CPU.

use std::{
    fs::{File, Metadata, OpenOptions},
    hash::{Hash as _, Hasher as _},
    io::{self, Read as _, Seek as _, Write as _},
    os::{
        fd::AsRawFd as _,
        unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
    time::SystemTime,
};

use assay_model::digest::Digest;
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

use crate::values::RawManifest;

/// Where compiled components are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeCache {
    folder: PathBuf,
    is_verified: bool,
    most_bytes: u64,
}

/// One component in the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CachedCode {
    /// The digest of the component.
    pub component: String,
    /// The engine that it was compiled for.
    pub engine: String,
    /// Bytes of native code.
    pub size: u64,
    /// When it was last used.
    #[serde(skip)]
    pub used: SystemTime,
}

/// What is known of a component beside its code.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    version: u32,
    /// The digest and size of the code.
    code: String,
    size: u64,
    pub(crate) world: String,
    pub(crate) manifest: RawManifest,
}

/// The record of a component, and the folder of the engine that it was found in.
pub(crate) struct Known {
    folder: PathBuf,
    pub(crate) record: Record,
}

/// The version of the layout and of the records.
const VERSION: u32 = 1;

/// A record: a manifest is bounded by what a guest may return at once.
const RECORD_BYTES: u64 = 32 << 20;

/// Remote file systems (statfs(2)), where locks and owners are not what they seem: NFS, SMB, CIFS, SMB2, AFS, 9P, Ceph.
const REMOTE: [u64; 7] = [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x5346_414f, 0x0102_1997, 0x00c3_6400];

impl CodeCache {
    /// All native code together; the least recently used is removed.
    pub const MOST_BYTES: u64 = 2 << 30;

    /// The environment variable that names another folder, or `off`.
    pub const VARIABLE: &str = "ASSAY_PLUGIN_CACHE";

    /// The cache in a folder, which is created when something is kept.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder, is_verified: true, most_bytes: Self::MOST_BYTES }
    }

    /// The same, without comparing code with its digest: faster, and blind to damaged files.
    #[must_use]
    pub fn without_verification(self) -> Self {
        Self { is_verified: false, ..self }
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// What is in the cache, the least recently used first.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self) -> io::Result<Vec<CachedCode>> {
        let mut found = Vec::new();
        for engine in entries(&self.folder)? {
            for file in entries(&engine)? {
                let metadata = std::fs::symlink_metadata(&file)?;
                let (Some(name), true) = (file.file_stem(), file.extension().is_some_and(|end| end == "cwasm")) else {
                    continue;
                };
                found.push(CachedCode {
                    component: format!("sha256:{}", name.to_string_lossy()),
                    engine: engine.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                    size: metadata.len(),
                    used: metadata.modified()?,
                });
            }
        }
        found.sort_by(|one, other| one.used.cmp(&other.used).then_with(|| one.component.cmp(&other.component)));
        Ok(found)
    }

    /// Removes the least recently used code until all of it has at most so many bytes, and gives what was removed.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn prune(&self, most_bytes: u64) -> io::Result<Vec<CachedCode>> {
        let found = self.list()?;
        let mut size: u64 = found.iter().map(|one| one.size).sum();
        let mut removed = Vec::new();
        for one in found {
            if size <= most_bytes {
                break;
            }
            let name = one.component.trim_start_matches("sha256:");
            let base = self.folder.join(&one.engine).join(name);
            for end in ["json", "cwasm", "lock"] {
                match fs_err::remove_file(base.with_extension(end)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            size = size.saturating_sub(one.size);
            removed.push(one);
        }
        Ok(removed)
    }

    /// What is known of a component that was compiled for any engine.
    pub(crate) fn known(&self, component: &Digest) -> Option<Known> {
        let engines = entries(&self.folder).ok()?;
        engines.into_iter().find_map(|folder| {
            check_folder(&folder).ok()?;
            Some(Known { record: read_record(&folder.join(component.hex()))?, folder })
        })
    }

    /// A component that was compiled for this engine, of which something is [known](Self::known). Whatever is wrong with it
    /// is as if it were not there.
    pub(crate) fn find(
        &self,
        engine: &wasmtime::Engine,
        component: &Digest,
        known: Known,
    ) -> Option<(Component, Record)> {
        let folder = self.folder.join(engine_name(engine));
        check_folder(&self.folder).ok()?;
        let base = folder.join(component.hex());
        let record = if known.folder == folder {
            known.record
        } else {
            check_folder(&folder).ok()?;
            read_record(&base)?
        };
        let mut code = open(&base.with_extension("cwasm")).ok()?;
        let mut is_same =
            || digest_of(&mut code).is_ok_and(|(digest, size)| digest == record.code && size == record.size);
        if self.is_verified && !is_same() {
            return None;
        }
        let component = map(engine, &code).ok()?;
        // Only the order of removal depends on it.
        #[expect(clippy::disallowed_methods, reason = "when a file was used is a fact of this machine")]
        let _used = code.set_modified(SystemTime::now());
        Some((component, record))
    }

    /// Keeps the code of a component for another one, too, that has the same code.
    pub(crate) fn keep_as(&self, engine: &wasmtime::Engine, component: &Digest, other: &Digest) -> io::Result<()> {
        let base = self.folder.join(engine_name(engine)).join(component.hex());
        let record = read_record(&base).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let mut code = open(&base.with_extension("cwasm"))?;
        let reserved = self.reserve(engine, other)?;
        io::copy(&mut code, &mut reserved.file()?)?;
        reserved.keep(&record.world, &record.manifest)
    }

    /// Room for the code of a component, which nobody else compiles meanwhile.
    ///
    /// # Errors
    /// The folder cannot be used: one sentence for people.
    pub(crate) fn reserve(&self, engine: &wasmtime::Engine, component: &Digest) -> io::Result<Reserved> {
        make_folder(&self.folder)?;
        let folder = self.folder.join(engine_name(engine));
        make_folder(&folder)?;
        let base = folder.join(component.hex());
        let lock = options().write(true).create(true).truncate(false).open(base.with_extension("lock"))?;
        check_file(&lock.metadata()?)?;
        lock.lock()?;
        let temporary = base.with_extension(format!("{}.tmp", std::process::id()));
        match fs_err::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let code = options().read(true).write(true).create_new(true).open(&temporary)?;
        Ok(Reserved { cache: self.clone(), base, temporary, code, _lock: lock })
    }
}

/// A file for the code of one component.
pub(crate) struct Reserved {
    cache: CodeCache,
    base: PathBuf,
    temporary: PathBuf,
    code: File,
    _lock: File,
}

impl Reserved {
    /// The file that the code is written to.
    pub(crate) fn file(&self) -> io::Result<File> {
        self.code.try_clone()
    }

    /// The component of the code that was written.
    pub(crate) fn component(&self, engine: &wasmtime::Engine) -> wasmtime::Result<Component> {
        map(engine, &self.code)
    }

    /// Keeps the code with what is known of the component.
    pub(crate) fn keep(mut self, world: &str, manifest: &RawManifest) -> io::Result<()> {
        self.code.sync_all()?;
        let (code, size) = digest_of(&mut self.code)?;
        let record = Record { version: VERSION, code, size, world: world.to_owned(), manifest: manifest.clone() };
        let text = serde_json::to_vec(&record)?;
        let record = self.base.with_extension("json");
        let written = self.temporary.with_extension("record");
        let mut file = options().write(true).create(true).truncate(true).open(&written)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs_err::rename(&self.temporary, self.base.with_extension("cwasm"))?;
        fs_err::rename(&written, &record)?;
        self.cache.prune(self.cache.most_bytes).map(drop)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        // What was kept has another name by now.
        let _removed = std::fs::remove_file(&self.temporary);
    }
}

/// Maps native code that this process, or a child of it, compiled.
pub(crate) fn map(engine: &wasmtime::Engine, code: &File) -> wasmtime::Result<Component> {
    // The path of the open file, so that what was checked is what is mapped.
    let path = format!("/proc/self/fd/{}", code.as_raw_fd());
    #[expect(unsafe_code, reason = "native code is loaded from files that only this user can have written")]
    // SAFETY: the file was written by the compiler of this program and belongs to this user alone (`check_file`), or has
    // no name at all; wasmtime checks that it was compiled by the same version with the same options.
    unsafe {
        Component::deserialize_file(engine, path)
    }
}

/// A name for the engine's version, options and CPU features.
fn engine_name(engine: &wasmtime::Engine) -> String {
    let mut hasher = std::hash::DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{}-{:016x}", env!("CARGO_PKG_VERSION"), hasher.finish())
}

fn digest_of(file: &mut File) -> io::Result<(String, u64)> {
    file.rewind()?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    let mut size = 0;
    loop {
        let read = file.read(&mut buffer)?;
        let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else { break };
        hash.update(part);
        size += read as u64;
    }
    Ok((Digest::from_sha256(hash.finalize().into()).to_string(), size))
}

/// The record at `base`, of this version.
fn read_record(base: &Path) -> Option<Record> {
    let mut text = Vec::new();
    open(&base.with_extension("json")).ok()?.take(RECORD_BYTES).read_to_end(&mut text).ok()?;
    let record: Record = serde_json::from_slice(&text).ok()?;
    (record.version == VERSION).then_some(record)
}

/// Opens files that are no links, for this user alone.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600).custom_flags(i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default());
    options
}

fn open(path: &Path) -> io::Result<File> {
    let file = options().read(true).open(path)?;
    check_file(&file.metadata()?)?;
    Ok(file)
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why.to_owned())
}

fn check_file(metadata: &Metadata) -> io::Result<()> {
    if !metadata.is_file() || metadata.nlink() != 1 {
        return Err(refused("it is not a plain file"));
    }
    check_owner(metadata)
}

fn check_owner(metadata: &Metadata) -> io::Result<()> {
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused("it belongs to another user"));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(refused("other users have access to it"));
    }
    Ok(())
}

/// A folder of this user alone, on a local file system.
fn check_folder(folder: &Path) -> io::Result<()> {
    let metadata = std::fs::symlink_metadata(folder)?;
    if !metadata.is_dir() {
        return Err(refused("it is not a folder"));
    }
    check_owner(&metadata)?;
    let kind = rustix::fs::statfs(folder)?.f_type;
    #[expect(clippy::cast_sign_loss, reason = "the type is 32 bits without a sign in a word with one")]
    let kind = kind as u64 & 0xffff_ffff;
    if REMOTE.contains(&kind) { Err(refused("it is on a remote file system")) } else { Ok(()) }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.and_then(|()| check_folder(folder)).map_err(|error| {
        io::Error::new(error.kind(), format!("the folder {} cannot be used: {error}", folder.display()))
    })
}

/// What is in a folder, sorted; nothing if it does not exist.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let listed = match fs_err::read_dir(folder) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        listed => listed?,
    };
    let mut found = listed.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;

//! [`ImageLayout`]: an OCI image layout (image-spec 1.1 `image-layout.md`) as a folder or one tar file.
//!
//! `index.json` names manifests by the annotation `org.opencontainers.image.ref.name`, here `repository:tag` or
//! `repository@sha256:…`, the repository with or without its registry. Names are for manifests; every other content
//! is `blobs/sha256/HEX` and found by digest. What is not here is absent: nothing is ever fetched from elsewhere.
//!
//! No path comes out of the layout's own text: file names are made from digests, and symbolic links are not followed.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::{Path, PathBuf},
};

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    image::{DOCKER_HUB, Repository},
    limits,
    memory::Memory,
    strict::{self, Shape},
};
use serde::Deserialize;

use super::{
    cosign_save::{SavedImage, saved_image},
    fetched::{Body, Fetched, Reference},
    layout_file::{LayoutError, ReadResult, read_within},
    layout_index::{Entry, Index},
    manifest::MANIFEST,
    tar::TarFile,
};
use crate::evidence_archive::EVIDENCE_TYPE;

/// The annotation by which an index names an image (image-spec `annotations.md`).
pub(super) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The file that says that a folder is a layout, and its size here; the known version has 30 bytes.
pub(super) const LAYOUT_FILE: &str = "oci-layout";
const LAYOUT_BYTES: u64 = 4096;
pub(super) const INDEX_FILE: &str = "index.json";

/// An opened layout: its names are read, its content is on disk.
pub(crate) struct ImageLayout {
    path: String,
    files: Files,
    repositories: BTreeMap<String, Named>,
    /// The manifest of the record of an evidence archive.
    evidence: Option<Digest>,
    /// The image of a layout that `cosign save` made.
    saved: Option<SavedImage>,
}

impl fmt::Debug for ImageLayout {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("ImageLayout").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What the index names in one repository.
#[derive(Default)]
struct Named {
    tags: BTreeMap<String, Entry>,
    digests: BTreeMap<Digest, Entry>,
}

enum Files {
    Folder(PathBuf),
    Tar(TarFile),
}

/// The keys of an `oci-layout` file.
const LAYOUT: Shape = Shape::Object(&[("imageLayoutVersion", Shape::Any)]);

#[derive(Deserialize)]
struct Layout {
    #[serde(rename = "imageLayoutVersion")]
    version: String,
}

impl ImageLayout {
    /// Opens a folder or a tar file and reads its names.
    pub(crate) fn open(path: &Path) -> Result<Self, LayoutError> {
        let shown = path.display().to_string();
        let unreadable = |source| LayoutError::Unreadable { path: shown.clone(), source };
        let layout = |why| LayoutError::Layout { path: shown.clone(), why };
        let metadata = fs_err::metadata(path).map_err(unreadable)?;
        let files = if metadata.is_dir() {
            Files::Folder(path.to_owned())
        } else if metadata.is_file() {
            Files::Tar(TarFile::open(path, &shown)?)
        } else {
            return Err(layout("it is neither a directory nor a file".to_owned()));
        };
        let read = |name, limit| -> Result<Vec<u8>, LayoutError> {
            match files.read(&[name], limit).map_err(unreadable)? {
                ReadResult::Bytes(bytes) => Ok(bytes),
                ReadResult::TooLarge => Err(layout(format!("its `{name}` is larger than {limit} bytes"))),
                ReadResult::Absent => Err(layout(format!("it has no `{name}`"))),
                ReadResult::NotAFile(what) => Err(layout(format!("its `{name}` is {what}"))),
            }
        };
        let version = read(LAYOUT_FILE, LAYOUT_BYTES)?;
        let version: Layout = strict::check(&version, &LAYOUT, &Memory::of(limits::MANIFEST_MEMORY))
            .and_then(|text| serde_json::from_str(text).map_err(|error| error.to_string()))
            .map_err(|error| layout(format!("its `{LAYOUT_FILE}` cannot be parsed: {error}")))?;
        if !version.version.starts_with("1.") {
            return Err(layout(format!("its version is `{}`, not 1.0.0", version.version)));
        }
        let index = read(INDEX_FILE, limits::LAYOUT_INDEX_BYTES)?;
        let index: Index = strict::check(&index, &MANIFEST, &Memory::of(limits::LAYOUT_INDEX_MEMORY))
            .and_then(|text| serde_json::from_str(text).map_err(|error| error.to_string()))
            .map_err(|error| layout(format!("its `{INDEX_FILE}` cannot be parsed: {error}")))?;
        let evidence = evidence(&index).map_err(layout)?;
        let saved = saved_image(&index).map_err(layout)?;
        let repositories = names(index, evidence.is_some() || saved.is_some()).map_err(layout)?;
        Ok(Self { path: shown, files, repositories, evidence, saved })
    }

    /// Where it is, as it was given.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The manifest of the record, if this is an evidence archive.
    pub(crate) const fn evidence(&self) -> Option<&Digest> {
        self.evidence.as_ref()
    }

    /// How sentences call it.
    pub(super) fn place(&self) -> String {
        format!("the layout `{}`", self.path)
    }

    /// A manifest by name.
    pub(super) fn manifest(
        &self,
        repository: &Repository,
        name: &Reference,
        limit: u64,
    ) -> Result<Fetched, EvaluationError> {
        let named = || spellings(repository).into_iter().filter_map(|spelling| self.repositories.get(&spelling));
        let saved = self.saved.as_ref();
        let entry = match name {
            Reference::Tag(tag) => named().find_map(|named| named.tags.get(tag)).or_else(|| saved?.tagged(tag)),
            Reference::Digest(digest) => named()
                .find_map(|named| named.digests.get(digest))
                .or_else(|| saved.map(|saved| &saved.image).filter(|image| image.digest == *digest)),
        };
        match (entry, name) {
            (Some(entry), _) if entry.size > limit => Ok(Fetched::TooLarge),
            (Some(entry), _) => match self.file(&entry.digest, entry.size)? {
                Fetched::Found(body) if body.len() == entry.size => {
                    Ok(Fetched::Found(Body { named: Some(entry.digest.clone()), ..body }))
                }
                // A file longer than its descriptor says is wrong, not large.
                Fetched::Found(_) | Fetched::TooLarge => Err(self.broken(
                    ErrorCode::DigestMismatch,
                    format_args!("does not have the size of {} bytes given by the index, in", entry.size),
                    entry,
                )),
                // Named but not there is a layout cut short, not an image without a signature.
                Fetched::Absent => Err(self.broken(
                    ErrorCode::BlobNotFound,
                    format_args!("is listed in the index but missing in"),
                    entry,
                )),
            },
            // The manifests of an index are often named by it alone. They are found by digest, which is name enough.
            (None, Reference::Digest(digest)) if self.has_repository(repository) => self.file(digest, limit),
            (None, _) => Ok(Fetched::Absent),
        }
    }

    /// The manifests that the index names in a repository.
    pub(super) fn digests(&self, repository: &Repository) -> Vec<Digest> {
        let named = spellings(repository).into_iter().filter_map(|spelling| self.repositories.get(&spelling));
        let saved = self.saved.iter().flat_map(|saved| saved.all.iter().map(|entry| entry.digest.clone()));
        named.flat_map(|named| named.digests.keys().cloned()).chain(saved).collect()
    }

    /// The tags that the index names in a repository.
    pub(super) fn tags(&self, repository: &Repository) -> Vec<String> {
        let named = spellings(repository).into_iter().filter_map(|spelling| self.repositories.get(&spelling));
        named.flat_map(|named| named.tags.keys().cloned()).collect()
    }

    /// Whether the index names something of a repository. What `cosign save` wrote names none, so it is of any.
    fn has_repository(&self, repository: &Repository) -> bool {
        self.saved.is_some() || spellings(repository).iter().any(|spelling| self.repositories.contains_key(spelling))
    }

    /// A blob of a repository that the index names something of.
    pub(super) fn blob(
        &self,
        repository: &Repository,
        digest: &Digest,
        limit: u64,
    ) -> Result<Fetched, EvaluationError> {
        if self.has_repository(repository) { self.file(digest, limit) } else { Ok(Fetched::Absent) }
    }

    /// The same to be read as it comes.
    pub(super) fn stream(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Option<Box<dyn io::Read>>, EvaluationError> {
        if !self.has_repository(repository) {
            return Ok(None);
        }
        self.open_blob(digest)
    }

    /// Content by digest alone, to be read as it comes.
    pub(crate) fn open_blob(&self, digest: &Digest) -> Result<Option<Box<dyn io::Read>>, EvaluationError> {
        match self.files.open(&["blobs", "sha256", &digest.hex()]).map_err(|error| self.unreadable(digest, &error))? {
            Opened::File(file) => Ok(Some(file)),
            Opened::Absent => Ok(None),
            Opened::NotAFile(what) => Err(self.unreadable(digest, &format_args!("it is {what}"))),
        }
    }

    fn unreadable(&self, digest: &Digest, what: &dyn fmt::Display) -> EvaluationError {
        let message = format!("the blob {digest} of the layout `{}` cannot be read: {what}", self.path);
        EvaluationError::new(ErrorCode::Malformed, message).hint("create the layout again")
    }

    /// Content by digest alone.
    pub(crate) fn file(&self, digest: &Digest, limit: u64) -> Result<Fetched, EvaluationError> {
        let hex = digest.hex();
        let cannot = |what: &dyn fmt::Display| self.unreadable(digest, what);
        match self.files.read(&["blobs", "sha256", &hex], limit).map_err(|error| cannot(&error))? {
            ReadResult::Bytes(bytes) => Ok(Fetched::Found(Body { bytes, named: None })),
            ReadResult::TooLarge => Ok(Fetched::TooLarge),
            ReadResult::Absent => Ok(Fetched::Absent),
            ReadResult::NotAFile(what) => Err(cannot(&format_args!("it is {what}"))),
        }
    }

    fn broken(&self, code: ErrorCode, fact: fmt::Arguments<'_>, entry: &Entry) -> EvaluationError {
        let message = format!("the manifest {} {fact} the layout `{}`", entry.digest, self.path);
        EvaluationError::new(code, message).hint("create the layout again")
    }
}

/// A file of a layout to be read.
enum Opened {
    File(Box<dyn io::Read>),
    Absent,
    /// Describes what is not a regular file.
    NotAFile(&'static str),
}

impl Files {
    /// A file by the parts of its path, none of which comes from the layout.
    fn read(&self, parts: &[&str], limit: u64) -> io::Result<ReadResult> {
        if let Self::Tar(tar) = self {
            return tar.read(&parts.join("/"), limit);
        }
        match self.open(parts)? {
            Opened::File(file) => read_within(file, limit),
            Opened::Absent => Ok(ReadResult::Absent),
            Opened::NotAFile(what) => Ok(ReadResult::NotAFile(what)),
        }
    }

    fn open(&self, parts: &[&str]) -> io::Result<Opened> {
        match self {
            Self::Tar(tar) => {
                let file = tar.open_member(&parts.join("/"))?;
                Ok(file.map_or(Opened::Absent, |file| Opened::File(Box::new(file))))
            }
            Self::Folder(root) => {
                let mut path = root.clone();
                for part in parts {
                    path.push(part);
                    match fs_err::symlink_metadata(&path) {
                        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Opened::Absent),
                        Err(error) => return Err(error),
                        Ok(metadata) if metadata.is_symlink() => return Ok(Opened::NotAFile("a symbolic link")),
                        Ok(_) => {}
                    }
                }
                // Opening a pipe would wait for a writer.
                if !fs_err::metadata(&path)?.is_file() {
                    return Ok(Opened::NotAFile("not a regular file"));
                }
                Ok(Opened::File(Box::new(fs_err::File::open(&path)?)))
            }
        }
    }
}

/// The manifest of the record of an evidence archive. The error is why it is not clear which.
fn evidence(index: &Index) -> Result<Option<Digest>, String> {
    let mut found = index.manifests.iter().filter(|entry| entry.artifact_type.as_deref() == Some(EVIDENCE_TYPE));
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(entry), None) => entry.digest.parse().map(Some).map_err(|error| format!("its record: {error}")),
        (Some(_), Some(_)) => Err(format!("its `{INDEX_FILE}` names several records of evidence")),
    }
}

/// The names of an index by repository. The error is why it cannot be used.
fn names(index: Index, is_archive: bool) -> Result<BTreeMap<String, Named>, String> {
    let mut repositories: BTreeMap<String, Named> = BTreeMap::new();
    for entry in index.manifests {
        let Some(name) = entry.annotations.as_ref().and_then(|annotations| annotations.get(REF_NAME)) else { continue };
        let refuse = |why: &str| format!("`{INDEX_FILE}` names `{name}`, {why}");
        let digest: Digest =
            entry.digest.parse().map_err(|error: assay_model::digest::DigestError| refuse(&format!("but {error}")))?;
        let found = Entry { digest, size: entry.size };
        let (rest, pinned) = match name.split_once('@') {
            Some((rest, pinned)) if pinned == found.digest.to_string() => (rest, true),
            Some(_) => return Err(refuse(&format!("but points to {}", found.digest))),
            None => (name.as_str(), false),
        };
        let (repository, tag) = match rest.rsplit_once(':') {
            // The colon of a port stands before a slash.
            Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
            _ => (rest, None),
        };
        // A bare `v1.0`, as other tools write it, names no repository and so cannot be requested.
        if tag.is_none() && !pinned {
            continue;
        }
        let named = repositories.entry(repository.to_owned()).or_default();
        if let Some(tag) = tag
            && let Some(other) = named.tags.insert(tag.to_owned(), found.clone())
            && other != found
        {
            return Err(refuse(&format!("both as {} and as {}", other.digest, found.digest)));
        }
        if let Some(other) = named.digests.insert(found.digest.clone(), found.clone())
            && other != found
        {
            return Err(refuse(&format!("once with {} and once with {} bytes", other.size, found.size)));
        }
    }
    if repositories.is_empty() && !is_archive {
        return Err(format!("its `{INDEX_FILE}` names no image"));
    }
    Ok(repositories)
}

/// How a layout may spell a repository, best first: with its registry, then without.
fn spellings(repository: &Repository) -> Vec<String> {
    let mut spellings = vec![repository.to_string()];
    if repository.registry() == DOCKER_HUB {
        spellings.push(format!("docker.io/{}", repository.path()));
    }
    spellings.push(repository.path().to_owned());
    if repository.registry() == DOCKER_HUB
        && let Some(short) = repository.path().strip_prefix("library/")
    {
        spellings.push(short.to_owned());
    }
    spellings
}

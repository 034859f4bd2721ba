//! [`image_files`] and [`blob_files`]: files inside images and archives, unpacked as they come and never to disk.
//!
//! Layers are walked from the top, so that what an upper layer replaces or removes is never read (image-spec
//! `layer.md`, whiteouts). Only what lies in the wanted folders is remembered. Archives are hostile: their entries, the
//! bytes that they unpack to, their names and the files taken out of them have limits, and a limit that is reached is
//! an error, never a shorter list.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
};

use assay_model::{
    bounded::{ReadError, read_bounded},
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    image::PinnedImage,
};

use crate::{
    archive::{self, ArchiveError, ArchiveLimits, Remaining},
    store::{ContentStore, Descriptor, Resolved},
};

/// Files by their names.
pub type Files = BTreeMap<String, Vec<u8>>;

/// One layer or archive as it is sent. It is never kept, so this is a limit on time; the largest layers known to us
/// have some gigabytes.
const LAYER_BYTES: u64 = 8 << 30;

/// Layers up to this size are kept like other content: metadata images have small ones, which are read more than once.
const KEPT_LAYER_BYTES: u64 = 1 << 20;

/// What one call may unpack: the entries and bytes of all layers, so that a bomb of zeros ends early.
const LIMITS: ArchiveLimits = ArchiveLimits { entries: 2_000_000, bytes: 16 << 30 };

/// One file taken out of an archive; manifests of operators are under 1 MiB.
const FILE_BYTES: u64 = 16 << 20;

/// All files of one call together.
const FILES_BYTES: u64 = 64 << 20;

/// Files of one call, and names that upper layers hide in the wanted folders.
const FILES: usize = 10_000;

/// What marks a file that an upper layer removes, and a folder whose lower content it removes.
const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// The kinds of files that are taken from folders.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// The YAML and JSON files that stand right in one of these folders of the image's file system, whatever the case of
/// the folder's name. None if a layer is of a kind that is not an archive, or if an index has no image for the default platform.
pub fn image_files(
    store: &ContentStore,
    image: &PinnedImage,
    folders: &[&str],
) -> Result<Option<Files>, EvaluationError> {
    match flattened(store, image, folders)? {
        Some(Ok(flat)) => Ok(Some(flat.taken.files)),
        Some(Err(UnreadableLayer { error, layer, is_archive })) => error.undefined_or(image, &layer, is_archive),
        None => Ok(None),
    }
}

/// The manifests of an operator, the YAML and JSON files that stand right in this folder of an image. Whatever keeps them
/// from being seen is an error: a layer that is not an archive, a link or a file in place of the directory or above it, a link
/// in place of a manifest.
pub fn operator_manifests(store: &ContentStore, image: &PinnedImage, folder: &str) -> Result<Files, EvaluationError> {
    let unseen = |why: String| {
        let message = format!("the operator manifests of {image} cannot be read: {why}");
        EvaluationError::new(ErrorCode::Malformed, message).hint(
            "check the image's layers, and the directory that its label names; manifests are files in that directory",
        )
    };
    let flat = match flattened(store, image, &[folder])? {
        None => return Ok(Files::new()),
        Some(Ok(flat)) => flat,
        Some(Err(UnreadableLayer { error: ArchiveError::Malformed(why), .. })) => {
            return Err(unseen(format!("a layer is not a valid archive: {why}")));
        }
        Some(Err(UnreadableLayer { error, layer, is_archive })) => {
            return error.undefined_or(image, &layer, is_archive).map(Option::unwrap_or_default);
        }
    };
    if let Some(name) = flat.obstacle {
        return Err(unseen(format!("`{name}` is a link or a file, not a directory")));
    }
    match flat.taken.files.iter().find(|(_, bytes)| bytes.is_empty()) {
        Some((name, _)) => Err(unseen(format!("`{name}` is empty, or a link"))),
        None => Ok(flat.taken.files),
    }
}

/// Why a layer was not read to its end.
struct UnreadableLayer {
    error: ArchiveError,
    layer: Digest,
    /// Whether it is an archive, by what it holds or by its media type.
    is_archive: bool,
}

/// The wanted part of an image's file system, or why a layer was not read to its end. None if an index holds no image for
/// the default platform.
fn flattened(
    store: &ContentStore,
    image: &PinnedImage,
    folders: &[&str],
) -> Result<Option<Result<Flat, UnreadableLayer>>, EvaluationError> {
    let resolved = Resolved { image: image.clone(), manifest: store.manifest(image)? };
    let Some(manifest) = store.default_platform_manifest(&resolved)? else { return Ok(None) };
    let mut flat = Flat::new(folders);
    if folders.is_empty() {
        return Ok(Some(Ok(flat)));
    }
    let remaining = Remaining::of(LIMITS).until(store.deadline());
    for layer in manifest.layers().iter().rev() {
        let walked = through(store, image, layer, |from| {
            let mut upper = BTreeSet::new();
            archive::walk(from, &remaining, |name, is_folder, content| {
                flat.entry(&mut upper, name, is_folder, content)
            })?;
            flat.hidden.append(&mut upper);
            Ok(())
        })?;
        if let Err(error) = walked {
            let is_archive = remaining.is_archive() || layer.media_type.contains(".tar");
            return Ok(Some(Err(UnreadableLayer { error, layer: layer.digest.clone(), is_archive })));
        }
    }
    Ok(Some(Ok(flat)))
}

/// Those of the files that the archive in a blob holds under exactly these names. None if the blob is not an archive; one that
/// is truncated is an error.
pub fn blob_files(store: &ContentStore, blob: &PinnedImage, paths: &[&str]) -> Result<Option<Files>, EvaluationError> {
    let wanted: BTreeSet<&str> = paths.iter().copied().collect();
    let mut taken = Taken::default();
    let remaining = Remaining::of(LIMITS).until(store.deadline());
    let walked = store.stream(&blob.repository, &blob.digest, LAYER_BYTES, |from| {
        archive::walk(from, &remaining, |name, _, content| match wanted.contains(name) {
            true => taken.take(name, content),
            false => Ok(()),
        })
    })?;
    match walked {
        Ok(()) => Ok(Some(taken.files)),
        Err(error) => error.undefined_or(blob, &blob.digest, remaining.is_archive()),
    }
}

/// The only file of a layer, or its first one. None if there is none, or if the layer is not an archive.
///
/// # Errors
/// The layer cannot be had, is truncated, or the file has more than `limit` bytes.
pub fn layer_file(
    store: &ContentStore,
    image: &PinnedImage,
    layer: &Descriptor,
    limit: u64,
) -> Result<Option<Vec<u8>>, EvaluationError> {
    let mut found = None;
    let remaining = Remaining::of(LIMITS).until(store.deadline());
    let walked = through(store, image, layer, |from| {
        archive::walk(from, &remaining, |name, is_folder, content| {
            if is_folder || found.is_some() {
                return Ok(());
            }
            let read = read_bounded(content, limit).map_err(|error| match error {
                ReadError::TooLarge(limit) => {
                    let shown: String = name.chars().take(100).collect();
                    ArchiveError::Limit(format!("the file `{shown}` has more than {limit} bytes"))
                }
                ReadError::Io(error) => ArchiveError::of(&error),
            });
            found = Some(read?);
            Ok(())
        })
    })?;
    match walked {
        Ok(()) => Ok(found),
        Err(error) => error.undefined_or(image, &layer.digest, remaining.is_archive()),
    }
}

fn through(
    store: &ContentStore,
    image: &PinnedImage,
    layer: &Descriptor,
    read: impl FnOnce(&mut dyn Read) -> Result<(), ArchiveError>,
) -> Result<Result<(), ArchiveError>, EvaluationError> {
    if layer.size <= KEPT_LAYER_BYTES {
        let bytes = store.blob_within(&image.repository, &layer.digest, Some(layer.size), KEPT_LAYER_BYTES)?;
        return Ok(read(&mut &bytes[..]));
    }
    store.stream(&image.repository, &layer.digest, LAYER_BYTES, read)
}

impl ArchiveError {
    /// What is not an archive has no files, as in `ec`; a broken one or a limit is an error.
    fn undefined_or<T>(
        self,
        image: &PinnedImage,
        layer: &Digest,
        is_archive: bool,
    ) -> Result<Option<T>, EvaluationError> {
        match self {
            Self::Malformed(_) if !is_archive => Ok(None),
            Self::Malformed(why) => {
                let message = format!(
                    "the files of {image} cannot be read: the archive in {layer} is broken or truncated: {why}"
                );
                Err(EvaluationError::new(ErrorCode::Malformed, message)
                    .hint("rebuild the image, and check that it is pushed completely"))
            }
            Self::Deadline => {
                let message = format!("the files of {image} were not read before the time limit of the run");
                Err(EvaluationError::new(ErrorCode::Deadline, message).hint("increase the limit with `--timeout`"))
            }
            Self::Limit(what) => {
                let message = format!("the files of {image} cannot be read: {what}");
                Err(EvaluationError::new(ErrorCode::TooLarge, message)
                    .hint("content of this kind is never that large; check where the image comes from"))
            }
        }
    }
}

/// The files taken so far.
#[derive(Default)]
struct Taken {
    files: Files,
    bytes: u64,
}

impl Taken {
    fn take(&mut self, name: &str, content: &mut dyn Read) -> Result<(), ArchiveError> {
        let bytes = read_bounded(content, FILE_BYTES).map_err(|error| match error {
            ReadError::TooLarge(limit) => ArchiveError::Limit(format!("`{name}` has more than {limit} bytes")),
            ReadError::Io(error) => ArchiveError::of(&error),
        })?;
        self.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.bytes > FILES_BYTES {
            return Err(ArchiveError::Limit(format!("they have more than {FILES_BYTES} bytes together")));
        }
        self.files.insert(name.to_owned(), bytes);
        if self.files.len() > FILES {
            return Err(ArchiveError::Limit(format!("they are more than {FILES}")));
        }
        Ok(())
    }
}

/// The wanted part of a file system, from the top layer down.
struct Flat {
    /// The wanted folders in lower case.
    folders: Vec<String>,
    /// What upper layers hold or removed: files, and folders that are none any more or begin anew.
    hidden: BTreeSet<String>,
    /// What stands in place of a wanted folder, or of one above it, and is none.
    obstacle: Option<String>,
    taken: Taken,
}

impl Flat {
    fn new(folders: &[&str]) -> Self {
        let folders = folders.iter().map(|folder| clean(folder).to_lowercase()).collect();
        Self { folders, hidden: BTreeSet::new(), obstacle: None, taken: Taken::default() }
    }

    /// One entry of a layer; what it hides from lower layers goes to `upper`.
    fn entry(
        &mut self,
        upper: &mut BTreeSet<String>,
        name: &str,
        is_folder: bool,
        content: &mut dyn Read,
    ) -> Result<(), ArchiveError> {
        let name = clean(name);
        let (folder, base) = name.rsplit_once('/').map_or((".", name.as_str()), |(folder, base)| (folder, base));
        let hides = match base.strip_prefix(WHITEOUT) {
            Some(_) if base == OPAQUE => Some(folder.to_owned()),
            Some(base) if folder == "." => Some(base.to_owned()),
            Some(base) => Some(format!("{folder}/{base}")),
            None if !is_folder => Some(name.clone()),
            None => None,
        };
        if let Some(hides) = hides.filter(|hides| self.matters(hides)) {
            upper.insert(hides);
            if upper.len() + self.hidden.len() > FILES {
                return Err(ArchiveError::Limit(format!(
                    "there are more than {FILES} files in the requested directories"
                )));
            }
        }
        if !is_folder && !base.starts_with(WHITEOUT) && self.is_above(&name) && !self.is_hidden(&name) {
            self.obstacle.get_or_insert_with(|| name.clone());
        }
        if base.starts_with(WHITEOUT) || !self.is_wanted(&name, folder) || self.is_hidden(&name) {
            return Ok(());
        }
        self.taken.take(&name, content)
    }

    fn is_wanted(&self, name: &str, folder: &str) -> bool {
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
            && self.folders.iter().any(|wanted| *wanted == folder.to_lowercase())
    }

    /// Whether a name can hide a wanted file: it is one, or a folder above one.
    fn matters(&self, name: &str) -> bool {
        let folder = name.rsplit_once('/').map_or(".", |(folder, _)| folder).to_lowercase();
        self.is_above(name) || self.folders.contains(&folder)
    }

    /// Whether a name is that of a wanted folder, or of one above it.
    fn is_above(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.folders
            .iter()
            .any(|wanted| *wanted == name || wanted.strip_prefix(&name).is_some_and(|rest| rest.starts_with('/')))
    }

    fn is_hidden(&self, name: &str) -> bool {
        let mut name = name;
        loop {
            if self.hidden.contains(name) {
                return true;
            }
            match name.rsplit_once('/') {
                Some((folder, _)) => name = folder,
                None => return self.hidden.contains("."),
            }
        }
    }
}

/// The shortest path that means the same, as Go's `path.Clean` makes it.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests;

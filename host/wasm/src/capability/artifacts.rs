//! [`ArtifactsView`]: the files of a job that one call reads and adds to.
//!
//! What a call adds is staged: it leaves the call with a value, and is dropped with a call that fails.

use std::{collections::BTreeMap, sync::Arc};

use assay_model::digest::Digest;
use sha2::{Digest as _, Sha256};

use super::snapshot::part;
use crate::limits;

/// A file of a job as earlier calls left it, or an input that the operator names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The name, as in [`StagedArtifact::name`].
    pub name: String,
    /// The media type that it was created with.
    pub media_type: String,
    /// The content.
    pub bytes: Arc<[u8]>,
}

/// What one call added to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedArtifact {
    /// 1 to 200 of `a-z`, `0-9`, `.`, `_`, `-` and `/`: relative, without `..` or empty parts.
    pub name: String,
    /// The media type.
    pub media_type: String,
    /// The size that it had before; nought for a new file.
    pub offset: u64,
    /// What was added at its end.
    pub bytes: Vec<u8>,
}

/// An error that the guest receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ArtifactError {
    Quota(u64),
    BadName,
    NotFound,
}

/// The files of a job, and what this call added.
pub(crate) struct ArtifactsView {
    earlier: Arc<[Artifact]>,
    staged: BTreeMap<String, StagedArtifact>,
    /// Bytes of all of them.
    size: usize,
    most: usize,
    /// Bytes hashed and not yet charged.
    work: usize,
}

impl ArtifactsView {
    pub(crate) fn none() -> Self {
        Self::new(Arc::from([]), 0)
    }

    pub(crate) fn new(earlier: Arc<[Artifact]>, most: usize) -> Self {
        let size = earlier.iter().map(|artifact| artifact.bytes.len()).sum();
        Self { earlier, staged: BTreeMap::new(), size, most, work: 0 }
    }

    /// Takes the number of bytes that were hashed since the last call.
    pub(crate) const fn take_work(&mut self) -> usize {
        std::mem::replace(&mut self.work, 0)
    }

    /// Adds to a file, creating it, and gives its size. A file keeps its media type; another one is another file's.
    pub(crate) fn append(&mut self, name: &str, media_type: &str, chunk: &[u8]) -> Result<u64, ArtifactError> {
        if !is_name(name) || !is_media_type(media_type) {
            return Err(ArtifactError::BadName);
        }
        let earlier = self.earlier.iter().find(|artifact| artifact.name == name);
        let known = self.staged.get(name).map(|staged| staged.media_type.as_str());
        if known.or(earlier.map(|artifact| artifact.media_type.as_str())).is_some_and(|known| known != media_type) {
            return Err(ArtifactError::BadName);
        }
        let is_new = known.is_none() && earlier.is_none();
        let new_names = self.staged.keys().filter(|staged| self.earlier.iter().all(|one| one.name != **staged)).count();
        let left = self.most.saturating_sub(self.size);
        if chunk.len() > left || (is_new && self.earlier.len() + new_names >= limits::ARTIFACTS) {
            return Err(ArtifactError::Quota(left as u64));
        }
        self.size += chunk.len();
        let offset = earlier.map_or(0, |artifact| artifact.bytes.len() as u64);
        let staged = self.staged.entry(name.to_owned()).or_insert_with(|| StagedArtifact {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            offset,
            bytes: Vec::new(),
        });
        staged.bytes.extend_from_slice(chunk);
        Ok(staged.offset + staged.bytes.len() as u64)
    }

    /// Whether this call has added to a file.
    pub(crate) fn has_added(&self, name: &str) -> bool {
        self.staged.contains_key(name)
    }

    /// Takes back a file to which nothing was added, so that what could not be downloaded does not exist.
    pub(crate) fn take_back_empty(&mut self, name: &str) {
        if self.staged.get(name).is_some_and(|staged| staged.bytes.is_empty()) {
            self.staged.remove(name);
        }
    }

    pub(crate) fn digest_of(&mut self, name: &str) -> Result<String, ArtifactError> {
        let (before, after) = self.parts(name).ok_or(ArtifactError::NotFound)?;
        let hash = Sha256::new().chain_update(before).chain_update(after).finalize();
        let work = before.len() + after.len();
        self.work = self.work.saturating_add(work);
        Ok(Digest::from_sha256(hash.into()).to_string())
    }

    /// Bytes from `offset` on: at most `length`, at most [`limits::READ_BYTES`].
    pub(crate) fn read(&self, name: &str, offset: u64, length: u32) -> Result<Vec<u8>, ArtifactError> {
        let (before, after) = self.parts(name).ok_or(ArtifactError::NotFound)?;
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(limits::READ_BYTES);
        let mut bytes = part(before, offset, length).to_vec();
        let rest = length - bytes.len();
        bytes.extend_from_slice(part(after, offset.saturating_sub(before.len()), rest));
        Ok(bytes)
    }

    /// The whole file, if it has at most so many bytes.
    pub(crate) fn whole(&self, name: &str, most: usize) -> Result<Vec<u8>, ArtifactError> {
        let (before, after) = self.parts(name).ok_or(ArtifactError::NotFound)?;
        if before.len() + after.len() > most {
            Err(ArtifactError::Quota(most as u64))
        } else {
            Ok([before, after].concat())
        }
    }

    /// How many bytes can still be added.
    pub(crate) const fn left(&self) -> usize {
        self.most.saturating_sub(self.size)
    }

    pub(crate) fn into_staged(self) -> Vec<StagedArtifact> {
        self.staged.into_values().collect()
    }

    /// What was there before this call, and what it added.
    fn parts(&self, name: &str) -> Option<(&[u8], &[u8])> {
        let before = self.earlier.iter().find(|artifact| artifact.name == name).map(|artifact| &*artifact.bytes);
        let after = self.staged.get(name).map(|staged| staged.bytes.as_slice());
        (before.is_some() || after.is_some()).then(|| (before.unwrap_or_default(), after.unwrap_or_default()))
    }
}

pub(crate) fn is_name(name: &str) -> bool {
    let is_part = |part: &str| !matches!(part, "" | "." | "..");
    let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'/');
    name.len() <= limits::ARTIFACT_NAME_BYTES && name.bytes().all(is_allowed) && name.split('/').all(is_part)
}

/// `type/subtype` with parameters, in visible ASCII.
fn is_media_type(text: &str) -> bool {
    text.len() <= limits::ARTIFACT_NAME_BYTES
        && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
        && text.split_once('/').is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(most: usize) -> ArtifactsView {
        let artifact =
            Artifact { name: "log".to_owned(), media_type: "text/plain".to_owned(), bytes: Arc::from(&b"abc"[..]) };
        ArtifactsView::new(Arc::from([artifact]), most)
    }

    #[test]
    fn a_file_that_got_nothing_is_taken_back_and_others_stay() {
        let mut view = view(100);
        view.append("junit.xml", "application/xml", b"").unwrap();
        view.append("log", "text/plain", b"def").unwrap();
        assert!(view.has_added("log") && !view.has_added("other"));
        view.take_back_empty("junit.xml");
        view.take_back_empty("log");
        assert_eq!(view.into_staged().iter().map(|staged| staged.name.as_str()).collect::<Vec<_>>(), ["log"]);
    }

    #[test]
    fn a_call_adds_to_what_earlier_calls_wrote() {
        let mut view = view(100);
        assert_eq!(view.append("log", "text/plain", b"def"), Ok(6));
        assert_eq!(view.append("a/b.json", "application/json", b"{}"), Ok(2));
        assert_eq!(view.read("log", 2, 3).unwrap(), b"cde");
        assert_eq!(view.read("log", 4, 9).unwrap(), b"ef");
        assert!(view.read("log", 6, 9).unwrap().is_empty() && view.read("log", u64::MAX, 9).unwrap().is_empty());
        assert_eq!(view.whole("log", 6).unwrap(), b"abcdef");
        assert_eq!(view.whole("log", 5), Err(ArtifactError::Quota(5)));
        assert_eq!(view.digest_of("log").unwrap(), Digest::of(b"abcdef").to_string());
        assert_eq!((view.take_work(), view.take_work()), (6, 0));
        assert_eq!(view.digest_of("none"), Err(ArtifactError::NotFound));
        let staged = view.into_staged();
        let shown: Vec<_> = staged.iter().map(|one| (one.name.as_str(), one.offset, one.bytes.as_slice())).collect();
        assert_eq!(shown, [("a/b.json", 0, &b"{}"[..]), ("log", 3, b"def")]);
    }

    #[test]
    fn names_stay_below_the_jobs_folder() {
        let long = "x".repeat(201);
        for bad in ["", "/", "/a", "a/", "a//b", "..", "../x", "a/../b", ".", "A", "a b", "é", "a\\b", &long] {
            assert_eq!(view(100).append(bad, "text/plain", b""), Err(ArtifactError::BadName), "{bad}");
        }
        for media_type in ["", "text", "/", "text/", "text/plain\r\n"] {
            assert_eq!(view(100).append("new", media_type, b""), Err(ArtifactError::BadName), "{media_type}");
        }
        let mut view = view(100);
        assert_eq!(view.append("log", "text/html", b""), Err(ArtifactError::BadName), "another type");
        view.append("new", "text/plain", b"").unwrap();
        assert_eq!(view.append("new", "text/html", b""), Err(ArtifactError::BadName));
    }

    #[test]
    fn bytes_and_files_of_a_job_are_bounded() {
        let mut few = view(5);
        assert_eq!(few.append("log", "text/plain", b"def"), Err(ArtifactError::Quota(2)));
        assert_eq!(few.append("log", "text/plain", b"de"), Ok(5));
        let mut many = view(100);
        let added = (0..2_000).take_while(|at| many.append(&format!("f{at}"), "text/plain", b"").is_ok()).count();
        assert_eq!(added, limits::ARTIFACTS - 1);
        assert!(many.append("log", "text/plain", b"x").is_ok());
    }
}

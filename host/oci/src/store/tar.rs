//! [`TarFile`]: an OCI image layout in one tar file, read in place.
//!
//! The file is walked once, by headers alone, and every member of the layout is remembered by its place. Extensions
//! (long names, pax records) are passed over unread: no name of a layout needs one, and a header that announces a
//! long name of gigabytes must not be believed. Links are refused.

use std::{
    collections::BTreeMap,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use assay_model::limits;

use crate::archive::malformed_tar;

use super::layout_file::{LayoutError, ReadResult, read_within};

/// The first bytes of compressed files, and who makes them.
const COMPRESSED: [(&[u8], &str); 4] =
    [(b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"\xfd7zXZ", "xz"), (b"BZh", "bzip2")];

/// Where the members of a layout are in the file.
pub(super) struct TarFile {
    path: PathBuf,
    members: BTreeMap<String, Member>,
}

struct Member {
    offset: u64,
    size: u64,
}

impl TarFile {
    /// Walks the file. `shown` is the path in messages.
    pub(super) fn open(path: &Path, shown: &str) -> Result<Self, LayoutError> {
        let unreadable = |source| LayoutError::Unreadable { path: shown.to_owned(), source };
        let layout = |why| LayoutError::Layout { path: shown.to_owned(), why };
        let mut file = fs_err::File::open(path).map_err(unreadable)?;
        let mut magic = Vec::new();
        file.by_ref().take(8).read_to_end(&mut magic).map_err(unreadable)?;
        if let Some((_, with)) = COMPRESSED.iter().find(|(start, _)| magic.starts_with(start)) {
            return Err(LayoutError::Compressed { path: shown.to_owned(), with });
        }
        file.rewind().map_err(unreadable)?;
        let mut archive = tar::Archive::new(file);
        let not_tar = |error: io::Error| layout(format!("it is not a valid tar file: {}", malformed_tar(&error)));
        let mut members = BTreeMap::new();
        for (count, entry) in archive.entries_with_seek().map_err(not_tar)?.raw(true).enumerate() {
            if count >= limits::LAYOUT_ENTRIES {
                return Err(layout(format!("it has more than {} entries", limits::LAYOUT_ENTRIES)));
            }
            let entry = entry.map_err(not_tar)?;
            let path = entry.header().path_bytes();
            let Some(name) = member_name(&path) else { continue };
            let kind = entry.header().entry_type();
            if kind.is_pax_local_extensions() || kind.is_pax_global_extensions() || kind.is_gnu_longname() {
                continue;
            }
            if !kind.is_file() && !kind.is_contiguous() {
                return Err(layout(format!("`{name}` is not a regular file")));
            }
            let member = Member { offset: entry.raw_file_position(), size: entry.size() };
            if members.insert(name.to_owned(), member).is_some() {
                return Err(layout(format!("it contains `{name}` more than once")));
            }
        }
        Ok(Self { path: path.to_owned(), members })
    }

    /// A member by its path in the layout.
    pub(super) fn read(&self, name: &str, limit: u64) -> io::Result<ReadResult> {
        let Some(member) = self.members.get(name) else { return Ok(ReadResult::Absent) };
        if member.size > limit {
            return Ok(ReadResult::TooLarge);
        }
        read_within(self.open_at(member)?, limit)
    }

    /// A member to be read as it comes.
    pub(super) fn open_member(&self, name: &str) -> io::Result<Option<impl io::Read + use<>>> {
        self.members.get(name).map(|member| self.open_at(member)).transpose()
    }

    fn open_at(&self, member: &Member) -> io::Result<io::Take<fs_err::File>> {
        // Opened anew each time, so that threads do not share one position.
        let mut file = fs_err::File::open(&self.path)?;
        file.seek(SeekFrom::Start(member.offset))?;
        Ok(file.take(member.size))
    }
}

/// The name of a file that a layout consists of; none for everything else.
fn member_name(path: &[u8]) -> Option<&str> {
    let path = std::str::from_utf8(path).ok()?;
    let path = path.strip_prefix("./").unwrap_or(path);
    let is_blob = path
        .strip_prefix("blobs/sha256/")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    (is_blob || path == "oci-layout" || path == "index.json").then_some(path)
}

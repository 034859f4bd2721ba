//! [`walk`]: the entries of a tar archive, plain or compressed with gzip or zstd, as its bytes come.
//!
//! Names longer than a header holds are read here and not by the `tar` crate, which would believe an archive that
//! announces a name of gigabytes.

use std::{
    cell::Cell,
    io::{self, BufReader, Read},
    time::Instant,
};

use assay_model::bounded::{ReadError, read_bounded};
use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};
use tar::EntryType;

/// The name of an entry, with its folders.
const NAME_BYTES: u64 = 64 << 10;

/// Records that say more about an entry than its header holds.
const RECORDS_BYTES: u64 = 1 << 20;

/// The memory that a zstd frame may require; what container tools write needs up to 8 MiB.
const ZSTD_WINDOW: u64 = 32 << 20;

const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// How much may be unpacked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ArchiveLimits {
    /// Entries.
    pub(crate) entries: u64,
    /// Bytes after decompression.
    pub(crate) bytes: u64,
}

/// How much may still be unpacked, by several archives together.
pub(crate) struct Remaining {
    entries: Cell<u64>,
    bytes: Cell<u64>,
    /// When unpacking ends, done or not.
    deadline: Option<Instant>,
    /// Whether something was an archive, or compressed: what breaks then is broken, and not of another kind.
    is_archive: Cell<bool>,
}

/// Why an archive was not walked to its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ArchiveError {
    /// It is not an archive, or a broken one.
    Malformed(String),
    /// A limit was reached.
    Limit(String),
    /// The run ended first.
    Deadline,
}

impl Remaining {
    /// All of it.
    pub(crate) const fn of(limits: ArchiveLimits) -> Self {
        Self {
            entries: Cell::new(limits.entries),
            bytes: Cell::new(limits.bytes),
            deadline: None,
            is_archive: Cell::new(false),
        }
    }

    /// The same, and no longer than until then.
    pub(crate) const fn until(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline;
        self
    }

    /// Whether what was walked last began as an archive.
    pub(crate) const fn is_archive(&self) -> bool {
        self.is_archive.get()
    }
}

impl ArchiveError {
    /// What an error of reading means.
    pub(crate) fn of(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<LimitReached>()) {
            Some(LimitReached::Bytes) => Self::Limit("their unpacked size exceeds the limit".to_owned()),
            Some(LimitReached::Time) => Self::Deadline,
            None => Self::Malformed(malformed_tar(error)),
        }
    }
}

/// What is wrong with a tar file. Of a header that cannot be read the library quotes the bytes behind a colon, which are
/// nobody's to print; errors of the system are shown whole.
pub(crate) fn malformed_tar(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(": ") {
        Some((fact, _)) if error.kind() == io::ErrorKind::Other => fact.to_owned(),
        _ => text,
    }
}

/// Unpacking is ended.
#[derive(Debug, thiserror::Error)]
enum LimitReached {
    #[error("its unpacked size exceeds the limit")]
    Bytes,
    #[error("unpacking it takes too long")]
    Time,
}

/// Whether content is compressed in a way that is unpacked here.
#[must_use]
pub fn is_compressed(bytes: &[u8]) -> bool {
    bytes.starts_with(GZIP) || bytes.starts_with(ZSTD)
}

/// An entry of an archive.
pub(crate) struct Entry<'e> {
    /// Its name, with its folders, as it was written.
    pub(crate) name: &'e [u8],
    /// What it is.
    pub(crate) kind: EntryType,
    /// Where a link leads.
    pub(crate) target: &'e [u8],
    /// The announced size of its content.
    pub(crate) size: u64,
    /// Its content.
    pub(crate) content: &'e mut dyn Read,
}

/// What looks at an entry.
type Visit<'v, E> = dyn FnMut(Entry<'_>) -> Result<(), E> + 'v;

/// Visits every entry: its name, whether it is a folder, and its content.
pub(crate) fn walk(
    from: &mut dyn Read,
    remaining: &Remaining,
    mut visit: impl FnMut(&str, bool, &mut dyn Read) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    remaining.is_archive.set(false);
    let mut start = Vec::new();
    from.take(4).read_to_end(&mut start).map_err(|error| ArchiveError::of(&error))?;
    let is = |magic: &[u8]| start.starts_with(magic);
    let (gzip, zstd) = (is(GZIP), is(ZSTD));
    let from = start.chain(from);
    let mut visit = |entry: Entry<'_>| visit(&String::from_utf8_lossy(entry.name), entry.kind.is_dir(), entry.content);
    if gzip {
        entries(flate2::bufread::MultiGzDecoder::new(BufReader::new(from)), remaining, &mut visit)
    } else if zstd {
        entries(Frames { source: from, decoder: None }, remaining, &mut visit)
    } else {
        entries(from, remaining, &mut visit)
    }
}

/// Visits every entry of an archive that is not compressed. Names and targets of links are read within their limits.
pub(crate) fn entries<E: From<ArchiveError>>(
    from: impl Read,
    remaining: &Remaining,
    visit: &mut Visit<'_, E>,
) -> Result<(), E> {
    let error = |error: io::Error| ArchiveError::of(&error);
    let mut archive = tar::Archive::new(Bounded { from, remaining });
    let mut more = Records::default();
    for entry in archive.entries().map_err(error)?.raw(true) {
        let mut entry = entry.map_err(error)?;
        remaining.is_archive.set(true);
        let entries = remaining.entries.get().checked_sub(1);
        remaining
            .entries
            .set(entries.ok_or_else(|| ArchiveError::Limit("the archive has too many entries".to_owned()))?);
        match entry.header().entry_type() {
            EntryType::GNULongName => more.name = Some(long(&mut entry)?),
            EntryType::GNULongLink => more.target = Some(long(&mut entry)?),
            EntryType::XHeader => more.read(&short(&mut entry, RECORDS_BYTES)?)?,
            EntryType::XGlobalHeader => {}
            kind => {
                let more = std::mem::take(&mut more);
                let header = entry.header();
                let name = more.name.unwrap_or_else(|| header.path_bytes().into_owned());
                let in_header = || header.link_name_bytes().map(std::borrow::Cow::into_owned);
                let target = more.target.or_else(in_header).unwrap_or_default();
                let kind = if more.is_sparse { EntryType::GNUSparse } else { kind };
                let size = entry.size();
                visit(Entry { name: &name, kind, target: &target, size, content: &mut entry })?;
            }
        }
    }
    Ok(())
}

/// A name that no header can hold.
fn long(entry: &mut dyn Read) -> Result<Vec<u8>, ArchiveError> {
    let mut name = short(entry, NAME_BYTES)?;
    if name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}

/// The content of an entry that describes the next one.
fn short(entry: &mut dyn Read, limit: u64) -> Result<Vec<u8>, ArchiveError> {
    read_bounded(entry, limit).map_err(|error| match error {
        ReadError::TooLarge(limit) => ArchiveError::Limit(format!("the name of an entry has more than {limit} bytes")),
        ReadError::Io(error) => ArchiveError::of(&error),
    })
}

/// What stands in front of an entry about it.
#[derive(Default)]
struct Records {
    name: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    /// Whether its content is not what it holds, but pieces of it.
    is_sparse: bool,
}

impl Records {
    /// Reads pax records (`LENGTH KEY=VALUE\n`, POSIX.1-2001). A size there is of a file that no header can hold.
    fn read(&mut self, records: &[u8]) -> Result<(), ArchiveError> {
        let malformed = || ArchiveError::Malformed("its pax records are invalid".to_owned());
        let mut rest = records;
        while !rest.is_empty() {
            let space = rest.iter().position(|byte| *byte == b' ').ok_or_else(malformed)?;
            let digits = rest.get(..space).and_then(|digits| std::str::from_utf8(digits).ok());
            let length: usize = digits.and_then(|digits| digits.parse().ok()).ok_or_else(malformed)?;
            let record = rest.get(space + 1..length).ok_or_else(malformed)?;
            let record = record.strip_suffix(b"\n").ok_or_else(malformed)?;
            if let Some(value) = record.strip_prefix(b"path=") {
                self.name = Some(value.to_owned());
            } else if let Some(value) = record.strip_prefix(b"linkpath=") {
                self.target = Some(value.to_owned());
            } else if record.starts_with(b"GNU.sparse.") {
                self.is_sparse = true;
            } else if record.starts_with(b"size=") {
                return Err(ArchiveError::Limit("it contains a file larger than 8 GiB".to_owned()));
            }
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(())
    }
}

/// Reads no more than is left.
struct Bounded<'l, R> {
    from: R,
    remaining: &'l Remaining,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.remaining.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Err(io::Error::other(LimitReached::Time));
        }
        // Of plain bytes it is the source that fails, which has words of its own for that.
        let read = self.from.read(to).inspect_err(|_| self.remaining.is_archive.set(true))?;
        let remaining = &self.remaining.bytes;
        match remaining.get().checked_sub(u64::try_from(read).unwrap_or(u64::MAX)) {
            Some(rest) => remaining.set(rest),
            None => return Err(io::Error::other(LimitReached::Bytes)),
        }
        Ok(read)
    }
}

/// The frames of a zstd stream one after the other; those that hold no content are skipped.
struct Frames<R> {
    source: R,
    /// The frame that is being read.
    decoder: Option<FrameDecoder>,
}

impl<R: Read> Frames<R> {
    /// Begins the next frame; none at the end.
    fn begin(&mut self) -> io::Result<Option<FrameDecoder>> {
        loop {
            let mut start = Vec::new();
            self.source.by_ref().take(4).read_to_end(&mut start)?;
            if start.is_empty() {
                return Ok(None);
            }
            let mut decoder = FrameDecoder::new();
            decoder.set_max_window_size(ZSTD_WINDOW);
            match decoder.init((&*start).chain(&mut self.source)) {
                Ok(()) => return Ok(Some(decoder)),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let skipped = io::copy(&mut self.source.by_ref().take(length.into()), &mut io::sink())?;
                    if skipped < u64::from(length) {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error.to_string())),
            }
        }
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut decoder = match self.decoder.take() {
                Some(decoder) => decoder,
                None => match self.begin()? {
                    Some(decoder) => decoder,
                    None => return Ok(0),
                },
            };
            while decoder.can_collect() == 0 && !decoder.is_finished() {
                decoder
                    .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
            }
            let read = decoder.read(to)?;
            if read > 0 || to.is_empty() {
                self.decoder = Some(decoder);
                return Ok(read);
            }
        }
    }
}

#[cfg(test)]
mod tests;

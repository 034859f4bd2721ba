//! Archives: a tar file, compressed with gzip or not, and a zip file, unpacked within [`FetchLimits`].
//!
//! Only files, folders and links within the archive come out of it; owners, modes and times do not. A compressed file is
//! read as a stream, and no more of it than the limits allow.

use std::{
    io::{BufReader, Read, Seek},
    path::Path,
};

use flate2::read::MultiGzDecoder;

use super::{error::FetchErrorKind, limits::FetchLimits, tree::Tree};
use crate::archive::{self, ArchiveError, Entry, Remaining};

/// Kinds of archives by the ends of their names.
const KINDS: [(&str, Kind); 8] = [
    (".tar", Kind::Tar),
    (".tar.gz", Kind::TarGzip),
    (".tgz", Kind::TarGzip),
    (".zip", Kind::Zip),
    (".tar.bz2", Kind::Unknown),
    (".tbz2", Kind::Unknown),
    (".bz2", Kind::Unknown),
    (".gz", Kind::Unknown),
];

#[derive(Clone, Copy)]
enum Kind {
    Tar,
    TarGzip,
    Zip,
    Unknown,
}

/// Whether a file is an archive, by its name.
pub(super) fn is_archive(path: &Path) -> bool {
    kind(path).is_some()
}

fn kind(path: &Path) -> Option<Kind> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let fitting = KINDS.iter().filter(|(end, _)| name.ends_with(end) && name.len() > end.len());
    fitting.max_by_key(|(end, _)| end.len()).map(|(_, kind)| *kind)
}

/// Unpacks an archive file on this machine to a folder, within the limits for what is fetched.
///
/// # Errors
/// [`FetchErrorKind`] when it is no archive, names a place outside or is too large.
pub fn unpack_archive(path: &Path, to: &Path) -> Result<(), FetchErrorKind> {
    unpack(path, to, &FetchLimits::default())
}

/// Unpacks an archive file to `to`.
pub(super) fn unpack(path: &Path, to: &Path, limits: &FetchLimits) -> Result<(), FetchErrorKind> {
    let file = BufReader::new(fs_err::File::open(path)?);
    let mut tree = Tree::new(to, limits)?;
    match kind(path) {
        Some(Kind::Tar) => untar(file, &mut tree)?,
        Some(Kind::TarGzip) => untar(MultiGzDecoder::new(file), &mut tree)?,
        Some(Kind::Zip) => unzip(file, &mut tree)?,
        Some(Kind::Unknown) | None => {
            return Err(FetchErrorKind::SourceRef(
                "the only supported archives are .tar, .tar.gz, .tgz and .zip".to_owned(),
            ));
        }
    }
    tree.finish()
}

/// Unpacks a layer that holds a folder: a tar file compressed with gzip. Links are made when the tree is finished.
pub(super) fn unpack_layer(bytes: &mut dyn Read, tree: &mut Tree<'_>) -> Result<(), FetchErrorKind> {
    untar(MultiGzDecoder::new(bytes), tree)
}

/// Unpacks a tar file that is not compressed.
pub(super) fn untar(content: impl Read, tree: &mut Tree<'_>) -> Result<(), FetchErrorKind> {
    // What stands between the files, such as long names, counts too: a header may announce gigabytes of it.
    let left = Remaining::of(archive::ArchiveLimits { entries: tree.entries_left(), bytes: tree.stream_bytes() });
    archive::entries(content, &left, &mut |entry: Entry<'_>| {
        let text = |bytes| {
            std::str::from_utf8(bytes).map_err(|_| FetchErrorKind::Failed("a name in it is not valid UTF-8".to_owned()))
        };
        let name = text(entry.name)?;
        let name = name.strip_prefix("./").unwrap_or(name).trim_end_matches('/');
        match entry.kind {
            kind if kind.is_dir() => Ok(()),
            kind if kind.is_file() || kind.is_contiguous() => {
                tree.announced(name, entry.size)?;
                tree.file(name, entry.content)
            }
            kind if kind.is_symlink() => tree.link(name, text(entry.target)?),
            _ => {
                let entry = name.chars().take(200).collect();
                Err(FetchErrorKind::Hostile { entry, why: "is neither a file nor a directory nor a symbolic link" })
            }
        }
    })
}

/// Unpacks bytes from anywhere; for [`fuzzing`](crate::fuzzing).
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn fuzz_unpack(bytes: &[u8], is_zip: bool, to: &Path, limits: &FetchLimits) -> Result<(), FetchErrorKind> {
    let mut tree = Tree::new(to, limits)?;
    if is_zip {
        unzip(std::io::Cursor::new(bytes), &mut tree)?;
    } else {
        untar(bytes, &mut tree)?;
    }
    tree.finish()
}

impl From<ArchiveError> for FetchErrorKind {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Malformed(error) => Self::Failed(format!("it is not a valid tar file: {error}")),
            ArchiveError::Limit(what) => Self::TooMuch(format!("it exceeds a limit: {what}")),
            ArchiveError::Deadline => Self::RunDeadline,
        }
    }
}

fn unzip(file: impl Read + Seek, tree: &mut Tree<'_>) -> Result<(), FetchErrorKind> {
    let broken = |error: zip::result::ZipError| FetchErrorKind::Failed(format!("it is not a valid zip file: {error}"));
    let mut archive = zip::ZipArchive::new(file).map_err(broken)?;
    for number in 0..archive.len() {
        let mut entry = archive.by_index(number).map_err(broken)?;
        let name = entry.name().map_err(broken)?.into_owned();
        if entry.is_dir() {
            continue;
        }
        if entry.is_symlink() {
            return Err(FetchErrorKind::Hostile { entry: name, why: "is a link in a zip file" });
        }
        tree.announced(&name, entry.size())?;
        tree.file(&name, &mut entry)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn small() -> FetchLimits {
        FetchLimits { files: 3, file_bytes: 2000, tree_bytes: 3000, ..FetchLimits::default() }
    }

    /// A tar file of entries as they are, however wrong.
    fn tar(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, kind, text) in entries {
            let mut header = tar::Header::new_gnu();
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0o644);
            let body = if kind.is_symlink() { "" } else { text };
            if kind.is_symlink() {
                header.set_link_name(text).unwrap();
            }
            header.set_size(body.len() as u64);
            header.set_cksum();
            builder.append(&header, body.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zipped(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, text) in entries {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn unpacked(name: &str, bytes: &[u8]) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let (path, to) = (folder.path().join(name), folder.path().join("to"));
        fs_err::write(&path, bytes).unwrap();
        fs_err::create_dir(&to).unwrap();
        unpack(&path, &to, &small()).map_err(|why| why.to_string())?;
        let mut found: Vec<String> =
            fs_err::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        found.sort();
        Ok(found)
    }

    const FILE: tar::EntryType = tar::EntryType::Regular;
    const LINK: tar::EntryType = tar::EntryType::Symlink;

    #[test]
    fn archives_are_unpacked_by_the_end_of_their_name() {
        let plain = tar(&[("./a.rego", FILE, "x"), ("d/b", FILE, "y"), ("l", LINK, "d/b")]);
        for (name, bytes) in [("a.tar", plain.clone()), ("a.tar.gz", gzip(&plain)), ("A.TGZ", gzip(&plain))] {
            assert_eq!(unpacked(name, &bytes).unwrap(), ["a.rego", "d", "l"], "{name}");
        }
        assert_eq!(unpacked("a.zip", &zipped(&[("a.rego", "x"), ("d/b", "y")])).unwrap(), ["a.rego", "d"]);
        assert!(!is_archive(Path::new("a.rego")) && !is_archive(Path::new(".tar")) && is_archive(Path::new("x.zip")));
    }

    #[test]
    fn bombs_and_entries_that_lead_out_are_refused() {
        let long = "x".repeat(2500);
        let much = "x".repeat(1900);
        let many = [("a", FILE, ""), ("b", FILE, ""), ("c", FILE, ""), ("d", FILE, "")];
        #[rustfmt::skip]
        let table = [
            ("a.tar.gz", gzip(&tar(&[("a", FILE, &long)])), "more than 2000 bytes"),
            ("a.tar.gz", gzip(&tar(&[("a", FILE, &much), ("b", FILE, &much)])), "more than 3000 bytes"),
            ("a.tar", tar(&many), "more than 3 files"),
            ("a.tar", tar(&[("../a", FILE, "")]), "outside of the source's directory"),
            ("a.tar", tar(&[("/a", FILE, "")]), "outside of the source's directory"),
            ("a.tar", tar(&[("a", LINK, "/etc/passwd")]), "points outside"),
            ("a.tar", tar(&[("a", LINK, ".."), ("a/b", FILE, "")]), "below a link"),
            ("a.tar", tar(&[("a", tar::EntryType::Link, "b")]), "neither a file"),
            ("a.tar", tar(&[("a", tar::EntryType::Fifo, "")]), "neither a file"),
            ("a.tar", b"no tar file".repeat(100), "is not a valid tar"),
            ("a.tar.gz", b"no gzip".to_vec(), "is not a valid tar"),
            ("a.zip", zipped(&[("a", &long)]), "more than 2000 bytes"),
            ("a.zip", zipped(&[("a", &much), ("b", &much)]), "more than 3000 bytes"),
            ("a.zip", zipped(&[("../a", "")]), "outside of the source's directory"),
            ("a.zip", b"no zip file".to_vec(), "is not a valid zip"),
            ("a.tar.bz2", b"BZh".to_vec(), "the only supported archives are .tar"),
            ("a.gz", gzip(b"x"), "the only supported archives are .tar"),
        ];
        for (name, bytes, says) in table {
            let error = unpacked(name, &bytes).unwrap_err();
            assert!(error.contains(says), "{name}: {error} lacks {says}");
        }
    }

    #[test]
    fn a_header_that_announces_a_long_name_of_gigabytes_ends_at_the_limit() {
        let mut bytes = tar(&[("a", FILE, "x")]);
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::GNULongName);
        header.set_size(1 << 30);
        header.set_cksum();
        let mut bomb = header.as_bytes().to_vec();
        bomb.extend(vec![b'n'; 1 << 20]);
        bomb.append(&mut bytes);
        assert!(unpacked("a.tar.gz", &gzip(&bomb)).is_err());
    }
}

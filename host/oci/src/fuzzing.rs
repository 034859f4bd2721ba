//! Entry points of the fuzz targets in `fuzz/`: single readers over bytes from anywhere. Behind the feature `fuzzing`.

use std::{
    io::{self, Read, Write as _},
    path::Path,
};

use assay_model::digest::Digest;

use crate::{
    archive::{self, ArchiveLimits, Remaining},
    evidence_archive::{self, verify_archive},
    source,
    store::{self, Manifest},
};

/// How much an archive may hold here.
const LIMITS: ArchiveLimits = ArchiveLimits { entries: 1_000, bytes: 4 << 20 };

/// Reads a manifest or an index.
///
/// # Errors
/// What is wrong with it.
pub fn manifest(bytes: &[u8]) -> Result<(), String> {
    Manifest::parse(Digest::of(bytes), bytes.to_vec()).map(drop)
}

/// Reads what a registry says about how to log in, and whether that was understood.
#[must_use]
pub fn challenge(header: &str) -> bool {
    store::fuzz_challenge(header)
}

/// Walks an archive, plain or compressed, and gives its entries and the bytes read from them.
///
/// # Errors
/// It is broken, or too large.
pub fn archive(mut bytes: &[u8]) -> Result<(usize, u64), String> {
    let (mut entries, mut read) = (0, 0);
    let visit = |_: &str, _: bool, content: &mut dyn Read| {
        entries += 1;
        // What breaks off shows when the next entry is looked for.
        read += io::copy(content, &mut io::sink()).unwrap_or_default();
        Ok(())
    };
    archive::walk(&mut bytes, &Remaining::of(LIMITS), visit).map_err(|error| format!("{error:?}"))?;
    Ok((entries, read))
}

/// Reads the record of an evidence archive. One that can be read makes an archive that is whole.
///
/// # Panics
/// It is written in another form than it is read.
pub fn evidence_record(bytes: &[u8]) {
    evidence_archive::fuzz_record(bytes);
}

/// Opens and checks an evidence archive. Gives whether it is whole.
#[must_use]
pub fn evidence_archive(bytes: &[u8]) -> bool {
    let written = tempfile::NamedTempFile::new().and_then(|mut file| file.write_all(bytes).map(|()| file));
    written.is_ok_and(|file| verify_archive(file.path()).is_ok())
}

/// Unpacks an archive of policies, a tar or a zip file, into an empty folder.
///
/// # Errors
/// It is broken, too large or hostile; then the folder is as empty as before.
pub fn source_archive(bytes: &[u8], is_zip: bool, to: &Path) -> Result<(), String> {
    let limits =
        source::FetchLimits { files: 200, depth: 8, file_bytes: 1 << 20, tree_bytes: 4 << 20, ..<_>::default() };
    source::fuzz_unpack(bytes, is_zip, to, &limits).map_err(|why| why.to_string())
}

/// A tar file that is well formed, of entries that each try to get somewhere: three bytes choose an entry's kind, its name
/// and where it leads. `outside` is the way to a folder that no archive may reach.
#[must_use]
pub fn crooked_tar(choices: &[u8], outside: &str) -> Vec<u8> {
    const PARTS: [&str; 8] = ["a", "b", "c", "..", ".", "", "a/b", "b/a/c"];
    let targets =
        ["a", "b", "..", "../..", "a/..", "a/../..", ".", "c/b", outside, "/", "../outside", "b/../../outside"];
    let pick = |from: &[&str], at: u8| from.get(usize::from(at) % from.len()).copied().unwrap_or_default().to_owned();
    let kinds = [tar::EntryType::Regular, tar::EntryType::Symlink, tar::EntryType::Symlink, tar::EntryType::Directory];
    let mut builder = tar::Builder::new(Vec::new());
    for &[kind, name, target] in choices.as_chunks::<3>().0.iter().take(64) {
        let name = format!("{}/{}", pick(&PARTS, name), pick(&PARTS, name >> 4));
        // Half of them are plain names: what leads out by its name alone is refused at once.
        let name =
            if kind & 0x80 == 0 { pick(&PARTS[..3], name.as_bytes().first().copied().unwrap_or(0)) } else { name };
        let kind = *kinds.get(usize::from(kind) % kinds.len()).unwrap_or(&tar::EntryType::Fifo);
        let mut header = tar::Header::new_gnu();
        // Straight into the field: the builder would refuse such names.
        for (to, from) in header.as_mut_bytes().iter_mut().zip(name.bytes().take(99)) {
            *to = from;
        }
        header.set_entry_type(kind);
        header.set_size(if kind.is_file() { 1 } else { 0 });
        if kind.is_symlink() && header.set_link_name_literal(pick(&targets, target)).is_err() {
            continue;
        }
        header.set_cksum();
        let body: &[u8] = if kind.is_file() { b"x" } else { b"" };
        // Writing to memory cannot fail.
        let _infallible = builder.append(&header, body);
    }
    builder.into_inner().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is below a folder.
    fn listing(folder: &Path) -> Vec<std::path::PathBuf> {
        let mut found = Vec::new();
        for entry in fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
            found.push(entry.path());
            if entry.file_type().unwrap().is_dir() {
                found.extend(listing(&entry.path()));
            }
        }
        found.sort();
        found
    }

    #[test]
    fn no_crooked_archive_reaches_a_folder_outside_or_leaves_anything_when_it_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        fs_err::create_dir(&outside).unwrap();
        fs_err::write(outside.join("canary"), "alive").unwrap();
        let way = format!("{}{}", "../".repeat(30), outside.display().to_string().trim_start_matches('/'));
        let (mut state, mut unpacked, mut refused) = (0x2545_f491_4f6c_dd1d_u64, 0, 0);
        for round in 0..1500 {
            let choices: Vec<u8> = (0..3 * (2 + round % 6))
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    state.to_le_bytes()[3]
                })
                .collect();
            let root = folder.path().join("tree");
            fs_err::create_dir(&root).unwrap();
            match source_archive(&crooked_tar(&choices, &way), false, &root) {
                Ok(()) => {
                    unpacked += 1;
                    let real = fs_err::canonicalize(&root).unwrap();
                    for path in listing(&root) {
                        let end = fs_err::canonicalize(&path).unwrap();
                        assert!(end.starts_with(&real), "{choices:?}: {} ends at {}", path.display(), end.display());
                    }
                }
                Err(_) => {
                    refused += 1;
                    assert_eq!(listing(&root), [""; 0].map(std::path::PathBuf::from), "{choices:?}");
                }
            }
            fs_err::remove_dir_all(&root).unwrap();
            assert_eq!(listing(&outside), [outside.join("canary")], "{choices:?}");
            assert_eq!(listing(folder.path()).len(), 2, "{choices:?}");
        }
        assert!(unpacked > 50 && refused > 50, "{unpacked} unpacked, {refused} refused");
    }

    #[test]
    fn each_reader_names_what_is_wrong_with_bytes() {
        let error = manifest(b"[]").unwrap_err();
        assert!(error.contains("not a JSON object"), "{error}");
        assert!(challenge("Bearer realm=\"https://r.test/token\"") && !challenge("Digest x"));
        assert!(archive(b"no archive").is_err());
        assert_eq!(archive(&[0; 1024]), Ok((0, 0)));
    }
}

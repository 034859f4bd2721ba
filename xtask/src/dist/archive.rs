//! [`Tree`]: files to install, and [`tar_gz()`], which writes them the same way each time.

use std::collections::{BTreeMap, BTreeSet};

use flate2::{Compression, GzBuilder};

const PROGRAM: u32 = 0o755;
const FILE: u32 = 0o644;

/// Files by their path below a prefix, with their mode.
#[derive(Debug, Default)]
pub(super) struct Tree(BTreeMap<String, (u32, Vec<u8>)>);

impl Tree {
    pub(super) fn program(&mut self, path: &str, bytes: Vec<u8>) {
        self.0.insert(path.to_owned(), (PROGRAM, bytes));
    }

    pub(super) fn file(&mut self, path: &str, bytes: Vec<u8>) {
        self.0.insert(path.to_owned(), (FILE, bytes));
    }

    /// The files with their bytes, by path.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(path, (_, bytes))| (path.as_str(), bytes.as_slice()))
    }

    /// The bytes of all files.
    pub(super) fn size(&self) -> usize {
        self.0.values().map(|(_, bytes)| bytes.len()).sum()
    }
}

/// A compressed tar file of a tree below a prefix, which ends with a slash. Folders come before what is in them; there are
/// no owners, and one time.
///
/// # Errors
/// A path is too long for the format.
pub(super) fn tar_gz(tree: &Tree, prefix: &str, seconds: u64) -> anyhow::Result<Vec<u8>> {
    // The header of gzip has no time and no name.
    let mut tar = tar::Builder::new(GzBuilder::new().write(Vec::new(), Compression::best()));
    let mut folders = BTreeSet::new();
    for (path, (mode, bytes)) in &tree.0 {
        let path = format!("{prefix}{path}");
        for (at, _) in path.match_indices('/').filter(|(at, _)| *at > 0) {
            let folder = path.get(..=at).unwrap_or_default();
            if folder != "./" && folders.insert(folder.to_owned()) {
                append(&mut tar, folder, tar::EntryType::Directory, PROGRAM, &[], seconds)?;
            }
        }
        append(&mut tar, &path, tar::EntryType::Regular, *mode, bytes, seconds)?;
    }
    Ok(tar.into_inner()?.finish()?)
}

fn append<W: std::io::Write>(
    tar: &mut tar::Builder<W>,
    path: &str,
    kind: tar::EntryType,
    mode: u32,
    bytes: &[u8],
    seconds: u64,
) -> anyhow::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(seconds);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(bytes.len().try_into()?);
    tar.append_data(&mut header, path, bytes)?;
    Ok(())
}

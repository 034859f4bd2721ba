//! [`Tree`]: a folder that is filled with the files of a source, within [`FetchLimits`].
//!
//! Names come from outside. A file is always new and beneath the folder, whatever its name ([`Folder`]). Links are only
//! noted while files are written, so that no file is written through one. Where each link ends is then worked out from
//! the noted names alone (`shape`), before any is made: one that leads out of the folder refuses the whole source. A tree
//! that was refused leaves nothing.

use std::{
    io::{self, Read, Write as _},
    path::Path,
};

use assay_model::limits::IMAGE_REF_BYTES as PATH_BYTES;

use super::{
    beneath::Folder,
    error::FetchErrorKind,
    limits::FetchLimits,
    shape::{End, LINK_BYTES, Shape},
};

/// A folder under construction.
pub(super) struct Tree<'a> {
    root: &'a Path,
    folder: Folder,
    limits: &'a FetchLimits,
    entries: usize,
    bytes: u64,
    shape: Shape,
    is_finished: bool,
}

impl<'a> Tree<'a> {
    /// An empty folder to fill.
    pub(super) fn new(root: &'a Path, limits: &'a FetchLimits) -> Result<Self, FetchErrorKind> {
        let folder = Folder::open(root)?;
        Ok(Self { root, folder, limits, entries: 0, bytes: 0, shape: Shape::default(), is_finished: false })
    }

    /// Adds a file with all that can be read.
    pub(super) fn file(&mut self, name: &str, content: &mut dyn Read) -> Result<(), FetchErrorKind> {
        let parts = self.parts(name)?;
        self.shape.add_file(&parts).map_err(|why| hostile(name, why))?;
        self.count_folders()?;
        let mut file = self.new_file(name, &parts)?;
        let limit = self.limits.file_bytes.min(self.limits.tree_bytes.saturating_sub(self.bytes));
        let mut content = content.take(limit.saturating_add(1));
        let mut buffer = vec![0; 64 << 10];
        let mut size = 0_u64;
        loop {
            self.limits.check_deadline()?;
            let read = content
                .read(&mut buffer)
                .map_err(|error| FetchErrorKind::Failed(format!("`{name}` cannot be read: {error}")))?;
            let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else { break };
            file.write_all(part)?;
            size += part.len() as u64;
        }
        self.bytes = self.bytes.saturating_add(size);
        self.within(name, size)
    }

    /// Notes a link.
    pub(super) fn link(&mut self, name: &str, target: &str) -> Result<(), FetchErrorKind> {
        let parts = self.parts(name)?;
        if target.len() as u64 > LINK_BYTES {
            return Err(hostile(name, "is a link with a target that is too long"));
        }
        if target.is_empty() || target.contains('\0') {
            return Err(hostile(name, "is a link with an invalid target"));
        }
        self.shape.add_link(&parts, target).map_err(|why| hostile(name, why))?;
        self.count_folders()
    }

    /// Refuses a file by its announced size, before a byte of it is read.
    pub(super) fn announced(&self, name: &str, size: u64) -> Result<(), FetchErrorKind> {
        if size > self.limits.tree_bytes.saturating_sub(self.bytes) {
            return Err(self.too_much());
        }
        self.within(name, size)
    }

    /// Makes the links. One that leads out of the folder is an error, one that leads nowhere is left out.
    pub(super) fn finish(mut self) -> Result<(), FetchErrorKind> {
        let mut inside = Vec::new();
        for (name, target) in self.shape.links() {
            self.limits.check_deadline()?;
            match self.shape.end(name) {
                End::Inside => inside.push((name, target)),
                End::Nowhere => {}
                End::Outside => return Err(hostile(name, "is a link that points outside of the source's directory")),
                End::TooFar => {
                    return Err(hostile(name, "is a link that resolves through too many directories and links"));
                }
            }
        }
        fn parts(name: &str) -> Vec<&str> {
            name.split('/').collect()
        }
        // All folders first, those of links that are left out as well: other links may lead to them, and none may be made
        // through a link.
        for (name, _) in self.shape.links() {
            if let Some((_, above)) = parts(name).split_last() {
                self.folder.make(above)?;
            }
        }
        for (name, target) in &inside {
            if let Some((last, above)) = parts(name).split_last() {
                self.folder.make(above)?.link(target, last).map_err(|error| taken(name, error))?;
            }
        }
        self.is_finished = true;
        Ok(())
    }

    /// The bytes of an archive that can hold no more than the limits allow, with a header for each entry.
    pub(super) fn stream_bytes(&self) -> u64 {
        let headers = self.entries_left().saturating_mul(2 * 1024);
        self.limits.tree_bytes.saturating_add(headers).saturating_add(64 << 10)
    }

    /// Entries of an archive that hold no more than the limits allow: each file may have its folders in front of it.
    pub(super) fn entries_left(&self) -> u64 {
        u64::try_from(self.limits.files).unwrap_or(u64::MAX).saturating_mul(4).saturating_add(64)
    }

    fn new_file(&self, name: &str, parts: &[&str]) -> Result<std::fs::File, FetchErrorKind> {
        let (last, above) = parts.split_last().ok_or_else(|| hostile(name, OUTSIDE))?;
        let file = self.folder.make(above).and_then(|folder| folder.new_file(last));
        file.map_err(|error| taken(name, error))
    }

    fn within(&self, name: &str, size: u64) -> Result<(), FetchErrorKind> {
        if size > self.limits.file_bytes {
            let name = shortened(name);
            return Err(FetchErrorKind::TooMuch(format!(
                "a file, `{name}`, of more than {} bytes",
                self.limits.file_bytes
            )));
        }
        if self.bytes > self.limits.tree_bytes {
            return Err(self.too_much());
        }
        Ok(())
    }

    fn too_much(&self) -> FetchErrorKind {
        FetchErrorKind::TooMuch(format!("more than {} bytes in all its files", self.limits.tree_bytes))
    }

    fn count_folders(&self) -> Result<(), FetchErrorKind> {
        if self.shape.folders() > self.limits.files {
            return Err(FetchErrorKind::TooMuch(format!("more than {} folders", self.limits.files)));
        }
        Ok(())
    }

    /// The parts of the name of an entry, counted.
    fn parts<'n>(&mut self, name: &'n str) -> Result<Vec<&'n str>, FetchErrorKind> {
        self.limits.check_deadline()?;
        self.entries += 1;
        if self.entries > self.limits.files {
            return Err(FetchErrorKind::TooMuch(format!("more than {} files", self.limits.files)));
        }
        if name.len() > PATH_BYTES {
            return Err(hostile(name, "has a name that is too long"));
        }
        let parts: Vec<&str> = name.split('/').collect();
        if parts.len() > self.limits.depth {
            return Err(hostile(name, "is nested too deeply"));
        }
        if parts.iter().any(|part| part.is_empty() || [".", ".."].contains(part)) {
            return Err(hostile(name, OUTSIDE));
        }
        if name.contains(['\\', '\0']) {
            return Err(hostile(name, "has a name that is not portable"));
        }
        Ok(parts)
    }
}

impl Drop for Tree<'_> {
    /// What was refused leaves nothing that somebody could take for the source.
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        for entry in fs_err::read_dir(self.root).into_iter().flatten().filter_map(Result::ok) {
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let _gone = if is_folder { fs_err::remove_dir_all(path) } else { fs_err::remove_file(path) };
        }
    }
}

const OUTSIDE: &str = "would be outside of the source's directory";

/// The name of an entry in an error.
fn shortened(name: &str) -> String {
    name.chars().take(200).collect()
}

fn hostile(name: &str, why: &'static str) -> FetchErrorKind {
    FetchErrorKind::Hostile { entry: shortened(name), why }
}

/// What the disk says of a new entry. On a disk that takes two names for one, the other may be there.
fn taken(name: &str, error: io::Error) -> FetchErrorKind {
    match error.kind() {
        io::ErrorKind::AlreadyExists => hostile(name, "is duplicated"),
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests;

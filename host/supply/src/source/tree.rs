//! [`Tree`]: a folder that is filled with the files of a source, within [`Bounds`].
//!
//! Names come from outside. A file is always new and below the folder, whatever its name; links are made when all
//! files are there, so that no file is written through one, and each must end in the folder.

use std::{
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
};

use assay_model::limits::IMAGE_REF_BYTES as PATH_BYTES;

use super::{bounds::Bounds, error::Why};

/// A folder under construction.
pub(super) struct Tree<'a> {
    root: &'a Path,
    bounds: &'a Bounds,
    entries: usize,
    bytes: u64,
    links: Vec<(String, PathBuf, String)>,
}

impl<'a> Tree<'a> {
    /// An empty folder to fill.
    pub(super) const fn new(root: &'a Path, bounds: &'a Bounds) -> Self {
        Self { root, bounds, entries: 0, bytes: 0, links: Vec::new() }
    }

    /// Adds a file with all that can be read.
    pub(super) fn file(&mut self, name: &str, content: &mut dyn Read) -> Result<(), Why> {
        let path = self.place(name)?;
        if let Some(folder) = path.parent() {
            fs_err::create_dir_all(folder)?;
        }
        let mut file = match fs_err::OpenOptions::new().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(Why::Hostile { entry: name.to_owned(), why: "is there twice" });
            }
            opened => opened?,
        };
        let limit = self.bounds.file_bytes.min(self.bounds.tree_bytes.saturating_sub(self.bytes));
        let mut content = content.take(limit.saturating_add(1));
        let mut buffer = vec![0; 64 << 10];
        let mut size = 0_u64;
        loop {
            let read =
                content.read(&mut buffer).map_err(|error| Why::Failed(format!("`{name}` does not read: {error}")))?;
            let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else { break };
            file.write_all(part)?;
            size += part.len() as u64;
        }
        self.bytes = self.bytes.saturating_add(size);
        self.within(name, size)
    }

    /// Remembers a link.
    pub(super) fn link(&mut self, name: &str, target: &str) -> Result<(), Why> {
        let path = self.place(name)?;
        self.links.push((name.to_owned(), path, target.to_owned()));
        Ok(())
    }

    /// Refuses a file by its announced size, before a byte of it is read.
    pub(super) fn announced(&self, name: &str, size: u64) -> Result<(), Why> {
        if size > self.bounds.tree_bytes.saturating_sub(self.bytes) {
            return Err(self.too_much());
        }
        self.within(name, size)
    }

    /// Makes the links. Those that lead out of the folder are an error, those that lead nowhere are left out.
    pub(super) fn finish(self) -> Result<(), Why> {
        let root = fs_err::canonicalize(self.root)?;
        let mut made = Vec::new();
        for (name, path, target) in self.links {
            if Path::new(&target).is_absolute() {
                return Err(leads_out(name));
            }
            if let Some(folder) = path.parent() {
                fs_err::create_dir_all(folder)?;
            }
            symlink(&target, &path)?;
            made.push((name, path));
        }
        // Each is looked at when all are there, as one may lead through another.
        for (name, path) in made {
            match fs_err::canonicalize(&path) {
                Ok(real) if real.starts_with(&root) => {}
                Ok(_) => return Err(leads_out(name)),
                Err(_) => fs_err::remove_file(&path)?,
            }
        }
        Ok(())
    }

    /// The bytes of an archive that can hold no more than the limits allow, with a header for each entry.
    pub(super) fn stream_bytes(&self) -> u64 {
        let headers = u64::try_from(self.bounds.files).unwrap_or(u64::MAX).saturating_mul(2 * 1024);
        self.bounds.tree_bytes.saturating_add(headers).saturating_add(64 << 10)
    }

    fn within(&self, name: &str, size: u64) -> Result<(), Why> {
        if size > self.bounds.file_bytes {
            return Err(Why::TooMuch(format!("a file, `{name}`, of more than {} bytes", self.bounds.file_bytes)));
        }
        if self.bytes > self.bounds.tree_bytes {
            return Err(self.too_much());
        }
        Ok(())
    }

    fn too_much(&self) -> Why {
        Why::TooMuch(format!("more than {} bytes in all its files", self.bounds.tree_bytes))
    }

    /// The path of an entry, counted.
    fn place(&mut self, name: &str) -> Result<PathBuf, Why> {
        self.entries += 1;
        if self.entries > self.bounds.files {
            return Err(Why::TooMuch(format!("more than {} files", self.bounds.files)));
        }
        let hostile = |why| Why::Hostile { entry: name.chars().take(200).collect(), why };
        let parts: Vec<&str> = name.split('/').collect();
        if name.len() > PATH_BYTES {
            return Err(hostile("has a name that is too long"));
        }
        if parts.len() > self.bounds.depth {
            return Err(hostile("is too many folders deep"));
        }
        if parts.iter().any(|part| part.is_empty() || [".", ".."].contains(part)) {
            return Err(hostile("would be outside of the source's folder"));
        }
        if name.contains(['\\', '\0']) {
            return Err(hostile("has a name that means something else on other systems"));
        }
        Ok(parts.iter().fold(self.root.to_owned(), |path, part| path.join(part)))
    }
}

fn leads_out(entry: String) -> Why {
    Why::Hostile { entry, why: "is a link that leads out of the source's folder" }
}

#[cfg(unix)]
fn symlink(target: &str, path: &Path) -> io::Result<()> {
    fs_err::os::unix::fs::symlink(target, path)
}

#[cfg(not(unix))]
fn symlink(_target: &str, _path: &Path) -> io::Result<()> {
    Err(io::Error::other("links are not made on this system"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Bounds {
        Bounds { files: 3, depth: 3, file_bytes: 10, tree_bytes: 15, ..Bounds::default() }
    }

    fn filled(files: &[(&str, &str)], links: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("tree");
        fs_err::create_dir(&root).unwrap();
        let bounds = small();
        let mut tree = Tree::new(&root, &bounds);
        let fill = |tree: &mut Tree<'_>| -> Result<(), Why> {
            for (name, text) in files {
                tree.file(name, &mut text.as_bytes())?;
            }
            for (name, target) in links {
                tree.link(name, target)?;
            }
            Ok(())
        };
        fill(&mut tree).and_then(|()| tree.finish()).map_err(|why| why.to_string())?;
        let mut names: Vec<String> =
            fs_err::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        Ok(names)
    }

    #[test]
    fn files_and_links_within_the_folder_are_made_and_links_to_nothing_left_out() {
        assert_eq!(filled(&[("a", "1"), ("b/c", "2")], &[("d", "b/c")]).unwrap(), ["a", "b", "d"]);
        assert_eq!(filled(&[("a", "1")], &[("d", "none"), ("e", "e")]).unwrap(), ["a"]);
    }

    #[test]
    fn no_entry_gets_out_of_the_folder() {
        for name in ["../x", "/x", "a/../x", "a//x", "", ".", "a\\x", "a\0x"] {
            assert!(filled(&[(name, "x")], &[]).is_err(), "{name:?}");
        }
        for (links, says) in [
            (&[("l", "/etc")][..], "leads out"),
            (&[("l", "..")], "leads out"),
            (&[("a/b/l", "../.."), ("m", "a/b/l/../..")], "leads out"),
            (&[("l", "../tree/../..")], "leads out"),
        ] {
            let error = filled(&[], links).unwrap_err();
            assert!(error.contains(says), "{links:?}: {error}");
        }
        assert!(filled(&[("l/x", "1"), ("l/x", "2")], &[]).unwrap_err().contains("twice"));
        // A file is not written through a link of the same name.
        assert!(filled(&[("l/x", "1")], &[("l", "/tmp")]).is_err());
    }

    #[test]
    fn every_limit_is_an_error_and_not_a_shorter_source() {
        for (files, says) in [
            (&[("a", "12345678901")][..], "of more than 10 bytes"),
            (&[("a", "1234567890"), ("b", "123456")], "more than 15 bytes"),
            (&[("a", ""), ("b", ""), ("c", ""), ("d", "")], "more than 3 files"),
            (&[("a/b/c/d", "")], "folders deep"),
        ] {
            let error = filled(files, &[]).unwrap_err();
            assert!(error.contains(says), "{files:?}: {error}");
        }
        assert!(filled(&[("a", "1234567890"), ("b", "12345")], &[]).is_ok());
    }
}

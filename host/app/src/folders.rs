//! [`files_below`]: the files of a folder in a fixed order and within limits; and copying them.

use std::{collections::BTreeSet, io};

use assay_model::limits::{SOURCE_DEPTH, SOURCE_FILES};
use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::{error::RequestError, read::private_folder};

/// The files below a folder, in the order of their paths, or the file itself. Links are followed, but never back into a
/// folder that they are in.
pub(crate) fn files_below(place: &Utf8Path) -> Result<Vec<Utf8PathBuf>, RequestError> {
    files_below_where(place, |_| true)
}

/// Those of the files and folders below a folder whose paths are wanted.
pub(crate) fn files_below_where(
    place: &Utf8Path,
    is_wanted: fn(&Utf8Path) -> bool,
) -> Result<Vec<Utf8PathBuf>, RequestError> {
    let mut walk = Walk { place, above: Vec::new(), folders: 0, found: BTreeSet::new(), is_wanted };
    if place.is_dir() {
        walk.folder(place)?;
    } else if place.exists() {
        walk.found.insert(place.to_owned());
    } else {
        return Err(
            RequestError::new(format!("`{place}` does not exist")).hint("paths are relative to the working directory")
        );
    }
    Ok(walk.found.into_iter().collect())
}

struct Walk<'a> {
    place: &'a Utf8Path,
    above: Vec<Utf8PathBuf>,
    /// How many folders were walked through: links between a few of them make ways without number.
    folders: usize,
    found: BTreeSet<Utf8PathBuf>,
    is_wanted: fn(&Utf8Path) -> bool,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Utf8Path) -> Result<(), RequestError> {
        let unreadable = |error: io::Error| RequestError::new(format!("`{folder}` cannot be read: {error}"));
        let real = folder.canonicalize_utf8().map_err(unreadable)?;
        if self.above.contains(&real) {
            return Err(RequestError::new(format!(
                "the symbolic link `{folder}` points to a directory that contains it"
            )));
        }
        if self.above.len() > SOURCE_DEPTH {
            return Err(RequestError::new(format!("`{folder}` is more than {SOURCE_DEPTH} folders deep")));
        }
        self.folders += 1;
        if self.folders > SOURCE_FILES {
            return Err(RequestError::new(format!(
                "`{}` holds more than {SOURCE_FILES} directories, including links to directories",
                self.place
            )));
        }
        self.above.push(real);
        for entry in folder.read_dir_utf8().map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.into_path();
            if !(self.is_wanted)(&path) {
                continue;
            }
            if path.is_dir() {
                self.folder(&path)?;
            } else if path.is_file() {
                self.found.insert(path);
            }
            if self.found.len() > SOURCE_FILES {
                return Err(RequestError::new(format!("`{}` holds more than {SOURCE_FILES} files", self.place)));
            }
        }
        self.above.pop();
        Ok(())
    }
}

/// A path as Go's `filepath.Clean` writes it: without `.`, doubled slashes and `..` that a folder before it undoes.
pub(crate) fn clean(path: &Utf8Path) -> Utf8PathBuf {
    let mut cleaned = Utf8PathBuf::new();
    for part in path.components() {
        match part {
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir if cleaned.file_name().is_some() => {
                cleaned.pop();
            }
            Utf8Component::ParentDir if cleaned.has_root() => {}
            other => cleaned.push(other),
        }
    }
    if cleaned.as_str().is_empty() { Utf8PathBuf::from(".") } else { cleaned }
}

/// Copies what is below `from`, a folder or a file, into the folder `to`, in place of all that was there.
pub(crate) fn copy_into(from: &Utf8Path, to: &Utf8Path) -> Result<(), RequestError> {
    let failed = |error: io::Error| RequestError::new(format!("`{to}` cannot be written: {error}"));
    let files = files_below(from)?;
    let parent = to.parent().filter(|parent| !parent.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    fs_err::create_dir_all(parent).map_err(failed)?;
    // Nobody else sees it before it is whole; then it has the mode of any new folder.
    let new = private_folder(".fetched-").tempdir_in(parent).map_err(failed)?;
    let root = Utf8Path::from_path(new.path())
        .ok_or_else(|| RequestError::new(format!("the path of `{to}` is not valid UTF-8")))?;
    let root = root.join("whole");
    fs_err::create_dir(&root).map_err(failed)?;
    for file in files {
        let name = file.strip_prefix(from).ok().filter(|name| !name.as_str().is_empty());
        let place = root.join(name.unwrap_or_else(|| Utf8Path::new(file.file_name().unwrap_or("file"))));
        if let Some(folder) = place.parent() {
            fs_err::create_dir_all(folder).map_err(failed)?;
        }
        fs_err::copy(&file, &place).map_err(failed)?;
    }
    if to.exists() {
        fs_err::remove_dir_all(to).map_err(failed)?;
    }
    fs_err::rename(&root, to).map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_cleaned_as_go_does_it() {
        for (path, want) in [
            ("./c.yaml", "c.yaml"),
            ("a/./b//c", "a/b/c"),
            ("a/../b", "b"),
            ("../a", "../a"),
            ("../../a/../b", "../../b"),
            ("/../a", "/a"),
            ("a/..", "."),
            (".", "."),
            ("", "."),
            ("/", "/"),
        ] {
            assert_eq!(clean(Utf8Path::new(path)), want, "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_between_folders_do_not_keep_a_walk_busy_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        // Each level leads to the next one by ten names: 10^20 ways to the last.
        for level in 0..20 {
            fs_err::create_dir(root.join(format!("d{level}"))).unwrap();
            for name in 0..10 {
                let to = root.join(format!("d{}", level + 1));
                std::os::unix::fs::symlink(to, root.join(format!("d{level}/l{name}"))).unwrap();
            }
        }
        fs_err::create_dir(root.join("d20")).unwrap();
        let error = files_below(&root.join("d0")).unwrap_err().message();
        assert!(error.contains("directories, including links to directories"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_in_a_folder_is_no_file_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(root.join("p.yaml")).status().unwrap().success());
        fs_err::write(root.join("a.yaml"), "").unwrap();
        assert_eq!(files_below(root).unwrap(), [root.join("a.yaml")]);
    }
}

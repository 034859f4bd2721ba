//! [`files_below`]: the files of a folder in a fixed order and within limits; and copying them.

use std::{collections::BTreeSet, io};

use assay_model::limits::{SOURCE_DEPTH, SOURCE_FILES};
use camino::{Utf8Path, Utf8PathBuf};

use crate::error::Unusable;

/// The files below a folder, in the order of their paths, or the file itself. Links are followed, but never back into a
/// folder that they are in.
pub(crate) fn files_below(place: &Utf8Path) -> Result<Vec<Utf8PathBuf>, Unusable> {
    let mut walk = Walk { place, above: Vec::new(), found: BTreeSet::new() };
    if place.is_dir() {
        walk.folder(place)?;
    } else if place.exists() {
        walk.found.insert(place.to_owned());
    } else {
        return Err(Unusable::new(format!("`{place}` does not exist")).hint("paths are relative to the working folder"));
    }
    Ok(walk.found.into_iter().collect())
}

struct Walk<'a> {
    place: &'a Utf8Path,
    above: Vec<Utf8PathBuf>,
    found: BTreeSet<Utf8PathBuf>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Utf8Path) -> Result<(), Unusable> {
        let unreadable = |error: io::Error| Unusable::new(format!("`{folder}` cannot be read: {error}"));
        let real = folder.canonicalize_utf8().map_err(unreadable)?;
        if self.above.contains(&real) {
            return Err(Unusable::new(format!("the link `{folder}` leads back to a folder that it is in")));
        }
        if self.above.len() > SOURCE_DEPTH {
            return Err(Unusable::new(format!("`{folder}` is more than {SOURCE_DEPTH} folders deep")));
        }
        self.above.push(real);
        for entry in folder.read_dir_utf8().map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.into_path();
            if path.is_dir() {
                self.folder(&path)?;
            } else if path.is_file() {
                self.found.insert(path);
            }
            if self.found.len() > SOURCE_FILES {
                return Err(Unusable::new(format!("`{}` holds more than {SOURCE_FILES} files", self.place)));
            }
        }
        self.above.pop();
        Ok(())
    }
}

/// Copies what is below `from`, a folder or a file, into the folder `to`, in place of all that was there.
pub(crate) fn copy_into(from: &Utf8Path, to: &Utf8Path) -> Result<(), Unusable> {
    let failed = |error: io::Error| Unusable::new(format!("`{to}` cannot be written: {error}"));
    let files = files_below(from)?;
    let parent = to.parent().filter(|parent| !parent.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    fs_err::create_dir_all(parent).map_err(failed)?;
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755));
    let new = builder.prefix(".fetched-").tempdir_in(parent).map_err(failed)?;
    let root =
        Utf8Path::from_path(new.path()).ok_or_else(|| Unusable::new(format!("the path of `{to}` is not UTF-8")))?;
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
    fs_err::rename(root, to).map_err(failed)?;
    // Its place is another now.
    let _moved = new.keep();
    Ok(())
}

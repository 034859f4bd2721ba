//! [`files`]: the wanted files of a policy or data source, found in a fixed order and within limits.

use std::path::{Path, PathBuf};

use assay_model::limits::{SOURCE_DEPTH, SOURCE_FILES};

use crate::source_error::SourceError;

/// A file that was found.
#[derive(Debug)]
pub(crate) struct FoundFile {
    /// The folders between the source and the file.
    pub(crate) folders: Vec<String>,
    /// Where it is.
    pub(crate) path: PathBuf,
}

/// The files below `path` whose name is wanted, or `path` itself when it is a file. Links are followed.
pub(crate) fn files(path: &Path, wanted: fn(&str) -> bool) -> Result<Vec<FoundFile>, SourceError> {
    let unreadable = |error| SourceError::unreadable(path, error);
    if !path.try_exists().map_err(unreadable)? {
        return Err(SourceError::Missing { path: path.to_owned() });
    }
    let mut walk = Walk { source: path, wanted, above: Vec::new(), folders: 0, found: Vec::new() };
    if path.is_dir() {
        walk.folder(path, &[])?;
    } else if path.file_name().is_some_and(|name| wanted(&name.to_string_lossy())) {
        walk.found.push(FoundFile { folders: Vec::new(), path: path.to_owned() });
    }
    Ok(walk.found)
}

struct Walk<'a> {
    source: &'a Path,
    wanted: fn(&str) -> bool,
    /// The real paths of the folders that the walk is in.
    above: Vec<PathBuf>,
    /// How many folders were walked through: links between a few of them make ways without number.
    folders: usize,
    found: Vec<FoundFile>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, names: &[String]) -> Result<(), SourceError> {
        let unreadable = |error| SourceError::unreadable(folder, error);
        if names.len() > SOURCE_DEPTH {
            return Err(SourceError::TooDeep { path: folder.to_owned() });
        }
        let real = fs_err::canonicalize(folder).map_err(unreadable)?;
        if self.above.contains(&real) {
            return Err(SourceError::Loop { path: folder.to_owned() });
        }
        self.folders += 1;
        if self.folders > SOURCE_FILES {
            return Err(SourceError::TooMany { path: self.source.to_owned() });
        }
        self.above.push(real);
        let entries: Result<Vec<_>, _> =
            fs_err::read_dir(folder).map_err(unreadable)?.map(|entry| entry.map(|entry| entry.path())).collect();
        let mut entries = entries.map_err(unreadable)?;
        entries.sort();
        for path in entries {
            self.entry(path, names)?;
        }
        self.above.pop();
        Ok(())
    }

    fn entry(&mut self, path: PathBuf, names: &[String]) -> Result<(), SourceError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // A volume of Kubernetes holds its files twice: by name, and in a folder `..TIME` behind the names.
        if name.starts_with("..") {
            return Ok(());
        }
        let about = fs_err::metadata(&path).map_err(|error| SourceError::unreadable(&path, error))?;
        if about.is_dir() {
            let names: Vec<_> = names.iter().cloned().chain([name]).collect();
            return self.folder(&path, &names);
        }
        if !(self.wanted)(&name) {
            return Ok(());
        }
        if self.found.len() >= SOURCE_FILES {
            return Err(SourceError::TooMany { path: self.source.to_owned() });
        }
        self.found.push(FoundFile { folders: names.to_vec(), path });
        Ok(())
    }
}

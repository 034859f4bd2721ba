//! [`SourceError`]: why sources cannot be read.

use std::{
    io,
    path::{Path, PathBuf},
};

use assay_model::{
    limits::{SOURCE_DEPTH, SOURCE_FILES},
    yaml,
};

use crate::{data::Clash, limits::SOURCE_BYTES};

/// Why sources cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nothing is there.
    #[error("the source `{}` does not exist", path.display())]
    Missing {
        /// The folder or file.
        path: PathBuf,
    },
    /// Something is there that cannot be read.
    #[error("`{}` cannot be read: {error}", path.display())]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A pipe, a device, a socket.
    #[error("`{}` is not a regular file", path.display())]
    NotAFile {
        /// The thing.
        path: PathBuf,
    },
    /// The reader could not be run.
    #[error("the source `{}` cannot be read: {error}", path.display())]
    Fault {
        /// The folder or file.
        path: PathBuf,
        /// What went wrong.
        error: String,
    },
    /// A policy source without policies.
    #[error("the policy source `{}` holds no `.rego` file", path.display())]
    NoPolicy {
        /// The folder or file.
        path: PathBuf,
    },
    /// A file that was named and is of no use.
    #[error("`{}` is neither a policy nor data", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
    },
    /// The manifest of a bundle is wrong.
    #[error("loading error: bundle {name}: {why}")]
    Bundle {
        /// The bundle.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A bundle that is one file.
    #[error("`{}` is a packed bundle, which is not read yet", path.display())]
    Packed {
        /// The file.
        path: PathBuf,
    },
    /// A file over its limit.
    #[error("`{}` is larger than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// All files together are over the limit.
    #[error("the sources are larger than {SOURCE_BYTES} bytes together (at `{}`)", path.display())]
    TooMuch {
        /// The file that went over it.
        path: PathBuf,
    },
    /// A source of too many files.
    #[error("the source `{}` holds more than {SOURCE_FILES} files", path.display())]
    TooMany {
        /// The folder.
        path: PathBuf,
    },
    /// Folders too deep within one another.
    #[error("`{}` is more than {SOURCE_DEPTH} folders deep in its source", path.display())]
    TooDeep {
        /// The folder.
        path: PathBuf,
    },
    /// A link that leads back up.
    #[error("the link `{}` leads back to a folder that it is in", path.display())]
    Loop {
        /// The link.
        path: PathBuf,
    },
    /// Bytes that are not text.
    #[error("`{}` is not valid UTF-8", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// A data file that is neither JSON nor YAML.
    #[error("the data file `{origin}` is neither JSON nor YAML: {error}")]
    Syntax {
        /// The file, or what else the data is from.
        origin: String,
        /// Where and why.
        error: yaml::TextError,
    },
    /// A data file without keys.
    #[error("the data file `{origin}` is {found}, not an object")]
    NotAnObject {
        /// The file, or what else the data is from.
        origin: String,
        /// What it is instead.
        found: &'static str,
    },
    /// A data file that would change what assay shows policies.
    #[error("the data file `{origin}` sets `config`, which assay itself sets")]
    Reserved {
        /// The file.
        origin: String,
    },
    /// Two files that both set something.
    #[error("both `{first}` and `{second}` set `data.{path}`")]
    Clash {
        /// What both set, below `data`.
        path: String,
        /// The file that set it first.
        first: String,
        /// The file that sets it again.
        second: String,
    },
}

impl From<Clash> for SourceError {
    fn from(Clash { path, first, second }: Clash) -> Self {
        Self::Clash { path, first, second }
    }
}

impl SourceError {
    pub(crate) fn unreadable(path: &Path, error: io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), error }
    }

    /// What a person can do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "paths are relative to the folder that assay is started in",
            Self::Fault { .. } => "this is a bug in assay or a machine without memory; please report it",
            Self::Unreadable { .. } | Self::NotAFile { .. } => "see to the file, or leave it out of the source",
            Self::NoPolicy { .. } => "name a folder with `*.rego` files; `*_test.rego` files are not read",
            Self::Unknown { .. } => "policies end in `.rego`, data in `.json`, `.yaml` or `.yml`",
            Self::Bundle { .. } => "`.manifest` is an object of JSON with `roots`, `revision` and `rego_version`",
            Self::Packed { .. } => "unpack it (`tar xzf`) and name the folder",
            Self::TooLarge { .. }
            | Self::TooMuch { .. }
            | Self::TooMany { .. }
            | Self::TooDeep { .. }
            | Self::NotText { .. } => "name the folder that holds only the policies or data",
            Self::Loop { .. } => "remove the link",
            Self::Syntax { .. } | Self::NotAnObject { .. } => {
                "a data file is an object of JSON or YAML 1.2, such as `allowed: [a, b]`"
            }
            Self::Reserved { .. } => "move the data under another key",
            Self::Clash { .. } => "objects are merged, but everything else may be set once; remove one of them",
        }
    }
}

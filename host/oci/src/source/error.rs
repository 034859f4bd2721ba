//! [`FetchError`]: why a source cannot be had.

use std::{fmt, io, time::Duration};

use assay_model::{error::EvaluationError, redact};

/// A source and what is wrong with it.
#[derive(Debug)]
pub struct FetchError {
    /// The source as it was written, without secrets.
    pub source: String,
    /// What is wrong.
    pub kind: FetchErrorKind,
}

/// What is wrong with a source.
#[derive(Debug, thiserror::Error)]
pub enum FetchErrorKind {
    /// It would come without TLS. The words are `ec`'s, as scripts look for them.
    #[error("attempting to download from insecure source")]
    Insecure,
    /// The text is a path here, and looks like something to fetch.
    #[error("it is a path here and looks like something to fetch, too")]
    Ambiguous {
        /// How the path is written.
        local: String,
        /// How what is fetched is written.
        remote: String,
    },
    /// The text names nothing that can be fetched.
    #[error("{0}")]
    SourceRef(String),
    /// The program `git` is not there.
    #[error("it is a git repository, and the program `git` is not on this machine")]
    NoGit,
    /// git, a server or an archive says no.
    #[error("{0}")]
    Failed(String),
    /// The repository has no such branch, tag or commit.
    #[error("the repository has no branch, tag or commit `{0}`")]
    NoRef(String),
    /// The repository has no such folder. The words are `ec`'s.
    #[error("path {0} does not exist in the repository")]
    NoFolder(String),
    /// More than a limit allows.
    #[error("it has {0}")]
    TooMuch(String),
    /// It took longer than it may.
    #[error("it took longer than {} seconds", .0.as_secs())]
    TooSlow(Duration),
    /// The run's own time was over first.
    #[error("the time of the run was over before it was there")]
    RunDeadline,
    /// A path or a link that would lead out of the source's folder.
    #[error("its entry `{entry}` {why}")]
    Hostile {
        /// The path.
        entry: String,
        /// What it would do.
        why: &'static str,
    },
    /// Nothing may be fetched, and it is not at hand.
    #[error("it would have to be fetched, and nothing is fetched in this run")]
    Offline,
    /// The registry's or the bundle's own word.
    #[error("{}", .0.message)]
    Evaluation(EvaluationError),
    /// This machine's disk.
    #[error("it cannot be stored: {0}")]
    Disk(#[from] io::Error),
}

impl fmt::Display for FetchError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            FetchErrorKind::Insecure => write!(to, "{}: {}", self.kind, self.source),
            // What git and servers say may repeat the address.
            why => {
                let why = redact::message(&why.to_string());
                write!(to, "the source `{}` cannot be used: {why}", self.source)
            }
        }
    }
}

// The reason is part of the text, so that it is not told twice.
impl std::error::Error for FetchError {}

impl FetchError {
    /// What a person can do.
    #[must_use]
    pub fn hint(&self) -> String {
        let hint = match &self.kind {
            FetchErrorKind::Insecure => {
                "write it with `https`; what decides about images must not be changed on its way"
            }
            FetchErrorKind::SourceRef(_) => {
                "a source is a folder, `git::https://HOST/PATH//FOLDER?ref=REF`, `oci::REGISTRY/REPOSITORY:TAG` or `https://HOST/FILE`"
            }
            FetchErrorKind::Ambiguous { local, remote } => {
                return format!("write `{local}` for the path and `{remote}` for what is fetched");
            }
            FetchErrorKind::NoGit => "install git, or use a folder or an `oci::` bundle",
            FetchErrorKind::Failed(_) => "check the address, the network and your rights to it",
            FetchErrorKind::NoRef(_) => "see what there is with `git ls-remote`",
            FetchErrorKind::NoFolder(_) => "what follows `//` is a folder of the repository",
            FetchErrorKind::TooMuch(_) => "name the folder or bundle that holds only the policies or data",
            FetchErrorKind::TooSlow(_) => "try again, or see why the server is slow",
            FetchErrorKind::RunDeadline => "give the run more time with `--timeout`, or see why the source is slow",
            FetchErrorKind::Hostile { .. } => "do not use this source before you know who made it",
            FetchErrorKind::Offline => {
                "pin it by commit or digest and fetch it once with a network, or add it to the bundle"
            }
            FetchErrorKind::Evaluation(error) => return redact::message(error.hint.as_deref().unwrap_or_default()),
            FetchErrorKind::Disk(_) => "see to the space and the rights of the cache folder",
        };
        hint.to_owned()
    }
}

impl FetchErrorKind {
    /// The same reason for another place that it keeps from being used.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::NoGit => Self::NoGit,
            Self::Offline => Self::Offline,
            Self::RunDeadline => Self::RunDeadline,
            Self::NoRef(name) => Self::NoRef(name.clone()),
            Self::TooSlow(time) => Self::TooSlow(*time),
            Self::TooMuch(what) => Self::TooMuch(what.clone()),
            other => Self::Failed(other.to_string()),
        }
    }

    pub(super) fn at(self, source: &str) -> FetchError {
        FetchError { source: source.to_owned(), kind: self }
    }
}

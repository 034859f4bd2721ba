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
    #[error("it is both a local path and a remote address")]
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
    #[error("it is a git repository, but the program `git` is not installed")]
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
    #[error("the time limit of the run passed before it was fetched")]
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
    #[error("it would have to be fetched, but this run does not fetch anything")]
    Offline,
    /// The error of the registry or the layout.
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

// The reason is part of the message, so that it is not reported twice.
impl std::error::Error for FetchError {}

impl FetchError {
    /// What a person can do.
    #[must_use]
    pub fn hint(&self) -> String {
        let hint = match &self.kind {
            FetchErrorKind::Insecure => "use `https`; policies must not be altered in transit",
            FetchErrorKind::SourceRef(_) => {
                "a source is a directory, `git::https://HOST/PATH//FOLDER?ref=REF`, `oci::REGISTRY/REPOSITORY:TAG` \
                 or `https://HOST/FILE`"
            }
            FetchErrorKind::Ambiguous { local, remote } => {
                return format!("write `{local}` for the local path, or `{remote}` for the remote address");
            }
            FetchErrorKind::NoGit => "install git, or use a directory or an `oci::` artifact",
            FetchErrorKind::Failed(_) => "check the address, the network and your permissions",
            FetchErrorKind::NoRef(_) => "list the branches and tags with `git ls-remote`",
            FetchErrorKind::NoFolder(_) => "check the path after `//`: it must be a directory of the repository",
            FetchErrorKind::TooMuch(_) => "use the directory or artifact that contains only the policies or data",
            FetchErrorKind::TooSlow(_) => "try again, or check why the server is slow",
            FetchErrorKind::RunDeadline => "increase the time limit with `--timeout`, or check why the source is slow",
            FetchErrorKind::Hostile { .. } => "check where this source comes from before you use it",
            FetchErrorKind::Offline => {
                "pin it by commit or digest and fetch it once with network access, or add it to the layout"
            }
            FetchErrorKind::Evaluation(error) => return redact::message(error.hint.as_deref().unwrap_or_default()),
            FetchErrorKind::Disk(_) => "check the free space and the permissions of the cache directory",
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

//! [`Fetcher`]: fetches several sources concurrently, each distinct one once.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use tempfile::TempDir;

use super::{
    archive,
    cache::{Cache, private_folder, temporary},
    error::{FetchError, FetchErrorKind},
    git::{Checkout, Origin},
    limits::FetchLimits,
    oci,
    source_ref::{Kind, SourceRef},
};
use crate::store::{self, ContentStore, RegistryOptions};

/// Sources that are fetched at a time: each is one or two processes or connections.
const AT_ONCE: usize = 8;

/// How sources are fetched.
#[derive(Clone, Debug, Default)]
pub struct FetchOptions {
    /// Where fetched content stays between runs; none to keep nothing.
    pub cache: Option<Cache>,
    /// Whether only what is on this machine, in the cache or in the store's layout may be used.
    pub offline: bool,
    /// The limits of one source.
    pub limits: FetchLimits,
    /// How files are requested: through which proxies, with which CAs, and which private hosts a redirect may go to.
    pub registries: RegistryOptions,
}

/// Fetches sources.
pub struct Fetcher {
    store: Option<Arc<ContentStore>>,
    options: FetchOptions,
}

/// A source on this machine.
#[derive(Clone, Debug)]
pub struct Fetched {
    path: PathBuf,
    pinned: String,
    /// The folder that goes when nobody needs it any more.
    _work: Option<Arc<TempDir>>,
}

impl Fetched {
    /// The folder or file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The source by commit or digest, in `ec`'s form. Files from the web and from this machine are named as they are.
    #[must_use]
    pub fn pinned(&self) -> &str {
        &self.pinned
    }
}

/// Sources that are fetched together: directories of one commit, or one source.
struct FetchGroup<'a> {
    sources: Vec<(usize, &'a SourceRef)>,
}

impl Fetcher {
    /// OCI artifacts come through the store, which is a registry or a layout; without one there are none.
    #[must_use]
    pub const fn new(store: Option<Arc<ContentStore>>, options: FetchOptions) -> Self {
        Self { store, options }
    }

    /// Fetches all sources, and returns them in the same order. `done` is called for each one fetched. The error is
    /// that of the first place in order that cannot be had.
    pub fn fetch(&self, sources: &[SourceRef], done: &(dyn Fn(&SourceRef) + Sync)) -> Result<Vec<Fetched>, FetchError> {
        let groups = fetch_groups(sources);
        let next = AtomicUsize::new(0);
        let results: Mutex<BTreeMap<usize, Result<Fetched, FetchError>>> = Mutex::default();
        let work = || {
            while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                for (number, source, fetched) in self.fetch_group(group) {
                    if fetched.is_ok() {
                        done(source);
                    }
                    let fetched = fetched.map_err(|why| why.at(source.text()));
                    results.lock().unwrap_or_else(PoisonError::into_inner).insert(number, fetched);
                }
            }
        };
        thread::scope(|scope| {
            for _ in 1..groups.len().min(AT_ONCE) {
                scope.spawn(work);
            }
            work();
        });
        results.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
    }

    /// The commit that last changed a file of a repository, merges aside.
    pub fn latest_change(&self, repository: &SourceRef, path: &str) -> Result<String, FetchError> {
        let at = |why: FetchErrorKind| why.at(repository.text());
        let Kind::Git(git) = &repository.kind else {
            return Err(at(FetchErrorKind::SourceRef("it is not a repository".to_owned())));
        };
        let work = self.work().map_err(at)?;
        Checkout::latest_change(git, path, work.path(), &self.options.limits).map_err(at)
    }

    fn fetch_group<'a>(&self, group: &FetchGroup<'a>) -> Vec<(usize, &'a SourceRef, Result<Fetched, FetchErrorKind>)> {
        let mut checkout: Option<(Result<Checkout<'_>, FetchErrorKind>, Arc<TempDir>)> = None;
        let mut results = Vec::new();
        for (number, source) in &group.sources {
            let fetched = match &source.kind {
                Kind::File(path) => self.local(source, path),
                Kind::Http(url) => self.web(source, url),
                Kind::Oci(image) => self.artifact(source, image),
                Kind::Git(git) => (|| {
                    let (checkout, work) = match &mut checkout {
                        Some(kept) => kept,
                        none => {
                            let work = Arc::new(self.work()?);
                            let limits = &self.options.limits;
                            none.insert((Checkout::fetch(git, work.path(), &self.origin(), limits), work))
                        }
                    };
                    let checkout = match checkout {
                        Ok(checkout) => checkout,
                        Err(why) => return Err(why.again()),
                    };
                    let to = work.path().join(format!("tree-{number}"));
                    private_folder(&to)?;
                    checkout.write(&git.folder, &to)?;
                    let pinned = git.pinned(&checkout.commit);
                    Ok(Fetched { path: to, pinned, _work: Some(Arc::clone(work)) })
                })(),
            };
            results.push((*number, *source, fetched));
        }
        results
    }

    fn local(&self, source: &SourceRef, path: &Path) -> Result<Fetched, FetchErrorKind> {
        let pinned = source.pinned_path();
        // A pipe or a device would be read forever, or not at all.
        if fs_err::metadata(path).is_ok_and(|about| !about.is_file() && !about.is_dir()) {
            return Err(FetchErrorKind::SourceRef("it is neither a file nor a directory".to_owned()));
        }
        let is_archive = path.is_file() && archive::is_archive(path);
        if !is_archive {
            return Ok(Fetched { path: path.to_owned(), pinned, _work: None });
        }
        self.filled(|to| {
            archive::unpack(path, to, &self.options.limits)?;
            Ok(pinned)
        })
    }

    fn web(&self, source: &SourceRef, url: &reqwest::Url) -> Result<Fetched, FetchErrorKind> {
        // The address was checked to end with a name, which is only ever used as one.
        let name = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
        let bytes = self.web_file(url)?;
        let work = self.work()?;
        let mut tree = super::tree::Tree::new(work.path(), &self.options.limits)?;
        tree.file(name, &mut bytes.as_slice())?;
        tree.finish()?;
        let path = work.path().join(name);
        Ok(Fetched { path, pinned: source.pinned_address(), _work: Some(Arc::new(work)) })
    }

    fn web_file(&self, url: &reqwest::Url) -> Result<Vec<u8>, FetchErrorKind> {
        let Origin { archive, recorder, offline, .. } = self.origin();
        if let Some(archive) = archive {
            let file = archive.web_file(url.as_str(), self.options.limits.file_bytes);
            let file = file.unwrap_or_else(|| Err(archive.lacks("file")));
            return file.map_err(FetchErrorKind::Evaluation);
        }
        if offline {
            return Err(FetchErrorKind::Offline);
        }
        let bytes = download(url, &self.options)?;
        if let Some(recorder) = recorder {
            recorder.add_file(url.as_str(), &bytes);
        }
        Ok(bytes)
    }

    /// Where content comes from and goes to beside the network.
    fn origin(&self) -> Origin<'_> {
        Origin {
            cache: self.options.cache.as_ref(),
            archive: self.store.as_ref().and_then(|store| store.archive()).map(Arc::as_ref),
            recorder: self.options.registries.recorder.as_deref(),
            offline: self.options.offline,
        }
    }

    fn artifact(&self, source: &SourceRef, image: &assay_model::image::ImageRef) -> Result<Fetched, FetchErrorKind> {
        self.filled(|to| {
            // What comes from the cache would not be recorded, and an archive is what it stands for.
            let Origin { cache, archive, recorder, .. } = self.origin();
            let cache = cache.filter(|_| archive.is_none() && recorder.is_none());
            let store = self.store.as_ref().ok_or(FetchErrorKind::Offline)?;
            let digest = oci::write(image, to, store, cache, &self.options.limits)?;
            Ok(source.pinned_artifact(&digest))
        })
    }

    /// A folder of its own, filled by `fill`, which gives the pinned form.
    fn filled(&self, fill: impl FnOnce(&Path) -> Result<String, FetchErrorKind>) -> Result<Fetched, FetchErrorKind> {
        let work = self.work()?;
        let pinned = fill(work.path())?;
        Ok(Fetched { path: work.path().to_owned(), pinned, _work: Some(Arc::new(work)) })
    }

    /// A folder to work in: in the cache, so that a run that is ended by force leaves nothing elsewhere.
    fn work(&self) -> Result<TempDir, FetchErrorKind> {
        Ok(match &self.options.cache {
            Some(cache) => cache.work()?,
            None => temporary()?,
        })
    }
}

/// The bytes of a file.
pub(super) fn download(url: &reqwest::Url, options: &FetchOptions) -> Result<Vec<u8>, FetchErrorKind> {
    let limit = options.limits.file_bytes;
    let time = options.limits.time(options.limits.http_time)?;
    store::download(url, &options.registries, limit, time).map_err(|lost| match lost {
        store::DownloadError::Status(status) => {
            FetchErrorKind::Failed(format!("the server returned the status {status}"))
        }
        store::DownloadError::TooLarge => FetchErrorKind::TooMuch(format!("more than {limit} bytes")),
        store::DownloadError::TooSlow => FetchErrorKind::TooSlow(time),
        // The words are those for registries.
        store::DownloadError::Evaluation(why) => {
            FetchErrorKind::Failed(why.message.replacen("the registry", "the server", 1))
        }
        store::DownloadError::Runtime(error) => error.into(),
    })
}

/// Places of one repository and reference go together, so that they are fetched once and are of one commit.
fn fetch_groups(sources: &[SourceRef]) -> Vec<FetchGroup<'_>> {
    let mut groups: Vec<FetchGroup<'_>> = Vec::new();
    let mut repositories: BTreeMap<(&str, Option<&str>), usize> = BTreeMap::new();
    for (number, source) in sources.iter().enumerate() {
        if let Kind::Git(git) = &source.kind {
            let key = (git.url.as_str(), git.reference.as_deref());
            if let Some(group) = repositories.get(&key).and_then(|at| groups.get_mut(*at)) {
                group.sources.push((number, source));
                continue;
            }
            repositories.insert(key, groups.len());
        }
        groups.push(FetchGroup { sources: vec![(number, source)] });
    }
    groups
}

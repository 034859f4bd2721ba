//! [`PolicySources`]: what a policy names as its sources, on this machine and pinned; and policy configurations that
//! are fetched.
//!
//! Every distinct source is fetched once, several at a time, and kept until the value is dropped.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use assay_model::{
    limits,
    policy::{PolicySpec, SourceGroup},
    port::DerivedCache,
    redact,
};
use assay_oci::{ContentStore, FetchLimits, FetchOptions, Fetched, Fetcher, SourceRef};
use assay_rego::Sources;
use camino::Utf8Path;

use crate::{
    cluster_access::ClusterAccess,
    compiled_cache::CompiledCache,
    error::RequestError,
    event::{Event, EventSink},
    policy_argument::{STANDARD_INPUT, read_file_or_text},
    read::read_text,
    source_settings::SourceSettings,
};

/// Sources by the strings that name them.
#[derive(Debug, Default)]
pub(crate) struct PolicySources {
    fetched: BTreeMap<String, Fetched>,
    /// Where is kept what policies and data are compiled to.
    compiled: Option<Arc<CompiledCache>>,
}

/// The names of a policy configuration in a repository, in the order that `ec` looks for them.
const CONFIGURATIONS: [&str; 6] =
    [".ec/policy.json", ".ec/policy.yaml", ".ec/policy.yml", "policy.json", "policy.yaml", "policy.yml"];

impl PolicySources {
    /// Fetches everything that a policy names. Bundles come through the store, or from registries where there is none.
    pub(crate) fn of_policy(
        policy: &PolicySpec,
        settings: &SourceSettings,
        store: Option<Arc<ContentStore>>,
        events: &dyn EventSink,
    ) -> Result<Self, RequestError> {
        let texts = policy.sources.iter().flat_map(|group| group.policy.iter().chain(&group.data));
        let mut sources = Self::fetch(texts.map(String::as_str), settings, store, events)?;
        sources.compiled = settings.open_cache()?.and_then(CompiledCache::of_this_build).map(Arc::new);
        Ok(sources)
    }

    /// Fetches sources by their names.
    pub(crate) fn fetch<'a>(
        texts: impl Iterator<Item = &'a str>,
        settings: &SourceSettings,
        store: Option<Arc<ContentStore>>,
        events: &dyn EventSink,
    ) -> Result<Self, RequestError> {
        let texts: BTreeSet<&str> = texts.collect();
        let places = texts
            .iter()
            .map(|text| if settings.is_strict { SourceRef::parse_strictly(text) } else { SourceRef::parse(text) })
            .collect::<Result<Vec<_>, _>>()?;
        let remote = places.iter().filter(|place| !place.is_local()).count();
        let fetcher = if remote == 0 {
            let limits = FetchLimits { deadline: settings.deadline, ..FetchLimits::default() };
            Fetcher::new(None, FetchOptions { limits, ..FetchOptions::default() })
        } else {
            fetcher(settings, store)?
        };
        if remote > 0 {
            events.event(Event::FetchStarted { sources: remote });
        }
        let done = |place: &SourceRef| {
            if !place.is_local() {
                events.event(Event::SourceFetched { source: place.text().to_owned() });
            }
        };
        let fetched = fetcher.fetch(&places, &done);
        if remote > 0 {
            events.event(Event::FetchFinished);
        }
        let fetched = texts.into_iter().map(str::to_owned).zip(fetched?).collect();
        Ok(Self { fetched, compiled: None })
    }

    /// Where a source is. Only fetched sources are looked up.
    pub(crate) fn path(&self, text: &str) -> Result<&Path, RequestError> {
        let fetched = self.fetched.get(text);
        let fetched = fetched
            .ok_or_else(|| RequestError::new(format!("the source `{}` was not fetched", redact::source(text))))?;
        Ok(fetched.path())
    }

    /// Where the policies of a source group are.
    pub(crate) fn policies_of(&self, group: &SourceGroup) -> Vec<&Path> {
        group.policy.iter().filter_map(|place| self.path(place).ok()).collect()
    }

    /// The policies, data and rule data of a source group.
    pub(crate) fn read(&self, group: &SourceGroup) -> Result<Sources, RequestError> {
        let mut sources = Sources::new();
        if let Some(cache) = &self.compiled {
            sources.set_cache(Arc::clone(cache) as Arc<dyn DerivedCache>);
        }
        for place in &group.policy {
            sources.add_policy(self.path(place)?)?;
        }
        // One that is named twice is one.
        let mut seen = BTreeSet::new();
        let data = group.data.iter().filter(|place| seen.insert(*place)).map(|place| self.path(place));
        sources.add_data_of(&data.collect::<Result<Vec<_>, _>>()?)?;
        if let Some(rule_data) = &group.rule_data {
            sources.set_rule_data(rule_data.get())?;
        }
        Ok(sources)
    }

    /// The source by commit or digest, in `ec`'s form.
    pub(crate) fn pinned(&self, text: &str) -> String {
        self.fetched.get(text).map_or_else(|| redact::source(text), |fetched| fetched.pinned().to_owned())
    }

    /// An error with the names of sources instead of the directories that they were fetched to, which are gone by now.
    pub(crate) fn named(&self, error: RequestError) -> RequestError {
        self.fetched.iter().fold(error, |error, (text, fetched)| match fetched.path().to_str() {
            Some(path) if path != text && !fetched.pinned().starts_with("file::") => {
                error.replacing(fetched.pinned(), path)
            }
            _ => error,
        })
    }

    /// Writes every source of a policy as it was fetched.
    pub(crate) fn pin(&self, policy: &mut PolicySpec) {
        for text in policy.sources.iter_mut().flat_map(|group| group.policy.iter_mut().chain(&mut group.data)) {
            *text = self.pinned(text);
        }
    }
}

/// Fetches with the cache of the settings.
fn fetcher(settings: &SourceSettings, store: Option<Arc<ContentStore>>) -> Result<Fetcher, RequestError> {
    let cache = settings.open_cache()?;
    let store = match store {
        Some(store) => store,
        None => Arc::new(settings.registry()?),
    };
    let limits = FetchLimits { deadline: settings.deadline, ..FetchLimits::default() };
    let registries = settings.registries.clone();
    let options = FetchOptions { cache, offline: settings.offline, limits, registries };
    Ok(Fetcher::new(Some(store), options))
}

/// The text of a policy configuration that a repository, an address or a cluster holds, in place of its name. Everything else
/// stays as it is.
///
/// # Errors
/// A source cannot be fetched or does not hold what is looked for.
pub fn fetch_configuration(
    argument: Option<String>,
    settings: &SourceSettings,
    cluster: &ClusterAccess,
    events: &dyn EventSink,
) -> Result<Option<String>, RequestError> {
    if argument.as_deref() == Some(STANDARD_INPUT) {
        // A line break marks it as inline text for the parser of the flag.
        let (text, _) = read_file_or_text(STANDARD_INPUT, "--policy", limits::CONFIG_FILE_BYTES)?;
        return Ok(Some(text + "\n"));
    }
    let fetched = fetch_remote(argument, settings, events)?;
    let in_cluster = fetched.as_deref().map(|text| cluster.read_policy(text)).transpose()?.flatten();
    Ok(in_cluster.or(fetched))
}

/// The text of a policy configuration that a repository or an address holds, in place of its name.
fn fetch_remote(
    argument: Option<String>,
    settings: &SourceSettings,
    events: &dyn EventSink,
) -> Result<Option<String>, RequestError> {
    if let Some(text) = argument.as_deref().filter(|_| settings.is_strict) {
        SourceRef::check_unambiguous(text)?;
    }
    let Some(text) = argument.as_deref().filter(|text| SourceRef::is_remote_configuration(text)) else {
        return Ok(argument);
    };
    let sources = PolicySources::fetch([text].into_iter(), settings, None, events)?;
    let folder = sources.path(text)?;
    let is_document =
        |path: &Path| path.extension().is_some_and(|end| ["json", "yaml", "yml"].iter().any(|known| end == *known));
    let file = if folder.is_dir() {
        CONFIGURATIONS.iter().map(|name| folder.join(name)).find(|path| path.is_file())
    } else {
        Some(folder.to_owned()).filter(|path| is_document(path))
    };
    let pinned = sources.pinned(text);
    let file = file.ok_or_else(|| {
        RequestError::new(format!("no suitable config file found at {pinned}"))
            .hint(format!("the policy configuration must be in one of: {}", CONFIGURATIONS.join(", ")))
    })?;
    let file = Utf8Path::from_path(&file)
        .ok_or_else(|| RequestError::new(format!("a path at {pinned} is not valid UTF-8")))?;
    let configuration = read_text(file, "--policy", limits::CONFIG_FILE_BYTES)?;
    if configuration.trim().is_empty() {
        return Err(RequestError::new(format!("the policy configuration at {pinned} is empty")));
    }
    // A line break marks it as inline text for the parser of the flag.
    Ok(Some(format!("{configuration}\n")))
}

/// Fetches what the values of `KEY=VALUE` name, where they name a policy configuration, as `ec` does.
///
/// # Errors
/// A source cannot be fetched or does not hold what is looked for.
pub fn fetch_extra_data(
    items: &mut [String],
    settings: &SourceSettings,
    events: &dyn EventSink,
) -> Result<(), RequestError> {
    for item in items {
        let Some((key, value)) = item.split_once('=') else { continue };
        if !value.contains(',') && SourceRef::is_remote_configuration(value) {
            let fetched = fetch_remote(Some(value.to_owned()), settings, events)?.unwrap_or_default();
            // In the form in which one value holds commas and quotes.
            *item = format!("\"{key}={}\"", fetched.replace('"', "\"\""));
        }
    }
    Ok(())
}

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
    redact,
};
use assay_oci::{Cache, ContentStore, FetchError, FetchLimits, FetchOptions, Fetched, Fetcher, SourceRef};
use assay_rego::Sources;
use camino::Utf8Path;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    error::CliError,
    files::read_text,
    printer::Printer,
    settings::{CacheDir, SourceSettings},
};

/// Sources by the strings that name them.
#[derive(Debug, Default)]
pub(crate) struct PolicySources {
    fetched: BTreeMap<String, Fetched>,
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
        printer: Printer,
    ) -> Result<Self, CliError> {
        let texts = policy.sources.iter().flat_map(|group| group.policy.iter().chain(&group.data));
        Self::fetch(texts.map(String::as_str), settings, store, printer)
    }

    /// Fetches sources by their names.
    pub(crate) fn fetch<'a>(
        texts: impl Iterator<Item = &'a str>,
        settings: &SourceSettings,
        store: Option<Arc<ContentStore>>,
        printer: Printer,
    ) -> Result<Self, CliError> {
        let texts: BTreeSet<&str> = texts.collect();
        let places = texts
            .iter()
            .map(|text| if settings.is_strict { SourceRef::parse_strictly(text) } else { SourceRef::parse(text) })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| source_error(&error))?;
        let remote = places.iter().filter(|place| !place.is_local()).count();
        let fetcher = if remote == 0 {
            let limits = FetchLimits { deadline: settings.deadline, ..FetchLimits::default() };
            Fetcher::new(None, FetchOptions { limits, ..FetchOptions::default() })
        } else {
            fetcher(settings, store)?
        };
        let bar = (remote > 0 && printer.shows_progress()).then(|| bar(remote));
        let done = |place: &SourceRef| {
            if let Some(bar) = &bar
                && !place.is_local()
            {
                bar.inc(1);
                bar.set_message(place.text().to_owned());
            }
        };
        let fetched = fetcher.fetch(&places, &done);
        if let Some(bar) = &bar {
            bar.finish_and_clear();
        }
        let fetched =
            texts.into_iter().map(str::to_owned).zip(fetched.map_err(|error| source_error(&error))?).collect();
        Ok(Self { fetched })
    }

    /// Where a source is. Only fetched sources are looked up.
    pub(crate) fn path(&self, text: &str) -> Result<&Path, CliError> {
        let fetched = self.fetched.get(text);
        let fetched =
            fetched.ok_or_else(|| CliError::new(format!("the source `{}` was not fetched", redact::source(text))))?;
        Ok(fetched.path())
    }

    /// The policies, data and rule data of a source group.
    pub(crate) fn read(&self, group: &SourceGroup) -> Result<Sources, CliError> {
        let unreadable = |error: assay_rego::SourceError| CliError::from_error(&error).hint(error.hint());
        let mut sources = Sources::new();
        for place in &group.policy {
            sources.add_policy(self.path(place)?).map_err(unreadable)?;
        }
        // One that is named twice is one.
        let mut seen = BTreeSet::new();
        for place in group.data.iter().filter(|place| seen.insert(*place)) {
            sources.add_data(self.path(place)?).map_err(unreadable)?;
        }
        if let Some(rule_data) = &group.rule_data {
            sources.set_rule_data(rule_data.get()).map_err(unreadable)?;
        }
        Ok(sources)
    }

    /// The source by commit or digest, in `ec`'s form.
    pub(crate) fn pinned(&self, text: &str) -> String {
        self.fetched.get(text).map_or_else(|| redact::source(text), |fetched| fetched.pinned().to_owned())
    }

    /// An error with the names of sources instead of the directories that they were fetched to, which are gone by now.
    pub(crate) fn named(&self, error: CliError) -> CliError {
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
fn fetcher(settings: &SourceSettings, store: Option<Arc<ContentStore>>) -> Result<Fetcher, CliError> {
    let open = |folder: &Utf8Path| Cache::open(folder.as_std_path());
    let cache = match &settings.cache {
        CacheDir::None => None,
        CacheDir::Default(folder) => open(folder).ok(),
        CacheDir::Explicit(folder) => Some(open(folder).map_err(|error| {
            CliError::new(format!("the cache directory `{folder}` cannot be used: {error}"))
                .hint("choose another directory with `--cache-dir`, or disable caching with `--cache-dir=`")
        })?),
    };
    let store = match store {
        Some(store) => store,
        None => Arc::new(settings.registry()?),
    };
    let limits = FetchLimits { deadline: settings.deadline, ..FetchLimits::default() };
    let registries = settings.registries.clone();
    let options = FetchOptions { cache, offline: settings.offline, limits, registries };
    Ok(Fetcher::new(Some(store), options))
}

/// The text of a policy configuration that a repository or an address holds, in place of its name. Everything else stays as
/// it is.
pub(crate) fn fetch_configuration(
    argument: Option<String>,
    settings: &SourceSettings,
    printer: Printer,
) -> Result<Option<String>, CliError> {
    if let Some(text) = argument.as_deref().filter(|_| settings.is_strict) {
        SourceRef::check_unambiguous(text).map_err(|error| source_error(&error))?;
    }
    let Some(text) = argument.as_deref().filter(|text| SourceRef::is_remote_configuration(text)) else {
        return Ok(argument);
    };
    let sources = PolicySources::fetch([text].into_iter(), settings, None, printer)?;
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
        CliError::new(format!("no suitable config file found at {pinned}"))
            .hint(format!("the policy configuration must be in one of: {}", CONFIGURATIONS.join(", ")))
    })?;
    let file =
        Utf8Path::from_path(&file).ok_or_else(|| CliError::new(format!("a path at {pinned} is not valid UTF-8")))?;
    let configuration = read_text(file, "--policy", limits::CONFIG_FILE_BYTES)?;
    if configuration.trim().is_empty() {
        return Err(CliError::new(format!("the policy configuration at {pinned} is empty")));
    }
    // A line break marks it as inline text for the parser of the flag.
    Ok(Some(format!("{configuration}\n")))
}

/// Fetches what the values of `KEY=VALUE` name, where they name a policy configuration, as `ec` does.
pub(crate) fn fetch_extra_data(
    items: &mut [String],
    settings: &SourceSettings,
    printer: Printer,
) -> Result<(), CliError> {
    for item in items {
        let Some((key, value)) = item.split_once('=') else { continue };
        if !value.contains(',') && SourceRef::is_remote_configuration(value) {
            let fetched = fetch_configuration(Some(value.to_owned()), settings, printer)?.unwrap_or_default();
            // In the form in which one value holds commas and quotes.
            *item = format!("\"{key}={}\"", fetched.replace('"', "\"\""));
        }
    }
    Ok(())
}

fn source_error(error: &FetchError) -> CliError {
    CliError::new(error.to_string()).hint(error.hint())
}

fn bar(length: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("fetching policies {pos}/{len} {elapsed} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}

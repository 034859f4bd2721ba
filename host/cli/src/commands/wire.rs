//! [`job`]: puts the workshops together: a store, the judges of the policy's groups and of the checks, and the runner.
//!
//! Whatever cannot be opened, compiled or loaded is told here, before the run begins. This is the only module that
//! names every crate below.

use std::{path::Path, sync::Arc};

use assay_model::{
    criteria::Criteria,
    event::RunHead,
    limits,
    moment::Moment,
    policy::{PolicySpec, SourceGroup},
    port::{Blobs, Judge},
};
use assay_rego::{Group, Policy, SigstoreDefaults, Sources};
use assay_report::Format;
use assay_runner::Job;
use assay_supply::{GatherOptions, Gatherer, PublicKey, RegistryOptions, Relocation, Store};
use assay_wasm::{CheckOptions, Engine, EngineOptions};

use super::{
    builtins::StoreHost,
    excluded::Excludable,
    explained::{Told, explained},
};
use crate::{
    error::Unusable,
    files::read_bytes,
    settings::{CheckFlag, ImageSettings},
};

/// A job that is ready to run, and what people should know about it.
pub(crate) struct Wired {
    pub(crate) job: Job,
    pub(crate) notes: Vec<String>,
    /// Where explanations gather, if some are wanted.
    pub(crate) told: Option<Told>,
}

/// Opens, compiles and loads everything the settings name.
pub(crate) fn job(settings: &ImageSettings) -> Result<Wired, Unusable> {
    let key = PublicKey::from_pem(&settings.key.pem).map_err(|error| {
        Unusable::new(format!("{error} ({})", settings.key.origin)).causes_of(&error).hint(error.hint())
    })?;
    let store = Arc::new(store(settings)?);
    let mut policy = settings.policy.clone();
    let criteria: Arc<[Criteria]> =
        policy.sources.iter().map(|group| Criteria::of(group, policy.configuration.as_ref())).collect();
    let mut groups = Vec::new();
    for (number, (group, criteria)) in policy.sources.iter().zip(criteria.iter()).enumerate() {
        groups.push(source_group(settings, number, group, criteria, &key, &store)?);
    }
    let told = (!settings.explain.is_empty()).then(Told::default);
    let mut judges: Vec<Arc<dyn Judge>> = match &told {
        Some(told) => explained(groups, &settings.explain, told)?,
        None => groups.into_iter().map(|group| Arc::new(group) as Arc<dyn Judge>).collect(),
    };
    let mut notes = Vec::new();
    if !settings.checks.is_empty() {
        let (checks, note) = checks(settings, &store)?;
        judges.extend(
            checks
                .into_iter()
                .map(|judge| Arc::new(Excludable { judge, criteria: Arc::clone(&criteria) }) as Arc<dyn Judge>),
        );
        notes.extend(note);
    }
    pin(&mut policy)?;
    let relocation = if settings.allow_relocation { Relocation::Allowed } else { Relocation::Refused };
    let head = RunHead {
        key: key.to_pem().to_owned(),
        policy,
        skipped: Vec::new(),
        effective_time: settings.effective_time,
        version: format!("assay-{}", env!("CARGO_PKG_VERSION")),
    };
    let wants = |format| settings.outputs.iter().any(|output| output.format == format);
    let job = Job {
        head: Arc::new(head),
        snapshot: Arc::new(settings.snapshot.clone()),
        gather: Arc::new(Gatherer::new(store, key, GatherOptions { relocation })),
        judges: judges.into(),
        moment: Moment::At(settings.effective_time),
        keep_inputs: wants(Format::PolicyInput),
        keep_statements: wants(Format::Attestation),
        workers: settings.workers,
        deadline: settings.deadline,
        clock: jiff::Timestamp::now,
    };
    Ok(Wired { job, notes, told })
}

fn store(settings: &ImageSettings) -> Result<Store, Unusable> {
    match &settings.bundle {
        Some(bundle) => {
            Store::bundle(bundle.as_std_path()).map_err(|error| Unusable::from_error(&error).hint(error.hint()))
        }
        None => {
            let options =
                RegistryOptions { insecure: settings.insecure_registries.clone(), ..RegistryOptions::default() };
            Store::registry(options).map_err(|error| Unusable::new(error.message))
        }
    }
}

fn source_group(
    settings: &ImageSettings,
    number: usize,
    group: &SourceGroup,
    criteria: &Criteria,
    key: &PublicKey,
    store: &Arc<Store>,
) -> Result<Group, Unusable> {
    if group.volatile_config.is_some() {
        return Err(Unusable::new("the policy's `volatileConfig` is not supported yet")
            .hint("write what is in force now into `config`"));
    }
    let name = match (&group.name, group.policy.first()) {
        (name, _) if !name.is_empty() => name.clone(),
        (_, Some(first)) => first.clone(),
        (_, None) => {
            return Err(Unusable::new(format!("source group {} of the policy names no `policy`", number + 1))
                .hint("give it a folder of Rego files"));
        }
    };
    let unreadable = |error: assay_rego::SourceError| Unusable::from_error(&error).hint(error.hint());
    let mut sources = Sources::new();
    for place in &group.policy {
        sources.add_policy(Path::new(local(place)?)).map_err(unreadable)?;
    }
    for place in &group.data {
        sources.add_data(Path::new(local(place)?)).map_err(unreadable)?;
    }
    if let Some(rule_data) = &group.rule_data {
        sources.set_rule_data(rule_data.get()).map_err(unreadable)?;
    }
    sources.set_effective_time(settings.effective_time).map_err(unreadable)?;
    let defaults = SigstoreDefaults {
        public_key: key.to_pem().to_owned(),
        ignore_rekor: true,
        rekor_url: settings.policy.rekor_url.clone(),
    };
    sources.set_sigstore_defaults(&defaults).map_err(unreadable)?;
    let policy = Policy::compile(sources).map_err(|error| Unusable::from_error(&error).hint(error.hint()))?;
    Ok(Group::new(
        name,
        Arc::new(policy),
        criteria.clone(),
        settings.effective_time,
        Arc::new(StoreHost::new(Arc::clone(store))),
    ))
}

/// What a place that is not on this machine begins with.
const REMOTE: [&str; 9] = ["oci::", "oci://", "git::", "git@", "git://", "https://", "http://", "https::", "http::"];

/// The path of a local source; other kinds are an error until they can be fetched.
fn local(place: &str) -> Result<&str, Unusable> {
    let path = place.strip_prefix("file::").or_else(|| place.strip_prefix("file://")).unwrap_or(place);
    let is_remote = path.contains("://") || REMOTE.iter().any(|prefix| path.starts_with(prefix));
    let is_remote = is_remote
        || (!Path::new(path).exists()
            && ["github.com/", "gitlab.com/", "bitbucket.org/", "quay.io/"].iter().any(|host| path.starts_with(host)));
    if is_remote {
        return Err(Unusable::new(format!(
            "the policy source `{place}` is not on this machine, and fetching is not supported yet"
        ))
        .hint("fetch it first and name the folder"));
    }
    Ok(path)
}

/// Writes every source as it was resolved, in `ec`'s form.
fn pin(policy: &mut PolicySpec) -> Result<(), Unusable> {
    for place in policy.sources.iter_mut().flat_map(|group| group.policy.iter_mut().chain(&mut group.data)) {
        *place = format!("file::{}", local(place)?);
    }
    Ok(())
}

type Checks = (Vec<Arc<dyn Judge>>, Option<String>);

fn checks(settings: &ImageSettings, store: &Arc<Store>) -> Result<Checks, Unusable> {
    let slots = u32::try_from(settings.workers.get()).unwrap_or(u32::MAX);
    let engine = Engine::new(EngineOptions { slots }).map_err(|error| Unusable::from_error(&error))?;
    let load = |flag: &CheckFlag| -> Result<Arc<dyn Judge>, Unusable> {
        let bytes = read_bytes(&flag.file, "--check", limits::PLUGIN_BYTES)?;
        let plugin = engine.load(&format!("`{}`", flag.file), &bytes).map_err(|error| Unusable::from_error(&error))?;
        let options = CheckOptions {
            params: &flag.params,
            snapshot: &settings.snapshot,
            snapshot_text: settings.snapshot_text.as_str().into(),
            blobs: Arc::clone(store) as Arc<dyn Blobs>,
            log: None,
        };
        let check = plugin
            .check(options)
            .map_err(|error| Unusable::from_error(&error).hint(format!("`--check {}`", flag.file)))?;
        Ok(Arc::new(check))
    };
    let loaded = settings.checks.iter().map(load).collect::<Result<_, _>>()?;
    Ok((loaded, engine.note().map(|note| format!("note: {note}"))))
}

//! [`track`]: keeps the list of trusted Tekton tasks that policies read as `data.trusted_tasks`.
//!
//! For each bundle or task the list holds its versions, newest first; the newest never expires, and what it replaces does
//! after a while. The file is YAML in the layout that `ec track bundle` writes.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use assay_model::{error::EvaluationError, image::ImageRef, limits, yaml};
use assay_oci::{Artifact, ArtifactLayer, ContentStore, FetchError, FetchOptions, Fetcher, SourceRef};
use camino::Utf8Path;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    error::{RequestError, RequestErrorKind},
    read::read_text,
    source_settings::SourceSettings,
    tekton_bundle::KIND,
};

/// The media type of a layer of policy data, as conftest has it.
const DATA: &str = "application/vnd.cncf.openpolicyagent.data.layer.v1+json";
/// Where conftest puts the file of that layer, as `ec` has it.
const TITLE: (&str, &str) = ("org.opencontainers.image.title", "data/data/trusted_tekton_tasks.yml");

/// One version of a bundle or task.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    reference: String,
    expires_on: Option<Timestamp>,
}

/// Versions by bundle or task, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tracker {
    trusted_tasks: BTreeMap<String, Vec<Record>>,
}

/// A request to record versions of bundles and tasks.
#[derive(Clone, Debug)]
pub struct TrackRequest {
    /// The record so far: a file, or `oci:IMAGE`.
    pub input: Option<String>,
    /// Bundles and tasks to add; those of repositories begin with `git+`.
    pub references: Vec<String>,
    /// Whether recorded tags and revisions are resolved again.
    pub freshen: bool,
    /// Whether versions that have expired are dropped.
    pub prune: bool,
    /// After how many days what is replaced expires.
    pub in_effect_days: u32,
    /// The current time.
    pub now: Timestamp,
    /// How registries are accessed.
    pub sources: SourceSettings,
}

/// A record of trusted tasks, made and not yet written.
pub struct TrackedTasks {
    /// The record, as YAML.
    pub text: String,
    store: Arc<ContentStore>,
}

/// Adds versions to a record.
///
/// # Errors
/// The record cannot be read, or something in it or in the request cannot be resolved.
pub fn track(request: &TrackRequest) -> Result<TrackedTasks, RequestError> {
    let store = Arc::new(request.sources.registry()?);
    let mut tracker = match &request.input {
        Some(input) => Tracker::parse(&read(input, &store)?)?,
        None => Tracker::default(),
    };
    let (gits, images): (Vec<String>, Vec<String>) =
        request.references.iter().cloned().partition(|text| text.starts_with("git+"));
    tracker.add_images(&images, request.freshen, &store)?;
    tracker.add_tasks(&gits, request.freshen)?;
    tracker.filter(request.prune, request.now);
    tracker.expire(request.in_effect_days, request.now)?;
    Ok(TrackedTasks { text: tracker.to_yaml(), store })
}

impl TrackedTasks {
    /// Pushes the record to a registry.
    ///
    /// # Errors
    /// The registry does not take it.
    pub fn push(&self, image: &ImageRef) -> Result<(), RequestError> {
        let annotations = [(TITLE.0.to_owned(), TITLE.1.to_owned())].into();
        let bytes = self.text.as_bytes().to_vec();
        let layer = ArtifactLayer { media_type: DATA.to_owned(), annotations, bytes };
        let artifact = Artifact { made_by: "track bundle".to_owned(), layers: vec![layer] };
        self.store.push(image, &artifact).map(drop).map_err(registry_error)
    }
}

fn registry_error(error: EvaluationError) -> RequestError {
    RequestError::of(RequestErrorKind::Registry, error.message).hint(error.hint.unwrap_or_default())
}

/// The text of a record, from a file or from an image's data layers.
fn read(input: &str, store: &ContentStore) -> Result<String, RequestError> {
    let Some(image) = input.strip_prefix("oci:") else {
        return read_text(Utf8Path::new(input), "--input", limits::DATA_FILE_BYTES);
    };
    let image: ImageRef = image.parse().map_err(|error| RequestError::from_error(&error))?;
    let found = store.resolve(&image).map_err(registry_error)?;
    let layer = found.manifest.layers().iter().find(|layer| layer.media_type == DATA);
    let layer = layer.ok_or_else(|| RequestError::new(format!("`{input}` has no layer of policy data")))?;
    let bytes = store
        .blob_within(image.repository(), &layer.digest, Some(layer.size), limits::DATA_FILE_BYTES)
        .map_err(registry_error)?;
    String::from_utf8(bytes.to_vec())
        .map_err(|_| RequestError::new(format!("the data of `{input}` is not valid UTF-8")))
}

impl Tracker {
    fn parse(text: &str) -> Result<Self, RequestError> {
        let wrong = |what: &str| RequestError::new(format!("the record of `--input` {what}"));
        let document = yaml::parse(text).map_err(|error| wrong(&format!("is neither JSON nor YAML: {error}")))?;
        let groups = match document.get("trusted_tasks") {
            None | Some(Value::Null) => return Ok(Self::default()),
            Some(groups) => groups.as_object().ok_or_else(|| wrong("has `trusted_tasks` that is not an object"))?,
        };
        let mut tracker = Self::default();
        for (group, records) in groups {
            let records = records.as_array().ok_or_else(|| wrong(&format!("has no list for `{group}`")))?;
            for record in records {
                let field = |name: &str| record.get(name).filter(|value| !value.is_null());
                let reference = field("ref").and_then(Value::as_str);
                let reference =
                    reference.ok_or_else(|| wrong(&format!("has a version without `ref` for `{group}`")))?;
                let expires_on = field("expires_on").map(|date| {
                    let date = date.as_str().and_then(|date| date.parse().ok());
                    date.ok_or_else(|| wrong(&format!("has an invalid timestamp as `expires_on` for `{group}`")))
                });
                let record = Record { reference: reference.to_owned(), expires_on: expires_on.transpose()? };
                tracker.trusted_tasks.entry(group.clone()).or_default().push(record);
            }
        }
        Ok(tracker)
    }

    fn add(&mut self, group: String, reference: String) {
        self.trusted_tasks.entry(group).or_default().insert(0, Record { reference, expires_on: None });
    }

    fn add_images(&mut self, images: &[String], freshen: bool, store: &ContentStore) -> Result<(), RequestError> {
        let mut wanted: Vec<String> = images.to_vec();
        if freshen {
            wanted
                .extend(self.trusted_tasks.keys().filter_map(|group| group.strip_prefix("oci://").map(str::to_owned)));
        }
        for text in wanted.iter().filter(|text| !text.is_empty()) {
            let image: ImageRef = text.parse().map_err(|error| RequestError::from_error(&error))?;
            if image.tag().is_none() && image.digest().is_none() {
                return Err(RequestError::new(format!("the bundle `{text}` has neither a tag nor a digest")));
            }
            let found = store.resolve(&image).map_err(|error| {
                RequestError::of(RequestErrorKind::Registry, error.message).hint(error.hint.unwrap_or_default())
            })?;
            let is_task = |kind: &String| kind == "task";
            if !found.manifest.layers().iter().any(|layer| layer.annotations.get(KIND).is_some_and(is_task)) {
                continue;
            }
            let tag = image.tag().map(|tag| format!(":{tag}")).unwrap_or_default();
            self.add(format!("oci://{}{tag}", image.repository()), found.image.digest.to_string());
        }
        Ok(())
    }

    fn add_tasks(&mut self, tasks: &[String], freshen: bool) -> Result<(), RequestError> {
        let mut wanted: Vec<String> = tasks.to_vec();
        if freshen {
            wanted.extend(self.trusted_tasks.keys().filter(|group| group.starts_with("git+")).cloned());
        }
        for text in wanted {
            let scheme = text.find("//");
            let (repository, rest) = text
                .rsplit_once("//")
                .filter(|(repository, _)| scheme.is_some_and(|scheme| scheme < repository.len()))
                .ok_or_else(|| {
                    RequestError::new(format!(
                        "expected \"{text}\" to contain the `//` to separate the repository from the path, e.g. \
                         git+https://github.com/org/repository//task/0.1/task.yaml@f0cacc1a"
                    ))
                })?;
            let (path, revision) = match rest.split_once('@') {
                Some((path, revision)) => (path, revision.to_owned()),
                None if freshen => (rest, latest_change(repository, rest)?),
                None => {
                    return Err(RequestError::new(format!(
                        "expected \"{text}\" to contain the revision information following the `@`, e.g. \
                         git+https://github.com/org/repository//task/0.1/task.yaml@f0cacc1a, to fetch the latest revision from \
                         a remote URL provide the --freshen parameter"
                    )));
                }
            };
            self.add(format!("{repository}//{path}"), revision);
        }
        Ok(())
    }

    /// Drops versions that are listed twice in a row and, if requested, those that have expired.
    fn filter(&mut self, prune: bool, now: Timestamp) {
        for records in self.trusted_tasks.values_mut() {
            // From the oldest on: the first of equal ones is kept.
            records.reverse();
            records.dedup_by(|later, earlier| later.reference == earlier.reference);
            records.reverse();
            if prune {
                records.retain(|record| record.expires_on.is_none_or(|expires| now < expires));
            }
        }
    }

    /// The newest version never expires. What has no date yet gets one.
    fn expire(&mut self, days: u32, now: Timestamp) -> Result<(), RequestError> {
        let later = nearest_midnight(now).checked_add(SignedDuration::from_hours(24 * i64::from(days)));
        let later =
            later.map_err(|_| RequestError::new(format!("`--in-effect-days {days}` is too far in the future")))?;
        for records in self.trusted_tasks.values_mut() {
            for (number, record) in records.iter_mut().enumerate() {
                record.expires_on = match (number, record.expires_on) {
                    (0, _) => None,
                    (_, kept) => kept.or(Some(later)),
                };
            }
        }
        Ok(())
    }

    fn to_yaml(&self) -> String {
        let mut text = "---\n".to_owned();
        if self.trusted_tasks.is_empty() {
            text.push_str("{}\n");
            return text;
        }
        text.push_str("trusted_tasks:\n");
        for (group, records) in &self.trusted_tasks {
            let _infallible = writeln!(text, "  {}:", scalar(group));
            if records.is_empty() {
                text.truncate(text.trim_end().len());
                text.push_str(" []\n");
            }
            for record in records {
                text.push_str("    - ");
                if let Some(expires) = record.expires_on {
                    let _infallible = write!(text, "expires_on: \"{expires}\"\n      ");
                }
                let _infallible = writeln!(text, "ref: {}", scalar(&record.reference));
            }
        }
        text
    }
}

/// A text as YAML has it on one line.
fn scalar(text: &str) -> String {
    assay_report::to_yaml(&Value::String(text.to_owned())).trim_end().to_owned()
}

/// As Go rounds a time to days.
fn nearest_midnight(now: Timestamp) -> Timestamp {
    const DAY: i64 = 24 * 3600;
    let seconds = now.as_second();
    let before = seconds - seconds.rem_euclid(DAY);
    let rounded = if seconds - before >= DAY / 2 { before + DAY } else { before };
    Timestamp::from_second(rounded).unwrap_or(now)
}

/// The commit that last changed a file.
fn latest_change(repository: &str, path: &str) -> Result<String, RequestError> {
    let error = |error: FetchError| RequestError::new(error.to_string()).hint(error.hint());
    let place = format!("git::{}", repository.strip_prefix("git+").unwrap_or(repository));
    let place = SourceRef::parse(&place).map_err(error)?;
    Fetcher::new(None, FetchOptions::default()).latest_change(&place, path).map_err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-06-01T13:00:00Z";

    fn tracked(before: &str, add: &[(&str, &str)], prune: bool) -> String {
        let now = NOW.parse().unwrap();
        let mut tracker = Tracker::parse(before).unwrap();
        for (group, reference) in add {
            tracker.add((*group).to_owned(), (*reference).to_owned());
        }
        tracker.filter(prune, now);
        tracker.expire(60, now).unwrap();
        tracker.to_yaml()
    }

    #[test]
    fn a_new_version_comes_first_and_what_it_replaces_expires() {
        let first = tracked("", &[("oci://r.test/a:1", "sha256:1")], true);
        assert_eq!(first, "---\ntrusted_tasks:\n  oci://r.test/a:1:\n    - ref: sha256:1\n");
        let second =
            tracked(&first, &[("oci://r.test/a:1", "sha256:2"), ("git+https://h.test/x//t.yaml", "123")], true);
        assert_eq!(
            second,
            "---\ntrusted_tasks:\n  git+https://h.test/x//t.yaml:\n    - ref: \"123\"\n  oci://r.test/a:1:\n    - ref: sha256:2\n    \
             - expires_on: \"2026-08-01T00:00:00Z\"\n      ref: sha256:1\n"
        );
        assert_eq!(tracked(&second, &[("oci://r.test/a:1", "sha256:2")], true), second, "nothing new");
    }

    #[test]
    fn what_has_expired_is_left_out_where_that_is_wanted() {
        let before = "trusted_tasks:\n  a:\n  - ref: '2'\n  - expires_on: 2026-01-01T00:00:00Z\n    ref: '1'\n";
        assert!(!tracked(before, &[], true).contains("\"1\""));
        assert!(tracked(before, &[], false).contains("expires_on: \"2026-01-01T00:00:00Z\"\n      ref: \"1\""));
    }

    #[test]
    fn a_record_of_nothing_is_an_empty_object_and_a_broken_one_an_error() {
        assert_eq!(tracked("", &[], true), "---\n{}\n");
        for text in [
            "trusted_tasks: []",
            "trusted_tasks: {a: 1}",
            "trusted_tasks: {a: [{}]}",
            "trusted_tasks: {a: [{ref: b, expires_on: x}]}",
            "a: [",
        ] {
            assert!(Tracker::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_day_begins_at_the_nearest_midnight() {
        for (now, want) in [
            ("2026-06-01T11:59:59Z", "2026-06-01T00:00:00Z"),
            ("2026-06-01T12:00:00Z", "2026-06-02T00:00:00Z"),
            ("1969-12-31T23:00:00Z", "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(nearest_midnight(now.parse().unwrap()).to_string(), want);
        }
    }
}

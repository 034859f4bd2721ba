//! The Snapshot as a document: its canonical form, its ID and its name.

use assay_model::digest::Digest;
use serde_json::{Map, Value, json};

use super::{ComposeRequest, Composed, ComposedComponent, Event, Mode, Omitted, Owner, OwnerKind};

/// Characters of the owner's name in a Snapshot's name, as in Konflux: with a time behind it the name is a label.
pub const NAME_PREFIX: usize = 43;

const API_VERSION: &str = "appstudio.redhat.com/v1alpha1";

/// Reads the start of a build in seconds or milliseconds since 1970 and gives milliseconds: Konflux's annotations have
/// both units, and comparing one with the other puts Snapshots in a wrong order.
#[must_use]
pub fn parse_build_start(text: &str) -> Option<i64> {
    const LAST_SECOND: i64 = 99_999_999_999;
    let number: i64 = text.parse().ok().filter(|number| *number >= 0)?;
    if number <= LAST_SECOND { number.checked_mul(1000) } else { Some(number) }
}

/// The canonical text of a value: keys sorted, no white space.
#[must_use]
pub fn canonical(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let mut names: Vec<_> = fields.iter().collect();
                names.sort_by(|one, other| one.0.cmp(other.0));
                Value::Object(names.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
            other => other.clone(),
        }
    }
    sorted(value).to_string()
}

pub(super) fn assemble(
    owner: &Owner,
    request: Option<&ComposeRequest>,
    components: Vec<ComposedComponent>,
    omitted: Vec<Omitted>,
) -> Composed {
    let spec = spec(owner, &components);
    let labels = labels(owner, request, &components);
    // What makes two Snapshots the same: what they are of, why, and their images.
    let document = canonical(&json!({
        "apiVersion": API_VERSION,
        "kind": "Snapshot",
        "metadata": {"labels": labels},
        "spec": spec,
    }));
    let id = Digest::of(document.as_bytes());
    let name = name(owner, request.and_then(|request| request.build_start), &id);
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), Value::from(name.as_str()));
    if !owner.namespace.is_empty() {
        metadata.insert("namespace".to_owned(), Value::from(owner.namespace.as_str()));
    }
    metadata.insert("labels".to_owned(), labels);
    metadata.insert("annotations".to_owned(), Value::Object(annotations(request, &omitted)));
    let snapshot = json!({
        "apiVersion": API_VERSION,
        "kind": "Snapshot",
        "metadata": metadata,
        "spec": spec,
    });
    Composed { id: id.to_string(), name, snapshot, components, omitted, document }
}

fn spec(owner: &Owner, components: &[ComposedComponent]) -> Value {
    let component = |component: &ComposedComponent| {
        let mut object = Map::new();
        object.insert("name".to_owned(), Value::from(component.name.as_str()));
        if !component.version.is_empty() {
            object.insert("version".to_owned(), Value::from(component.version.as_str()));
        }
        object.insert("containerImage".to_owned(), Value::from(component.image.as_str()));
        if component.source.as_object().is_some_and(|source| !source.is_empty()) {
            object.insert("source".to_owned(), component.source.clone());
        }
        Value::Object(object)
    };
    let mut spec = Map::new();
    spec.insert(owner.kind.field().to_owned(), Value::from(owner.name.as_str()));
    spec.insert("components".to_owned(), components.iter().map(component).collect());
    spec.insert("artifacts".to_owned(), json!({}));
    Value::Object(spec)
}

fn labels(owner: &Owner, request: Option<&ComposeRequest>, components: &[ComposedComponent]) -> Value {
    let mut labels = Map::new();
    let owned = match owner.kind {
        OwnerKind::Application => "appstudio.openshift.io/application",
        OwnerKind::ComponentGroup => "appstudio.openshift.io/component-group",
    };
    labels.insert(owned.to_owned(), Value::from(owner.name.as_str()));
    let Some(request) = request else { return Value::Object(labels) };
    let kind = match request.mode {
        Mode::Component | Mode::Coupled | Mode::Commit => "component",
        Mode::Group => "group",
        Mode::Override => "override",
    };
    labels.insert("test.appstudio.openshift.io/type".to_owned(), Value::from(kind));
    // Only one build has one component; a scenario of `component_NAME` must not run for a part of a group.
    let built: Vec<_> = components.iter().filter(|component| component.from == super::From::Built).collect();
    if let [only] = built.as_slice() {
        labels.insert("appstudio.openshift.io/component".to_owned(), Value::from(only.name.as_str()));
    }
    let event = match (request.mode, request.event) {
        (Mode::Override, _) => None,
        (Mode::Group, _) | (_, Event::PullRequest(_)) => Some("pull_request"),
        (_, Event::Push) => Some("push"),
    };
    if let Event::PullRequest(number) = request.event {
        labels.insert("pac.test.appstudio.openshift.io/pull-request".to_owned(), Value::from(number.to_string()));
    }
    if let Some(event) = event {
        labels.insert("pac.test.appstudio.openshift.io/event-type".to_owned(), Value::from(event));
    }
    Value::Object(labels)
}

fn annotations(request: Option<&ComposeRequest>, omitted: &[Omitted]) -> Map<String, Value> {
    let mut annotations = Map::new();
    if let Some(request) = request.filter(|request| request.mode != Mode::Override) {
        let workflow =
            if request.event == Event::Push && request.mode != Mode::Group { "push" } else { "pull-request" };
        annotations.insert("test.appstudio.openshift.io/integration-workflow".to_owned(), Value::from(workflow));
    }
    if let Some(start) = request.and_then(|request| request.build_start) {
        annotations
            .insert("test.appstudio.openshift.io/pipelinerunstarttime".to_owned(), Value::from(start.to_string()));
    }
    if !omitted.is_empty() {
        let names: Vec<_> = omitted.iter().map(|component| component.name.as_str()).collect();
        let text = format!(
            "Component(s) '{}' is(are) not included in snapshot due to missing valid containerImage or git source",
            names.join(", ")
        );
        annotations.insert("test.appstudio.openshift.io/create-snapshot-status".to_owned(), Value::from(text));
    }
    annotations
}

/// `OWNER-YYYYMMDD-HHMMSS-mmm` by the start of the build; without one, the beginning of the ID stands in place of a time.
fn name(owner: &Owner, build_start: Option<i64>, id: &Digest) -> String {
    let prefix: String = owner.name.chars().take(NAME_PREFIX).collect();
    let prefix = prefix.trim_end_matches(['-', '.']);
    let suffix = build_start.and_then(stamp).unwrap_or_else(|| id.hex().chars().take(12).collect());
    format!("{prefix}-{suffix}")
}

/// A time in milliseconds since 1970 as `YYYYMMDD-HHMMSS-mmm`, in UTC.
fn stamp(milliseconds: i64) -> Option<String> {
    let (seconds, part) = (milliseconds.div_euclid(1000), milliseconds.rem_euclid(1000));
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // The civil calendar from days: years begin in March, so that the leap day is the last one.
    let shifted = days.checked_add(719_468)?;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if !(1970..=9999).contains(&year) {
        return None;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    Some(format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}-{part:03}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_start_of_the_build_and_fits_a_label() {
        for (milliseconds, want) in [
            (0, "19700101-000000-000"),
            (1_785_924_930_123, "20260805-101530-123"),
            (951_782_399_999, "20000228-235959-999"),
            (951_782_400_000, "20000229-000000-000"),
        ] {
            assert_eq!(stamp(milliseconds).as_deref(), Some(want));
        }
        let owner = Owner { kind: OwnerKind::Application, namespace: String::new(), name: "a".repeat(63) };
        let long = name(&owner, Some(0), &Digest::of(b""));
        assert_eq!((long.len(), long.starts_with(&"a".repeat(43))), (63, true));
        assert!(crate::names::is_dns_1123(&long));
    }

    #[test]
    fn seconds_and_milliseconds_are_one_unit() {
        for (text, want) in [
            ("1722850000", Some(1_722_850_000_000)),
            ("1722850000123", Some(1_722_850_000_123)),
            ("-1", None),
            ("x", None),
        ] {
            assert_eq!(parse_build_start(text), want, "{text}");
        }
    }

    #[test]
    fn the_canonical_text_does_not_depend_on_the_order_of_fields() {
        assert_eq!(canonical(&json!({"b": [{"d": 1, "c": 2}], "a": "x"})), r#"{"a":"x","b":[{"c":2,"d":1}]}"#);
    }
}

//! [`compare`]: whether two policy configurations are equivalent for an image.
//!
//! Sources are compared as sets, whatever their scheme; what is pinned on both sides must be pinned to the same.
//! `ruleData` is compared by value, criteria as sets, volatile ones where they hold. Unlike `ec`, keys, identities and
//! transparency logs count, too: a policy that trusts another signer is another policy.

use std::collections::{BTreeMap, BTreeSet};

use assay_gocompat::json;
use assay_model::{
    date,
    policy::{PolicySpec, SourceGroup, VolatileCriterion},
};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::error::RequestError;

/// A request to compare two policy configurations.
#[derive(Clone, Debug)]
pub struct CompareRequest {
    /// One policy configuration.
    pub first: PolicySpec,
    /// The other.
    pub second: PolicySpec,
    /// The time at which volatile criteria are looked at.
    pub effective_time: Timestamp,
    /// The image for which they are.
    pub image: ComparedImage,
}

/// The image for which volatile criteria are looked at; empty texts name none.
#[derive(Clone, Debug, Default)]
pub struct ComparedImage {
    /// Its digest.
    pub digest: String,
    /// Its reference.
    pub reference: String,
    /// Its repository.
    pub url: String,
}

/// Whether both policies would evaluate an image alike.
///
/// # Errors
/// The rule data of a policy is not JSON.
pub fn compare(request: &CompareRequest) -> Result<bool, RequestError> {
    are_equivalent(&request.first, &request.second, request.effective_time, &request.image)
}

/// Groups of the same sources, put together.
#[derive(Debug, Default, PartialEq)]
struct Bucket {
    rule_data: Map<String, Value>,
    include: BTreeSet<String>,
    exclude: BTreeSet<String>,
}

/// The sources of a group by their names without pins: policies, then data.
type Key = (BTreeSet<String>, BTreeSet<String>);

fn are_equivalent(
    first: &PolicySpec,
    second: &PolicySpec,
    when: Timestamp,
    image: &ComparedImage,
) -> Result<bool, RequestError> {
    let trust = |policy: &PolicySpec| {
        let identity = policy.identity.clone().unwrap_or_default();
        (policy.public_key.trim().to_owned(), policy.rekor_url.trim_end_matches('/').to_owned(), identity)
    };
    if trust(first) != trust(second) || pins_differ(first, second) {
        return Ok(false);
    }
    Ok(buckets(first, when, image)? == buckets(second, when, image)?)
}

fn buckets(policy: &PolicySpec, when: Timestamp, image: &ComparedImage) -> Result<BTreeMap<Key, Bucket>, RequestError> {
    let mut buckets: BTreeMap<Key, Bucket> = BTreeMap::new();
    for group in &policy.sources {
        let names = |places: &[String]| places.iter().map(|place| named(place).0).collect();
        let bucket = buckets.entry((names(&group.policy), names(&group.data))).or_default();
        if let Some(data) = &group.rule_data {
            let data: Value = serde_json::from_str(data.get()).map_err(|error| RequestError::from_error(&error))?;
            if let Value::Object(fields) = json::as_floats(&data) {
                merge(&mut bucket.rule_data, fields);
            }
        }
        let (include, exclude) = criteria(policy, group, when, image);
        bucket.include.extend(include);
        bucket.exclude.extend(exclude);
    }
    // Maps compare by content, whatever the order they were written in.
    for bucket in buckets.values_mut() {
        if let Value::Object(fields) = json::sorted(&Value::Object(std::mem::take(&mut bucket.rule_data))) {
            bucket.rule_data = fields;
        }
    }
    Ok(buckets)
}

fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// The include and exclude items of a group as an evaluation takes them: its own, or the global ones where it has none.
fn criteria(
    policy: &PolicySpec,
    group: &SourceGroup,
    when: Timestamp,
    image: &ComparedImage,
) -> (Vec<String>, Vec<String>) {
    let own = group.config.clone().unwrap_or_default();
    let (mut include, mut exclude) = (own.include, own.exclude);
    if let Some(volatile) = &group.volatile_config {
        let active = |items: &[VolatileCriterion]| -> Vec<String> {
            items.iter().filter(|item| is_active(item, when, image)).map(|item| item.value.clone()).collect()
        };
        include.extend(active(&volatile.include));
        exclude.extend(active(&volatile.exclude));
    }
    if include.is_empty()
        && exclude.is_empty()
        && let Some(global) = &policy.configuration
    {
        include.clone_from(&global.include);
        include.extend(global.collections.iter().map(|name| format!("@{name}")));
        exclude.clone_from(&global.exclude);
    }
    if include.is_empty() {
        include.push("*".to_owned());
    }
    let plain = |items: Vec<String>| {
        let plain = |item: &String| item.trim().strip_suffix(".*").unwrap_or(item.trim()).to_owned();
        items.iter().map(plain).filter(|item| !item.is_empty()).collect()
    };
    (plain(include), plain(exclude))
}

/// Whether a volatile criterion holds then, for this image. One whose dates do not read never holds.
fn is_active(item: &VolatileCriterion, when: Timestamp, image: &ComparedImage) -> bool {
    let from = item.effective_on.is_empty()
        || date::parse_datetime_or_date(&item.effective_on).is_some_and(|from| from <= when);
    let until = item.effective_until.is_empty()
        || date::parse_datetime_or_date(&item.effective_until).is_some_and(|until| when <= until);
    let is_requested = [&image.digest, &image.reference, &image.url].iter().any(|text| !text.is_empty());
    let names = |wanted: &str, given: &str| wanted.is_empty() || !is_requested || wanted == given;
    from && until
        && names(&item.image_digest, &image.digest)
        && names(&item.image_ref, &image.reference)
        && names(&item.image_url, &image.url)
}

/// A source without its scheme and its pin, and the pin.
fn named(place: &str) -> (String, Option<String>) {
    let text = place.trim();
    let text = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).unwrap_or(text);
    let is_scheme = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte))
    };
    let text = match text.split_once("::") {
        Some((scheme, rest)) if is_scheme(scheme) => rest,
        _ => text,
    };
    let text = text.strip_prefix("https://").unwrap_or(text);
    let (text, query) = text.split_once(['?', '#']).map_or((text, None), |(text, query)| (text, Some(query)));
    let (name, digest) = text.rsplit_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
    match (digest.filter(|digest| digest.contains(':')), query) {
        (Some(digest), _) => (name.to_owned(), Some(digest.to_owned())),
        (None, Some(query)) => {
            let commit = query.split('&').find_map(|pair| pair.strip_prefix("ref="));
            let is_commit = |text: &&str| text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            (text.to_owned(), commit.filter(is_commit).map(str::to_owned))
        }
        (None, None) => (text.to_owned(), None),
    }
}

/// Whether some source is pinned by both to different content. A pin on one side alone says nothing of the other.
fn pins_differ(first: &PolicySpec, second: &PolicySpec) -> bool {
    let pins = |policy: &PolicySpec| {
        let mut pins: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for place in policy.sources.iter().flat_map(|group| group.policy.iter().chain(&group.data)) {
            if let (name, Some(pin)) = named(place) {
                pins.entry(name).or_default().insert(pin);
            }
        }
        pins
    };
    let (first, second) = (pins(first), pins(second));
    first.iter().any(|(name, pins)| second.get(name).is_some_and(|others| others != pins))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equivalent(first: &str, second: &str, digest: &str) -> bool {
        let parse = |text: &str| PolicySpec::parse(text).unwrap();
        let image = ComparedImage { digest: digest.to_owned(), ..ComparedImage::default() };
        let when = "2025-06-01T00:00:00Z".parse().unwrap();
        are_equivalent(&parse(first), &parse(second), when, &image).unwrap()
    }

    #[test]
    fn policies_are_equivalent_if_they_give_the_same_results() {
        let commits = ["0".repeat(40), "1".repeat(40)];
        let pinned = |commit: &str| format!("sources: [{{policy: ['git::h.test/a//p?ref={commit}']}}]");
        let volatile = |digest: &str| {
            format!("sources: [{{policy: [p], volatileConfig: {{exclude: [{{value: x, imageDigest: '{digest}'}}]}}}}]")
        };
        #[rustfmt::skip]
        let table = [
            ("sources: [{policy: [a, b]}]", "sources: [{policy: ['file::b', a, a]}]", "", true),
            ("sources: [{policy: [a]}]", "sources: [{policy: [b]}]", "", false),
            ("sources: [{policy: [a]}]", "sources: [{policy: [], data: [a]}]", "", false),
            ("sources: [{policy: [p], ruleData: {a: 1, b: [1]}}]", "sources: [{policy: [p], ruleData: {b: [1.0], a: 1.0}}]", "", true),
            ("sources: [{policy: [p], ruleData: {a: 1}}]", "sources: [{policy: [p], ruleData: {a: 2}}]", "", false),
            ("sources: [{policy: [p], config: {include: [x.*, z]}}]", "sources: [{policy: [p], config: {include: [z, x]}}]", "", true),
            ("sources: [{policy: [p], config: {include: [x]}}]", "sources: [{policy: [p], config: {exclude: [x]}}]", "", false),
            ("sources: [{policy: [p]}]\nconfiguration: {collections: [c]}", "sources: [{policy: [p], config: {include: ['@c']}}]", "", true),
            ("sources: [{policy: [p]}]\npublicKey: k", "sources: [{policy: [p]}]\npublicKey: l", "", false),
            ("sources: [{policy: [p]}]\nidentity: {issuer: i}", "sources: [{policy: [p]}]", "", false),
            ("name: one\nsources: [{policy: [p]}]", "name: two\nsources: [{policy: [p]}]", "", true),
        ];
        for (first, second, digest, want) in table {
            assert_eq!(equivalent(first, second, digest), want, "{first} / {second}");
            assert_eq!(equivalent(second, first, digest), want, "{second} / {first}");
        }
        assert!(equivalent(&pinned(&commits[0]), &pinned(&commits[0]), ""));
        assert!(!equivalent(&pinned(&commits[0]), &pinned(&commits[1]), ""), "pinned to different content");
        assert!(equivalent(&pinned(&commits[0]), &pinned("main"), ""), "a branch says nothing of content");
        assert!(equivalent(&volatile("sha256:1"), "sources: [{policy: [p]}]", "sha256:2"));
        assert!(!equivalent(&volatile("sha256:1"), "sources: [{policy: [p]}]", "sha256:1"));
        let past = "sources: [{policy: [p], volatileConfig: {exclude: [{value: x, effectiveUntil: 2024-01-01}]}}]";
        assert!(equivalent(past, "sources: [{policy: [p]}]", ""));
    }
}

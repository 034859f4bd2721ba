//! [`Provenance::check`]: the shape of SLSA provenance v0.2 and v1 (slsa.dev/provenance), as `ec` demands it.
//!
//! Checked are the fields that the specification requires and the types of those that it names, so that a text where a
//! list is expected is reported as such, and not as a rule that silently found nothing. `null` is not the same as
//! absent. Other predicates are theirs who wrote them.

use assay_model::strict::StrictObject;
use serde_json::{Map, Value};

/// The versions of provenance that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provenance {
    /// `https://slsa.dev/provenance/v0.2`, what Tekton Chains writes.
    V02,
    /// `https://slsa.dev/provenance/v1`.
    V1,
}

/// The names of digests (in-toto `digest_set.md`).
const DIGESTS: [&str; 19] = [
    "sha256",
    "sha224",
    "sha384",
    "sha512",
    "sha512_224",
    "sha512_256",
    "sha3_224",
    "sha3_256",
    "sha3_384",
    "sha3_512",
    "shake128",
    "shake256",
    "blake2b",
    "blake2s",
    "ripemd160",
    "sm3",
    "gost",
    "sha1",
    "md5",
];

/// The name of a digest that only version 1 knows.
const GIT_COMMIT: &str = "gitCommit";

/// The field of a statement that the provenance is in.
pub(super) const PREDICATE: &str = "predicate";

/// The only type of statement that carries provenance v0.2.
const STATEMENT_V01: &str = "https://in-toto.io/Statement/v0.1";

type CheckResult = Result<(), String>;

impl Provenance {
    /// The provenance of a predicate type; none for other predicates.
    pub(super) fn of(predicate_type: &str) -> Option<Self> {
        match predicate_type {
            "https://slsa.dev/provenance/v0.2" => Some(Self::V02),
            "https://slsa.dev/provenance/v1" => Some(Self::V1),
            _ => None,
        }
    }

    /// What is checked of a statement, given its fields and those of its predicate: all but what is inside the objects whose
    /// content is the builder's own. They are most of it.
    ///
    /// # Errors
    /// It is not JSON.
    pub(super) fn outline(
        self,
        statement: &StrictObject<'_>,
        predicate: Option<&StrictObject<'_>>,
    ) -> serde_json::Result<Value> {
        const V02: [&[&str]; 3] = [&["buildConfig"], &["invocation", "parameters"], &["invocation", "environment"]];
        const V1: [&[&str]; 2] =
            [&["buildDefinition", "externalParameters"], &["buildDefinition", "internalParameters"]];
        let emptied: &[&[&str]] = match self {
            Self::V02 => &V02,
            Self::V1 => &V1,
        };
        let outlined = statement.fields().map(|(name, value)| {
            let value = match predicate.filter(|_| name == PREDICATE) {
                Some(predicate) => outlined(predicate, emptied)?,
                None => serde_json::from_str(value)?,
            };
            Ok((name.to_owned(), value))
        });
        outlined.collect::<serde_json::Result<Map<_, _>>>().map(Value::Object)
    }

    /// What kind of build made it, if the statement says so in the right place.
    pub(super) fn build_type(self, statement: &Value) -> Option<String> {
        let at = match self {
            Self::V02 => "/predicate/buildType",
            Self::V1 => "/predicate/buildDefinition/buildType",
        };
        statement.pointer(at).and_then(Value::as_str).map(str::to_owned)
    }

    /// Checks a statement's shape. The error names the first field that is not as it must be.
    pub(super) fn check(self, statement: &Value) -> CheckResult {
        let statement = At { path: String::new(), value: statement, kind: self }.object()?;
        let subjects = statement.need("subject")?.items()?;
        if subjects.is_empty() {
            return Err("`subject` is empty".to_owned());
        }
        for subject in subjects {
            let subject = subject.object()?;
            subject.need("name")?.filled()?;
            subject.need("digest")?.digests()?;
        }
        let predicate = statement.need("predicate")?.object()?;
        match self {
            Self::V02 => {
                if statement.fields.get("_type").and_then(Value::as_str) != Some(STATEMENT_V01) {
                    return Err(format!("`_type` is not `{STATEMENT_V01}`"));
                }
                check_v02(&predicate)
            }
            Self::V1 => check_v1(&predicate),
        }
    }
}

/// A document without the content of the objects at some paths.
fn outline(json: &str, emptied: &[&[&str]]) -> serde_json::Result<Value> {
    if emptied.is_empty() || !json.starts_with('{') {
        return serde_json::from_str(json);
    }
    if emptied.iter().any(|path| path.is_empty()) {
        return Ok(Value::Object(Map::new()));
    }
    // One with too many fields is read like any other.
    let Ok(object) = StrictObject::read(json) else { return serde_json::from_str(json) };
    outlined(&object, emptied)
}

/// The same of an object whose fields are known.
fn outlined(object: &StrictObject<'_>, emptied: &[&[&str]]) -> serde_json::Result<Value> {
    let outlined = object.fields().map(|(name, value)| {
        let below = emptied.iter().filter_map(|path| path.split_first().filter(|(first, _)| **first == name));
        let below: Vec<&[&str]> = below.map(|(_, rest)| rest).collect();
        Ok((name.to_owned(), outline(value, &below)?))
    });
    outlined.collect::<serde_json::Result<Map<_, _>>>().map(Value::Object)
}

fn check_v02(predicate: &Fields<'_>) -> CheckResult {
    predicate.need("builder")?.object()?.need("id")?.address()?;
    predicate.need("buildType")?.text()?;
    predicate.maybe("invocation", |invocation| {
        let invocation = invocation.object()?;
        invocation.maybe("configSource", |source| {
            let source = source.object()?;
            source.maybe("uri", At::text)?;
            source.maybe("digest", At::digests)?;
            source.maybe("entryPoint", At::filled)
        })?;
        invocation.maybe("parameters", At::any_object)?;
        invocation.maybe("environment", At::any_object)
    })?;
    predicate.maybe("metadata", |metadata| {
        let metadata = metadata.object()?;
        metadata.maybe("buildInvocationId", At::filled)?;
        metadata.maybe("buildStartedOn", At::date_time)?;
        metadata.maybe("buildFinishedOn", At::date_time)?;
        metadata.maybe("completeness", |completeness| {
            let completeness = completeness.object()?;
            completeness.maybe("parameters", At::flag)?;
            completeness.maybe("environment", At::flag)?;
            completeness.maybe("materials", At::flag)
        })?;
        metadata.maybe("reproducible", At::flag)
    })?;
    predicate.maybe("buildConfig", At::any_object)?;
    predicate.maybe("materials", |materials| {
        materials.each(|material| {
            let material = material.object()?;
            material.maybe("uri", At::text)?;
            material.maybe("digest", At::digests)
        })
    })
}

fn check_v1(predicate: &Fields<'_>) -> CheckResult {
    let definition = predicate.need("buildDefinition")?.object()?;
    definition.need("buildType")?.filled()?;
    definition.need("externalParameters")?.any_object()?;
    definition.maybe("internalParameters", At::any_object)?;
    definition.maybe("resolvedDependencies", |resources| resources.each(At::resource))?;
    let run = predicate.need("runDetails")?.object()?;
    let builder = run.need("builder")?.object()?;
    builder.need("id")?.address()?;
    builder.maybe("builderDependencies", |resources| resources.each(At::resource))?;
    builder.maybe("version", At::any_object)?;
    run.maybe("metadata", |metadata| {
        let metadata = metadata.object()?;
        metadata.maybe("invocationId", At::filled)?;
        metadata.maybe("startedOn", At::date_time)?;
        metadata.maybe("finishedOn", At::date_time)
    })?;
    run.maybe("byproducts", |resources| resources.each(At::resource))
}

/// A value and where it stands.
struct At<'a> {
    path: String,
    value: &'a Value,
    kind: Provenance,
}

/// An object and where it stands.
struct Fields<'a> {
    path: String,
    fields: &'a Map<String, Value>,
    kind: Provenance,
}

impl<'a> At<'a> {
    fn wrong(&self, what: &str) -> String {
        let path = if self.path.is_empty() { "the statement" } else { &self.path };
        format!("`{path}` is {what}")
    }

    fn object(self) -> Result<Fields<'a>, String> {
        match self.value {
            Value::Object(fields) => Ok(Fields { path: self.path, fields, kind: self.kind }),
            _ => Err(self.wrong("not an object")),
        }
    }

    fn any_object(self) -> CheckResult {
        self.object().map(drop)
    }

    fn items(self) -> Result<Vec<Self>, String> {
        let Value::Array(items) = self.value else { return Err(self.wrong("not a list")) };
        let item = |(index, value)| Self { path: format!("{}[{index}]", self.path), value, kind: self.kind };
        Ok(items.iter().enumerate().map(item).collect())
    }

    fn each(self, check: impl Fn(Self) -> CheckResult) -> CheckResult {
        self.items()?.into_iter().try_for_each(check)
    }

    fn text(self) -> CheckResult {
        self.value.as_str().map(drop).ok_or_else(|| self.wrong("not a string"))
    }

    fn filled(self) -> CheckResult {
        self.value
            .as_str()
            .filter(|text| !text.is_empty())
            .map(drop)
            .ok_or_else(|| self.wrong("not a string, or is empty"))
    }

    fn flag(self) -> CheckResult {
        self.value.as_bool().map(drop).ok_or_else(|| self.wrong("not a boolean"))
    }

    /// A URI with its scheme.
    fn address(self) -> CheckResult {
        let is_absolute = |text: &&str| {
            let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
            scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-'))
                && !text.chars().any(|character| character.is_control() || character == ' ')
        };
        self.value.as_str().filter(is_absolute).map(drop).ok_or_else(|| self.wrong("not a URI with a scheme"))
    }

    /// An RFC 3339 time in UTC.
    fn date_time(self) -> CheckResult {
        let parsed = self.value.as_str().filter(|text| text.ends_with('Z') && is_date_time(text));
        parsed.map(drop).ok_or_else(|| self.wrong("not an RFC 3339 timestamp such as 2025-01-31T10:00:00Z"))
    }

    /// Digests by the names of their algorithms, in lowercase hex.
    fn digests(self) -> CheckResult {
        let kind = self.kind;
        let digests = self.object()?;
        for (name, digest) in digests.fields {
            if !(DIGESTS.contains(&name.as_str()) || (kind == Provenance::V1 && name == GIT_COMMIT)) {
                return Err(format!("`{}` has a digest of the unknown algorithm `{name}`", digests.path));
            }
            let is_hex =
                |text: &&str| !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            if digest.as_str().filter(is_hex).is_none() {
                return Err(format!("`{}.{name}` is not lowercase hex", digests.path));
            }
        }
        Ok(())
    }

    fn resource(self) -> CheckResult {
        let resource = self.object()?;
        for name in ["uri", "name", "downloadLocation", "mediaType", "content"] {
            resource.maybe(name, At::text)?;
        }
        resource.maybe("digest", At::digests)?;
        resource.maybe("annotations", At::any_object)
    }
}

impl<'a> Fields<'a> {
    fn at(&self, name: &str, value: &'a Value) -> At<'a> {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        At { path, value, kind: self.kind }
    }

    fn need(&self, name: &str) -> Result<At<'a>, String> {
        let missing = || {
            let path = if self.path.is_empty() { "the statement" } else { &self.path };
            format!("`{path}` has no `{name}`")
        };
        self.fields.get(name).map(|value| self.at(name, value)).ok_or_else(missing)
    }

    fn maybe(&self, name: &str, check: impl FnOnce(At<'a>) -> CheckResult) -> CheckResult {
        self.fields.get(name).map_or(Ok(()), |value| check(self.at(name, value)))
    }
}

/// `YYYY-MM-DDThh:mm:ss`, perhaps with a fraction, and `Z`.
fn is_date_time(text: &str) -> bool {
    let number = |from: usize, length: usize, most: u32| {
        let digits = text.as_bytes().get(from..from + length).unwrap_or_default();
        let is_number = digits.len() == length && digits.iter().all(u8::is_ascii_digit);
        is_number && digits.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')) <= most
    };
    let sign = |at: usize, wanted: u8| text.as_bytes().get(at) == Some(&wanted);
    let date = number(0, 4, 9999) && sign(4, b'-') && number(5, 2, 12) && sign(7, b'-') && number(8, 2, 31);
    let time = sign(10, b'T') && number(11, 2, 23) && sign(13, b':') && number(14, 2, 59) && sign(16, b':');
    let rest = text.as_bytes().get(19..).and_then(|rest| rest.strip_suffix(b"Z"));
    let fraction = match rest {
        Some([]) => true,
        Some([b'.', digits @ ..]) => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    date && time && number(17, 2, 60) && fraction
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn statement(version: &str, predicate: &Value) -> Value {
        json!({
            "_type": format!("https://in-toto.io/Statement/{version}"),
            "subject": [{"name": "app", "digest": {"sha256": "ab12"}}],
            "predicate": predicate,
        })
    }

    fn v02() -> Value {
        statement(
            "v0.1",
            &json!({
                "builder": {"id": "https://tekton.dev/chains/v2"},
                "buildType": "tekton.dev/v1beta1/PipelineRun",
                "invocation": {"parameters": {}, "configSource": {"uri": "u", "digest": {"sha1": "ab"}}, "environment": {}},
                "buildConfig": {"tasks": []},
                "metadata": {
                    "buildStartedOn": "2025-03-01T10:00:00Z", "buildFinishedOn": "2025-03-01T10:05:00.123Z",
                    "completeness": {"materials": false}, "reproducible": false,
                },
                "materials": [{"uri": "git+https://example.org/a", "digest": {"sha1": "abc"}}, {}],
            }),
        )
    }

    fn v1() -> Value {
        statement(
            "v1",
            &json!({
                "buildDefinition": {
                    "buildType": "b", "externalParameters": {},
                    "resolvedDependencies": [{"uri": "u", "digest": {"gitCommit": "ab"}, "annotations": {}}],
                },
                "runDetails": {
                    "builder": {"id": "urn:builder"}, "metadata": {"finishedOn": "2025-03-01T10:05:00Z"}, "byproducts": [],
                },
            }),
        )
    }

    fn outline_of(kind: Provenance, statement: &str) -> Value {
        let (fields, predicate) = StrictObject::read_with(statement, PREDICATE).unwrap();
        kind.outline(&fields, predicate.as_ref()).unwrap()
    }

    #[test]
    fn valid_provenance_passes_and_has_its_build_type() {
        for (kind, good, build_type) in
            [(Provenance::V02, v02(), "tekton.dev/v1beta1/PipelineRun"), (Provenance::V1, v1(), "b")]
        {
            assert_eq!(kind.check(&good), Ok(()));
            assert_eq!(kind.check(&outline_of(kind, &good.to_string())), Ok(()));
            assert_eq!(kind.build_type(&good).as_deref(), Some(build_type));
        }
        assert_eq!(Provenance::of("https://slsa.dev/provenance/v0.2"), Some(Provenance::V02));
        assert_eq!(Provenance::of("https://spdx.dev/Document"), None);
        assert_eq!(Provenance::V1.build_type(&v02()), None);
    }

    #[test]
    fn each_field_that_policies_rely_on_is_checked() {
        let wrong = |kind: Provenance, good: &Value, at: &str, with: Value, message: &str| {
            let mut bad = good.clone();
            *bad.pointer_mut(at).unwrap() = with;
            let error = kind.check(&bad).unwrap_err();
            assert_eq!(kind.check(&outline_of(kind, &bad.to_string())), Err(error.clone()));
            assert!(error.contains(message), "{at}: {error} lacks {message}");
        };
        for (at, with, message) in [
            ("/_type", json!("https://in-toto.io/Statement/v1"), "`_type` is not"),
            ("/subject", json!([]), "`subject` is empty"),
            ("/subject/0/name", json!(""), "`subject[0].name` is not a string, or is empty"),
            ("/subject/0/digest", json!({"sha256": "AB"}), "`subject[0].digest.sha256` is not lowercase hex"),
            ("/subject/0/digest", json!({"crc": "ab"}), "unknown algorithm `crc`"),
            ("/predicate", json!([]), "`predicate` is not an object"),
            ("/predicate/builder", json!("x"), "`predicate.builder` is not an object"),
            ("/predicate/builder/id", json!(1), "`predicate.builder.id` is not a URI"),
            ("/predicate/builder/id", json!("no scheme"), "`predicate.builder.id` is not a URI"),
            ("/predicate/builder", json!({}), "has no `id`"),
            ("/predicate/buildType", json!(null), "`predicate.buildType` is not a string"),
            ("/predicate/invocation", json!([]), "predicate.invocation"),
            ("/predicate/invocation/configSource/digest", json!({"gitCommit": "ab"}), "unknown algorithm `gitCommit`"),
            ("/predicate/invocation/parameters", json!("x"), "predicate.invocation.parameters"),
            ("/predicate/buildConfig", json!("x"), "predicate.buildConfig"),
            ("/predicate/metadata", json!(null), "`predicate.metadata` is not an object"),
            ("/predicate/metadata/buildStartedOn", json!("2025-03-01T10:00:00+01:00"), "is not an RFC 3339 timestamp"),
            ("/predicate/metadata/buildFinishedOn", json!("yesterday"), "is not an RFC 3339 timestamp"),
            ("/predicate/metadata/completeness/materials", json!("no"), "is not a boolean"),
            ("/predicate/metadata/reproducible", json!(0), "is not a boolean"),
            ("/predicate/materials", json!({}), "`predicate.materials` is not a list"),
            ("/predicate/materials/0", json!("x"), "`predicate.materials[0]` is not an object"),
            ("/predicate/materials/0/uri", json!(1), "predicate.materials[0].uri"),
            ("/predicate/materials/0/digest", json!("x"), "predicate.materials[0].digest"),
            ("/predicate/materials/0/digest/sha1", json!(1), "predicate.materials[0].digest.sha1"),
        ] {
            wrong(Provenance::V02, &v02(), at, with, message);
        }
        for (at, with, message) in [
            ("/predicate", json!({}), "has no `buildDefinition`"),
            ("/predicate/buildDefinition/buildType", json!(""), "buildType"),
            ("/predicate/buildDefinition/externalParameters", json!(null), "externalParameters` is not an object"),
            ("/predicate/buildDefinition/resolvedDependencies", json!({}), "is not a list"),
            ("/predicate/buildDefinition/resolvedDependencies/0/annotations", json!([]), "annotations"),
            ("/predicate/runDetails/builder/id", json!(""), "predicate.runDetails.builder.id"),
            ("/predicate/runDetails/metadata", json!([]), "predicate.runDetails.metadata"),
            (
                "/predicate/runDetails/metadata/finishedOn",
                json!("2025-13-01T10:05:00Z"),
                "is not an RFC 3339 timestamp",
            ),
            ("/predicate/runDetails/byproducts", json!("x"), "predicate.runDetails.byproducts"),
        ] {
            wrong(Provenance::V1, &v1(), at, with, message);
        }
        assert!(Provenance::V1.check(&json!(1)).unwrap_err().contains("the statement"));
    }

    #[test]
    fn the_outline_of_a_statement_lacks_only_what_the_builder_alone_defines() {
        let statement = r#"{"predicate": {"buildConfig": {"tasks": [1]}, "n": 1.50, "invocation": {"parameters": {"a": 1}, "b": {"c": 2}}}}"#;
        let outlined = outline_of(Provenance::V02, statement);
        assert_eq!(
            outlined.to_string(),
            r#"{"predicate":{"buildConfig":{},"n":1.50,"invocation":{"parameters":{},"b":{"c":2}}}}"#
        );
        let many = (0..2000).map(|at| format!("\"x{at}\":0")).collect::<Vec<_>>().join(",");
        let many = format!(r#"{{"predicate":{{"buildType":"b",{many}}}}}"#);
        for other in
            [many.as_str(), r#"{"predicate":null}"#, r#"{"predicate":{"buildConfig":[{"a":1}],"invocation":null}}"#]
        {
            assert_eq!(outline_of(Provenance::V02, other).to_string(), other);
        }
    }
}

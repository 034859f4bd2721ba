//! [`Provenance::check`]: the shape that policies rely on in SLSA provenance v0.2 and v1 (slsa.dev/provenance).
//!
//! Checked are the fields that the specification requires and the types of those that policies walk through, so that
//! a text where a list belongs is told as such, and not as a rule that quietly found nothing. Other predicates are
//! theirs who wrote them.

use serde_json::{Map, Value};

/// The versions of provenance that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provenance {
    /// `https://slsa.dev/provenance/v0.2`, what Tekton Chains writes.
    V02,
    /// `https://slsa.dev/provenance/v1`.
    V1,
}

impl Provenance {
    /// The provenance of a predicate type; none for other predicates.
    pub(super) fn of(predicate_type: &str) -> Option<Self> {
        match predicate_type {
            "https://slsa.dev/provenance/v0.2" => Some(Self::V02),
            "https://slsa.dev/provenance/v1" => Some(Self::V1),
            _ => None,
        }
    }

    /// What kind of build made it, if the predicate says so in the right place.
    pub(super) fn build_type(self, predicate: &Value) -> Option<String> {
        let at = match self {
            Self::V02 => "/buildType",
            Self::V1 => "/buildDefinition/buildType",
        };
        predicate.pointer(at).and_then(Value::as_str).map(str::to_owned)
    }

    /// Checks the shape. The error names the first field that is not as it must be.
    pub(super) fn check(self, predicate: &Value) -> Result<(), String> {
        let predicate = At::root(predicate).object()?;
        match self {
            Self::V02 => {
                predicate.need("builder")?.object()?.need("id")?.text()?;
                predicate.need("buildType")?.text()?;
                predicate.maybe("invocation").map_or(Ok(()), |invocation| invocation.object().map(drop))?;
                predicate.maybe("buildConfig").map_or(Ok(()), |config| config.object().map(drop))?;
                predicate.maybe("metadata").map_or(Ok(()), |metadata| metadata.object().map(drop))?;
                predicate.maybe("materials").map_or(Ok(()), |materials| materials.resources())
            }
            Self::V1 => {
                let definition = predicate.need("buildDefinition")?.object()?;
                definition.need("buildType")?.text()?;
                definition.need("externalParameters")?.object()?;
                definition.maybe("resolvedDependencies").map_or(Ok(()), |resources| resources.resources())?;
                let run = predicate.need("runDetails")?.object()?;
                run.need("builder")?.object()?.need("id")?.text()?;
                run.maybe("metadata").map_or(Ok(()), |metadata| metadata.object().map(drop))?;
                run.maybe("byproducts").map_or(Ok(()), |resources| resources.resources())
            }
        }
    }
}

/// A value and where it stands.
struct At<'a> {
    path: String,
    value: &'a Value,
}

/// An object and where it stands.
struct Fields<'a> {
    path: String,
    fields: &'a Map<String, Value>,
}

impl<'a> At<'a> {
    fn root(value: &'a Value) -> Self {
        Self { path: "predicate".to_owned(), value }
    }

    fn object(self) -> Result<Fields<'a>, String> {
        match self.value {
            Value::Object(fields) => Ok(Fields { path: self.path, fields }),
            _ => Err(format!("`{}` is not an object", self.path)),
        }
    }

    fn text(self) -> Result<(), String> {
        match self.value {
            Value::String(text) if !text.is_empty() => Ok(()),
            _ => Err(format!("`{}` is not a text, or is empty", self.path)),
        }
    }

    /// A list of resources: each an object, whose `uri` is a text and whose `digest` holds texts, where present.
    fn resources(self) -> Result<(), String> {
        let Value::Array(items) = self.value else { return Err(format!("`{}` is not a list", self.path)) };
        for (index, value) in items.iter().enumerate() {
            let item = Self { path: format!("{}[{index}]", self.path), value }.object()?;
            item.maybe("uri").map_or(Ok(()), Self::text)?;
            if let Some(digest) = item.maybe("digest") {
                let digest = digest.object()?;
                for name in digest.fields.keys() {
                    digest.need(name)?.text()?;
                }
            }
        }
        Ok(())
    }
}

impl<'a> Fields<'a> {
    fn need(&self, name: &str) -> Result<At<'a>, String> {
        self.maybe(name).ok_or_else(|| format!("`{}` has no `{name}`", self.path))
    }

    /// A field; `null` is none, as Go writes it for an empty one.
    fn maybe(&self, name: &str) -> Option<At<'a>> {
        let value = self.fields.get(name).filter(|value| !value.is_null())?;
        Some(At { path: format!("{}.{name}", self.path), value })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn v02() -> Value {
        json!({
            "builder": {"id": "https://tekton.dev/chains/v2"},
            "buildType": "tekton.dev/v1beta1/PipelineRun",
            "invocation": {"parameters": {}},
            "buildConfig": {"tasks": []},
            "metadata": null,
            "materials": [{"uri": "git+https://example.org/a", "digest": {"sha1": "abc"}}, {}],
        })
    }

    fn v1() -> Value {
        json!({
            "buildDefinition": {"buildType": "b", "externalParameters": {}, "resolvedDependencies": [{"uri": "u"}]},
            "runDetails": {"builder": {"id": "i"}, "metadata": {}, "byproducts": []},
        })
    }

    #[test]
    fn sound_provenance_passes_and_tells_its_build_type() {
        for (kind, good, build_type) in
            [(Provenance::V02, v02(), "tekton.dev/v1beta1/PipelineRun"), (Provenance::V1, v1(), "b")]
        {
            assert_eq!(kind.check(&good), Ok(()));
            assert_eq!(kind.build_type(&good).as_deref(), Some(build_type));
        }
        assert_eq!(Provenance::of("https://slsa.dev/provenance/v0.2"), Some(Provenance::V02));
        assert_eq!(Provenance::of("https://spdx.dev/Document"), None);
        assert_eq!(Provenance::V1.build_type(&v02()), None);
    }

    #[test]
    fn each_field_that_policies_rely_on_is_checked() {
        let wrong = |kind: Provenance, good: &Value, at: &str, with: Value, said: &str| {
            let mut bad = good.clone();
            *bad.pointer_mut(at).unwrap() = with;
            let error = kind.check(&bad).unwrap_err();
            assert!(error.contains(said), "{at}: {error} lacks {said}");
        };
        for (at, with, said) in [
            ("", json!([]), "`predicate` is not an object"),
            ("/builder", json!("x"), "`predicate.builder` is not an object"),
            ("/builder/id", json!(1), "`predicate.builder.id` is not a text"),
            ("/builder/id", json!(null), "has no `id`"),
            ("/buildType", json!(""), "`predicate.buildType` is not a text, or is empty"),
            ("/invocation", json!([]), "predicate.invocation"),
            ("/buildConfig", json!("x"), "predicate.buildConfig"),
            ("/metadata", json!(1), "predicate.metadata"),
            ("/materials", json!({}), "`predicate.materials` is not a list"),
            ("/materials/0", json!("x"), "`predicate.materials[0]` is not an object"),
            ("/materials/0/uri", json!(1), "predicate.materials[0].uri"),
            ("/materials/0/digest", json!("x"), "predicate.materials[0].digest"),
            ("/materials/0/digest/sha1", json!(1), "predicate.materials[0].digest.sha1"),
        ] {
            wrong(Provenance::V02, &v02(), at, with, said);
        }
        for (at, with, said) in [
            ("/buildDefinition", json!(null), "has no `buildDefinition`"),
            ("/buildDefinition/buildType", json!(1), "buildType"),
            ("/buildDefinition/externalParameters", json!(null), "has no `externalParameters`"),
            ("/buildDefinition/resolvedDependencies", json!({}), "is not a list"),
            ("/runDetails/builder/id", json!(""), "predicate.runDetails.builder.id"),
            ("/runDetails/metadata", json!([]), "predicate.runDetails.metadata"),
            ("/runDetails/byproducts", json!("x"), "predicate.runDetails.byproducts"),
        ] {
            wrong(Provenance::V1, &v1(), at, with, said);
        }
    }
}

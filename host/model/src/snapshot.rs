//! [`Snapshot`]: the images of an application that ship together.
//!
//! The format is Konflux's `Snapshot` resource (`appstudio.redhat.com/v1alpha1`) or its bare `spec`, as JSON or YAML.
//! Fields that assay does not know are kept. Go, in which `ec` is written, takes `containerimage` for `containerImage`,
//! so a key that differs from a known one by its case alone is an error.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{limits, memory::Memory, strict::Shape, yaml};

/// An application's components.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The spec as given, without `components`.
    pub fields: Map<String, Value>,
    /// The components in the order given; never empty.
    pub components: Vec<Component>,
    /// The resource's `metadata`, as given; empty for a bare spec.
    pub metadata: Map<String, Value>,
    /// The resource's `status`, as given; empty for a bare spec.
    pub status: Map<String, Value>,
}

/// One image with its place in the application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// The component's name; empty when the Snapshot has none.
    pub name: String,
    /// The image reference as written.
    pub container_image: String,
    /// `source`, as given; an empty object when absent.
    pub source: Value,
    /// All other fields, as given.
    pub fields: Map<String, Value>,
}

/// The name of a component that is not from a Snapshot, as `ec` has it.
pub const UNNAMED: &str = "Unnamed";

/// Why a text is not a Snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Neither JSON nor YAML.
    #[error("the Snapshot is neither JSON nor YAML: {0}")]
    Syntax(yaml::TextError),
    /// Not an object, or its `spec` is not one.
    #[error("the Snapshot is {found}, not an object with `components`")]
    NotAnObject {
        /// What it is instead.
        found: &'static str,
    },
    /// A known key in another spelling, or two specs.
    #[error("the Snapshot is ambiguous: {0}")]
    Ambiguous(String),
    /// No component at all: evaluating nothing is not a pass.
    #[error("the Snapshot has no components, so there is nothing to validate")]
    Empty,
    /// `components` has another shape.
    #[error("`components` of the Snapshot is {found}, not a list")]
    ComponentsNotAList {
        /// What it is instead.
        found: &'static str,
    },
    /// A field has another type than Konflux gives it.
    #[error("`{field}` of the Snapshot is {found}")]
    Field {
        /// Its name.
        field: &'static str,
        /// What it is instead.
        found: &'static str,
    },
    /// More than [`limits::COMPONENTS`].
    #[error("the Snapshot has {0} components, more than the {max} allowed", max = limits::COMPONENTS)]
    TooMany(usize),
    /// One component is wrong.
    #[error("component {number}{} of the Snapshot {why}", .name.as_ref().map(|name| format!(" (`{name}`)")).unwrap_or_default())]
    Component {
        /// Its place in the list, from 1.
        number: usize,
        /// Its name, if it has one.
        name: Option<String>,
        /// What is wrong, as the end of a sentence.
        why: String,
    },
}

impl Snapshot {
    /// Reads a Snapshot resource or its spec.
    pub fn parse(text: &str) -> Result<Self, SnapshotError> {
        let read = assay_gocompat::yaml_reader::unambiguous(text)
            .map_err(Into::into)
            .and_then(|()| yaml::parse_within(text, &Memory::of(limits::SNAPSHOT_MEMORY)));
        Self::of_document(read.map_err(SnapshotError::Syntax)?)
    }

    /// Reads a Snapshot resource or its spec from a document that was parsed already.
    ///
    /// # Errors
    /// What [`parse`](Self::parse) refuses, except for syntax.
    pub fn of_document(document: Value) -> Result<Self, SnapshotError> {
        RESOURCE.check(&document).map_err(SnapshotError::Ambiguous)?;
        let Value::Object(mut fields) = document else {
            return Err(match document {
                Value::Null => SnapshotError::Empty,
                other => SnapshotError::NotAnObject { found: kind(&other) },
            });
        };
        let is_resource = fields.contains_key("spec");
        let mut part = |field: &str| match fields.get_mut(field).filter(|_| is_resource) {
            Some(Value::Object(part)) => std::mem::take(part),
            _ => Map::new(),
        };
        let (metadata, status) = (part("metadata"), part("status"));
        // A resource: its components stand below `spec`.
        if let Some(spec) = fields.remove("spec") {
            if fields.contains_key("components") {
                return Err(SnapshotError::Ambiguous("it has both `components` and `spec`".to_owned()));
            }
            match spec {
                Value::Object(spec) => fields = spec,
                Value::Null => return Err(SnapshotError::Empty),
                other => return Err(SnapshotError::NotAnObject { found: kind(&other) }),
            }
        }
        let components = match fields.remove("components") {
            None | Some(Value::Null) => return Err(SnapshotError::Empty),
            Some(Value::Array(components)) if components.is_empty() => return Err(SnapshotError::Empty),
            Some(Value::Array(components)) => components,
            Some(other) => return Err(SnapshotError::ComponentsNotAList { found: kind(&other) }),
        };
        if components.len() > limits::COMPONENTS {
            return Err(SnapshotError::TooMany(components.len()));
        }
        let texts = TEXTS.iter().map(|field| (*field, fields.get(*field).filter(|value| !value.is_string())));
        let artifacts = fields.get("artifacts").filter(|value| !value.is_object());
        for (field, value) in texts.chain([("artifacts", artifacts)]) {
            if let Some(value) = value.filter(|value| !value.is_null()) {
                return Err(SnapshotError::Field { field, found: kind(value) });
            }
        }
        let read = |(at, value)| Component::read(at + 1, value);
        let components = components.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Self { fields, components, metadata, status })
    }

    /// This Snapshot and what another holds besides. Fields of the first win. An image without a name that is there
    /// already, under whatever name, is not evaluated twice; components with a name of their own are all kept.
    #[must_use]
    pub fn merged(mut self, other: Self) -> Self {
        for (name, value) in other.fields {
            self.fields.entry(name).or_insert(value);
        }
        for component in other.components {
            let known = self.components.iter().any(|known| known.container_image == component.container_image);
            if !(known && ["", UNNAMED].contains(&component.name.as_str())) {
                self.components.push(component);
            }
        }
        self
    }

    /// Only what `ec` knows of a Snapshot, in the shape it gives it: its type of a Snapshot is one of 2024.
    #[must_use]
    pub fn of_known_fields(mut self) -> Self {
        self.fields.retain(|name, value| TEXTS.contains(&name.as_str()) && !value.is_null());
        for component in &mut self.components {
            component.fields.clear();
            let mut source = Map::new();
            if let Some(Value::Object(git)) = component.source.get("git") {
                let mut known = Map::new();
                for field in GIT_FIELDS {
                    let value = git.get(field).and_then(Value::as_str).unwrap_or_default();
                    // The address alone is never left out.
                    if field == "url" || !value.is_empty() {
                        known.insert(field.to_owned(), Value::String(value.to_owned()));
                    }
                }
                source.insert("git".to_owned(), Value::Object(known));
            }
            component.source = Value::Object(source);
        }
        self
    }

    /// A Snapshot of a single image, as `--image` gives it.
    #[must_use]
    pub fn of_image(image: &str) -> Self {
        Self {
            fields: Map::new(),
            components: vec![Component::new(UNNAMED, image)],
            metadata: Map::new(),
            status: Map::new(),
        }
    }
}

impl Component {
    /// A component with nothing but a name and an image.
    #[must_use]
    pub fn new(name: &str, image: &str) -> Self {
        Self {
            name: name.to_owned(),
            container_image: image.to_owned(),
            source: Value::Object(Map::new()),
            fields: Map::new(),
        }
    }

    fn read(number: usize, value: Value) -> Result<Self, SnapshotError> {
        let error =
            |name: Option<&str>, why: String| SnapshotError::Component { number, name: name.map(str::to_owned), why };
        let Value::Object(mut fields) = value else {
            return Err(error(None, format!("is {}, not an object", kind(&value))));
        };
        let name = match fields.remove("name") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(name)) => name,
            Some(other) => return Err(error(None, format!("has {} as its name, not a string", kind(&other)))),
        };
        let container_image = match fields.remove("containerImage") {
            Some(Value::String(image)) if !image.is_empty() => image,
            None | Some(Value::Null | Value::String(_)) => {
                return Err(error(Some(&name), "has no `containerImage`".to_owned()));
            }
            Some(other) => {
                return Err(error(Some(&name), format!("has {} as its `containerImage`, not a string", kind(&other))));
            }
        };
        let source = match fields.remove("source") {
            None | Some(Value::Null) => Value::Object(Map::new()),
            Some(source) => {
                if let Some(why) = unsound(&source) {
                    return Err(error(Some(&name), why));
                }
                in_published_order(source)
            }
        };
        Ok(Self { name, container_image, source, fields })
    }

    /// The component as an object again, in the order `ec` writes it, unknown fields last.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("name".to_owned(), Value::String(self.name.clone()));
        object.insert("containerImage".to_owned(), Value::String(self.container_image.clone()));
        object.insert("source".to_owned(), self.source.clone());
        object.extend(self.fields.clone());
        Value::Object(object)
    }
}

/// The strings of a Snapshot before its components, in the order of Konflux's type.
pub(crate) const TEXTS: [&str; 3] = ["application", "displayName", "displayDescription"];

/// The keys of a Snapshot's spec, those of Konflux's type.
const SPEC_FIELDS: [(&str, Shape); 5] = [
    ("application", Shape::Any),
    ("displayName", Shape::Any),
    ("displayDescription", Shape::Any),
    ("components", Shape::List(&COMPONENT)),
    ("artifacts", Shape::Object(&[("unstableFields", Shape::Any)])),
];

/// The keys of a resource or a bare spec, which may both be given.
const RESOURCE: Shape = {
    let [application, name, description, components, artifacts] = SPEC_FIELDS;
    Shape::Object(&[
        ("apiVersion", Shape::Any),
        ("kind", Shape::Any),
        ("metadata", Shape::Any),
        ("spec", Shape::Object(&SPEC_FIELDS)),
        ("status", Shape::Any),
        application,
        name,
        description,
        components,
        artifacts,
    ])
};

const COMPONENT: Shape =
    Shape::Object(&[("name", Shape::Any), ("containerImage", Shape::Any), ("source", Shape::Object(&[("git", GIT)]))]);

const GIT: Shape = Shape::Object(&[
    ("url", Shape::Any),
    ("revision", Shape::Any),
    ("context", Shape::Any),
    ("devfileUrl", Shape::Any),
    ("dockerfileUrl", Shape::Any),
]);

/// What is wrong with a source, as the end of a sentence.
fn unsound(source: &Value) -> Option<String> {
    let Some(source) = source.as_object() else {
        return Some(format!("has {} as its `source`, not an object", kind(source)));
    };
    let git = match source.get("git") {
        None | Some(Value::Null) => return None,
        Some(Value::Object(git)) => git,
        Some(other) => return Some(format!("has {} as its `source.git`, not an object", kind(other))),
    };
    let wrong = |field: &&str| git.get(*field).filter(|value| !value.is_string() && !value.is_null());
    GIT_FIELDS.iter().find_map(|field| {
        wrong(field).map(|value| format!("has {} as its `source.git.{field}`, not a string", kind(value)))
    })
}

/// The order in which `ec` writes the fields of `source.git`, that of Konflux's `Snapshot` type.
const GIT_FIELDS: [&str; 5] = ["url", "revision", "context", "devfileUrl", "dockerfileUrl"];

/// The source with its known fields in their order; others follow in the order given.
fn in_published_order(mut source: Value) -> Value {
    if let Some(git) = source.get_mut("git").and_then(Value::as_object_mut) {
        let mut ordered = Map::new();
        for field in GIT_FIELDS {
            if let Some(value) = git.shift_remove(field) {
                ordered.insert(field.to_owned(), value);
            }
        }
        ordered.extend(std::mem::take(git));
        *git = ordered;
    }
    source
}

/// What a JSON value is, in words for messages.
pub(crate) const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_resource_and_its_spec_are_the_same_snapshot_and_unknown_fields_stay() {
        let spec = json!({
            "application": "shop",
            "componentGroup": "g",
            "components": [{"name": "cart", "containerImage": "r.example/cart:1", "version": "v1",
                "source": {"git": {"url": "https://g.example/cart", "revision": "abc"}}}],
        });
        let resource = json!({"apiVersion": "appstudio.redhat.com/v1alpha1", "kind": "Snapshot", "metadata": {"name": "s"}, "spec": spec});
        let a = Snapshot::parse(&spec.to_string()).unwrap();
        let of_resource = Snapshot::parse(&resource.to_string()).unwrap();
        assert_eq!(Value::Object(of_resource.metadata.clone()), json!({"name": "s"}));
        assert_eq!(a, Snapshot { metadata: Map::new(), ..of_resource });
        assert_eq!(a.fields, *json!({"application": "shop", "componentGroup": "g"}).as_object().unwrap());
        assert_eq!(a.components.first().unwrap().to_json().get("version"), Some(&json!("v1")));
        let yaml = "spec:\n  components:\n  - name: cart\n    containerImage: r.example/a\n";
        assert_eq!(Snapshot::parse(yaml).unwrap().components, [Component::new("cart", "r.example/a")]);
    }

    #[test]
    fn metadata_and_status_of_a_resource_are_kept() {
        let resource = json!({"metadata": {"name": "s", "labels": {"test.appstudio.openshift.io/type": "override"}},
            "spec": {"components": [{"containerImage": "r.example/a"}]}, "status": {"conditions": [{"type": "X"}]}});
        let snapshot = Snapshot::parse(&resource.to_string()).unwrap();
        assert_eq!(Value::Object(snapshot.metadata.clone()), resource["metadata"]);
        assert_eq!(Value::Object(snapshot.status.clone()), resource["status"]);
        // They are no part of what is evaluated.
        assert!(snapshot.fields.is_empty());
    }

    #[test]
    fn snapshots_are_merged_without_losing_a_component() {
        let first = json!({"application": "one", "components": [
            {"name": "a", "containerImage": "r.example/a"}, {"name": "b", "containerImage": "r.example/a"}]});
        let second = json!({"application": "two", "more": 1, "components": [
            {"name": "c", "containerImage": "r.example/a"}, {"containerImage": "r.example/a"},
            {"containerImage": "r.example/d"}]});
        let [first, second] = [first, second].map(|text| Snapshot::parse(&text.to_string()).unwrap());
        let merged = first.merged(second);
        let names: Vec<_> = merged.components.iter().map(|component| component.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c", ""]);
        assert_eq!(Value::Object(merged.fields), json!({"application": "one", "more": 1}));
    }

    #[test]
    fn a_source_has_the_order_of_the_published_type() {
        let source = json!({"other": 1, "git": {"new": 1, "revision": "r", "url": "u"}});
        let snapshot = json!({"components": [{"containerImage": "r.example/a", "source": source}]});
        let component = Snapshot::parse(&snapshot.to_string()).unwrap().components.remove(0);
        assert_eq!(component.source.to_string(), r#"{"other":1,"git":{"url":"u","revision":"r","new":1}}"#);
    }

    #[test]
    fn what_ec_does_not_know_of_a_snapshot_is_left_out() {
        let text = json!({"application": "shop", "more": 1, "displayName": null, "artifacts": {"unstableFields": {"a": 1}},
        "components": [
            {"containerImage": "r.example/a", "version": "1", "source": {"more": 1, "git": {"x": 1, "context": "", "revision": "r"}}},
            {"containerImage": "r.example/b", "source": {"git": null}},
        ]});
        let snapshot = Snapshot::parse(&text.to_string()).unwrap().of_known_fields();
        assert_eq!(Value::Object(snapshot.fields), json!({"application": "shop"}));
        let shown: Vec<_> = snapshot.components.iter().map(|component| component.to_json().to_string()).collect();
        let a = r#"{"name":"","containerImage":"r.example/a","source":{"git":{"url":"","revision":"r"}}}"#;
        assert_eq!(shown, [a, r#"{"name":"","containerImage":"r.example/b","source":{}}"#]);
    }

    #[test]
    fn what_is_not_a_snapshot_says_what_it_is() {
        for (text, says) in [
            ("", "no components"),
            ("{}", "no components"),
            ("components: []", "no components"),
            ("components: null", "no components"),
            ("spec:", "no components"),
            ("[]", "a list, not an object"),
            ("just text", "a string, not an object"),
            ("spec: 3", "a number, not an object"),
            ("components: {}", "an object, not a list"),
            ("components: [3]", "component 1 of the Snapshot is a number"),
            ("components: [{name: a}]", "component 1 (`a`) of the Snapshot has no `containerImage`"),
            ("components: [{name: a, containerImage: ''}]", "has no `containerImage`"),
            ("components: [{name: a, containerImage: 5}]", "has a number as its `containerImage`"),
            ("components: [{name: [a], containerImage: b}]", "has a list as its name"),
            ("components: [{name: 1, containerImage: b}]", "has a number as its name"),
            ("Components: [{name: a, containerImage: b}]", "`Components` is used instead of `components`"),
            ("{Spec: {components: [{containerImage: b}]}, components: [{containerImage: c}]}", "instead of `spec`"),
            (
                "{spec: {components: [{containerImage: b}]}, components: [{containerImage: c}]}",
                "both `components` and `spec`",
            ),
            ("spec: {COMPONENTS: []}", "instead of `components`"),
            ("components: [{containerimage: b, containerImage: c}]", "instead of `containerImage`"),
            ("components: [{containerImage: b, Name: c}]", "instead of `name`"),
            ("components: [{containerImage: b, source: {git: {url: a, Revi\u{17f}ion: b}}}]", "instead of `revision`"),
            ("components: [{containerImage: b, Source: {}}]", "instead of `source`"),
            ("{ARTIFACTS: {}, components: [{containerImage: b}]}", "instead of `artifacts`"),
            (r#"{"components": [{"containerImage": "b", "containerImage": "c"}]}"#, "`containerImage` is duplicated"),
            (r#"{"components": [{"containerImage": "b", "container\u0049mage": "c"}]}"#, "is duplicated"),
            ("{\"components\": [{\"containerImage\": \"b\"}]} more", "neither JSON nor YAML"),
            ("components: [{containerImage: b}]\n---\ncomponents: [{containerImage: c}]", "neither JSON nor YAML"),
            ("{artifacts: a, components: [{containerImage: b}]}", "`artifacts` of the Snapshot is a string"),
            ("{application: 1, components: [{containerImage: b}]}", "`application` of the Snapshot is a number"),
            ("components: [{containerImage: b, source: c}]", "has a string as its `source`"),
            ("components: [{containerImage: b, source: {git: c}}]", "has a string as its `source.git`"),
            ("components: [{containerImage: b, source: {git: {url: [c]}}}]", "has a list as its `source.git.url`"),
            ("{\"components\": [", "neither JSON nor YAML"),
        ] {
            let error = Snapshot::parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_snapshot_that_would_fill_the_memory_is_refused() {
        let component = r#"{"containerImage":"r.example/a"}"#;
        for fill in ["[1,1,1]", "[[],[]]", r#"[{"a":{}}]"#] {
            let many = vec![fill; 1_000_000].join(",");
            let text = format!(r#"{{"components":[{component}],"x":[{many}]}}"#);
            let error = Snapshot::parse(&text).unwrap_err().to_string();
            assert!(error.contains("bytes of memory"), "{error}");
        }
        let git = r#"{"git":{"url":"https://git.example/shop/cart","revision":"c0ffee","context":"./"}}"#;
        let component = format!(r#"{{"name":"cart","containerImage":"r.example/a","source":{git},"version":"1"}}"#);
        let many = vec![component; limits::COMPONENTS].join(",");
        assert!(Snapshot::parse(&format!(r#"{{"components":[{many}]}}"#)).is_ok());
    }

    #[test]
    fn a_snapshot_of_ten_thousand_and_one_components_is_refused() {
        let component = json!({"containerImage": "r.example/a"});
        let text = json!({ "components": vec![component; limits::COMPONENTS + 1] }).to_string();
        assert_eq!(Snapshot::parse(&text).unwrap_err(), SnapshotError::TooMany(limits::COMPONENTS + 1));
    }
}

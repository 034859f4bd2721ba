//! [`SnapshotView`]: the Snapshot under test as guests see it, made once for all calls.

use std::sync::Arc;

use assay_model::{image::PinnedImage, limits::SNAPSHOT_MEMORY, memory::Memory, snapshot::Snapshot, yaml};
use serde_json::Value;

use crate::limits;

/// A Snapshot as a plugin sees it.
#[derive(Clone, Debug)]
pub struct SnapshotInput<'a> {
    /// What it holds.
    pub snapshot: &'a Snapshot,
    /// Its original text; empty if there is none. A resource's metadata are read from it.
    pub text: Arc<str>,
}

/// What a Snapshot says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) name: String,
    pub(crate) owner: String,
    /// `component`, `group`, `override`, or empty.
    pub(crate) kind: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) annotations: Vec<(String, String)>,
}

/// Where Konflux's integration service writes the kind of a Snapshot.
const KIND: &str = "test.appstudio.openshift.io/type";

/// Where it writes the component that caused the Snapshot.
const CHANGED: &str = "appstudio.openshift.io/component";

/// Where it writes the components that caused the Snapshot of a group: a list of objects with `component`.
const CHANGED_GROUP: &str = "test.appstudio.openshift.io/group-test-info";

impl Head {
    /// The metadata of the resource, if the text is one.
    fn new(text: &str) -> Self {
        // The text was read as a Snapshot before; what cannot be read has no metadata.
        let document = yaml::parse_within(text, &Memory::of(SNAPSHOT_MEMORY)).unwrap_or_default();
        let metadata = document.get("metadata");
        let pairs = |name: &str| -> Vec<(String, String)> {
            let object = metadata.and_then(|metadata| metadata.get(name)).and_then(Value::as_object);
            let pair = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
            object.into_iter().flatten().filter_map(pair).collect()
        };
        let name = metadata.and_then(|metadata| metadata.get("name")).and_then(Value::as_str);
        let mut head = Self {
            name: name.unwrap_or_default().to_owned(),
            labels: pairs("labels"),
            annotations: pairs("annotations"),
            ..Self::default()
        };
        head.kind = head.label(KIND).unwrap_or_default().to_owned();
        head
    }

    fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether this component caused the Snapshot.
    fn is_changed(&self, component: &str) -> bool {
        let group = self.annotations.iter().find(|(key, _)| key == CHANGED_GROUP);
        let group: Option<Value> = group.and_then(|(_, text)| serde_json::from_str(text).ok());
        let listed = group.as_ref().and_then(Value::as_array);
        let is_listed = listed
            .is_some_and(|list| list.iter().any(|one| one.get("component").and_then(Value::as_str) == Some(component)));
        is_listed || (listed.is_none() && !component.is_empty() && self.label(CHANGED) == Some(component))
    }
}

/// One component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    /// By digest; empty for a tag, as that is resolved only when the component is evaluated.
    pub(crate) image: String,
    pub(crate) source: Option<Source>,
    /// Whether it caused the Snapshot.
    pub(crate) changed: bool,
}

/// Where a component was built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) url: String,
    pub(crate) revision: String,
    pub(crate) path: Option<String>,
    pub(crate) dockerfile: Option<String>,
}

/// The Snapshot's components and text.
#[derive(Debug)]
pub(crate) struct SnapshotView {
    head: Head,
    components: Vec<Component>,
    text: Arc<str>,
}

impl SnapshotView {
    pub(crate) fn new(SnapshotInput { snapshot, text }: SnapshotInput<'_>) -> Self {
        let mut head = Head::new(&text);
        head.owner = snapshot.fields.get("application").and_then(Value::as_str).unwrap_or_default().to_owned();
        let component = |component: &assay_model::snapshot::Component| Component {
            changed: head.is_changed(&component.name),
            ..Component::new(component)
        };
        let components = snapshot.components.iter().map(component).collect();
        Self { head, components, text }
    }

    /// What a plugin sees while it describes itself.
    pub(crate) fn empty() -> Self {
        Self { head: Head::default(), components: Vec::new(), text: Arc::from("") }
    }

    pub(crate) const fn head(&self) -> &Head {
        &self.head
    }

    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.components.len()).unwrap_or(u32::MAX)
    }

    /// Components from `offset` on, at most `limit` and at most [`limits::COMPONENTS_AT_ONCE`].
    pub(crate) fn components(&self, offset: u32, limit: u32) -> &[Component] {
        let [offset, limit] = [offset, limit].map(|number| usize::try_from(number).unwrap_or(usize::MAX));
        part(&self.components, offset, limit.min(limits::COMPONENTS_AT_ONCE))
    }

    /// The Snapshot as given, from the byte `offset` on, at most [`limits::READ_BYTES`].
    pub(crate) fn text(&self, offset: u64) -> &[u8] {
        part(self.text.as_bytes(), usize::try_from(offset).unwrap_or(usize::MAX), limits::READ_BYTES)
    }
}

/// A part of a list; shorter at its end, empty past it.
pub(crate) fn part<T>(list: &[T], offset: usize, length: usize) -> &[T] {
    let rest = list.get(offset..).unwrap_or_default();
    rest.get(..length).unwrap_or(rest)
}

impl Component {
    fn new(component: &assay_model::snapshot::Component) -> Self {
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let image = PinnedImage::parse(&component.container_image).map(|image| image.to_string());
        let source = component.source.get("git").map(|git| Source {
            url: text(git, "url").unwrap_or_default(),
            revision: text(git, "revision").unwrap_or_default(),
            path: text(git, "context"),
            dockerfile: text(git, "dockerfileUrl"),
        });
        Self {
            name: component.name.clone(),
            version: component.fields.get("version").and_then(Value::as_str).map(str::to_owned),
            image: image.unwrap_or_default(),
            source,
            changed: false,
        }
    }

    /// About as many bytes as it takes in a guest.
    pub(crate) fn size(&self) -> usize {
        let source = self.source.iter().flat_map(|source| {
            [Some(&source.url), Some(&source.revision), source.path.as_ref(), source.dockerfile.as_ref()]
        });
        let texts = [Some(&self.name), self.version.as_ref(), Some(&self.image)].into_iter().chain(source);
        64 + texts.flatten().map(String::len).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(text: &str) -> SnapshotView {
        SnapshotView::new(SnapshotInput { snapshot: &Snapshot::parse(text).unwrap(), text: Arc::from(text) })
    }

    #[test]
    fn a_resource_says_its_name_kind_and_what_changed() {
        let resource = |labels: &str, annotations: &str| {
            let metadata =
                format!(r#""metadata": {{"name": "s-1", "labels": {labels}, "annotations": {annotations}}}"#);
            let components =
                ["a", "b", "c"].map(|name| format!(r#"{{"name": "{name}", "containerImage": "r/{name}"}}"#));
            view(&format!(
                r#"{{{metadata}, "spec": {{"application": "shop", "components": [{}]}}}}"#,
                components.join(",")
            ))
        };
        let changed = |view: &SnapshotView| {
            let all = view.components(0, 9).iter().filter(|one| one.changed);
            all.map(|one| one.name.clone()).collect::<Vec<_>>()
        };
        let one = resource(
            r#"{"test.appstudio.openshift.io/type": "component", "appstudio.openshift.io/component": "b", "n": 1}"#,
            r#"{"x": "y"}"#,
        );
        let head = one.head();
        assert_eq!((head.name.as_str(), head.kind.as_str(), head.owner.as_str()), ("s-1", "component", "shop"));
        assert_eq!((head.labels.len(), head.annotations.len()), (2, 1));
        assert_eq!(changed(&one), ["b"]);
        let group = resource(
            r#"{"test.appstudio.openshift.io/type": "group", "appstudio.openshift.io/component": "b"}"#,
            r#"{"test.appstudio.openshift.io/group-test-info": "[{\"component\": \"a\"}, {\"component\": \"c\"}]"}"#,
        );
        assert_eq!((group.head().kind.as_str(), changed(&group)), ("group", vec!["a".to_owned(), "c".to_owned()]));
        let spec = view(r#"{"components": [{"name": "", "containerImage": "r/a"}]}"#);
        assert_eq!((spec.head(), changed(&spec)), (&Head::default(), Vec::new()));
    }

    #[test]
    fn components_come_in_parts_and_images_by_digest() {
        let digest = assay_model::digest::Digest::of(b"");
        let mut text = "application: shop\ncomponents:\n".to_owned();
        text += &format!(
            "- {{name: a, version: v1, containerImage: 'r.example/a:1@{digest}', source: {{git: {{url: u, revision: r, context: c}}}}}}\n"
        );
        for _ in 0..600 {
            text += "- {name: b, containerImage: 'r.example/b:1'}\n";
        }
        let view = view(&text);
        assert_eq!((view.head().owner.as_str(), view.count()), ("shop", 601));
        let source =
            Source { url: "u".to_owned(), revision: "r".to_owned(), path: Some("c".to_owned()), dockerfile: None };
        let a = Component {
            name: "a".to_owned(),
            version: Some("v1".to_owned()),
            image: format!("r.example/a@{digest}"),
            source: Some(source),
            changed: false,
        };
        assert_eq!(view.components(0, 1), [a]);
        assert_eq!(view.components(1, 1).first().unwrap().image, "");
        assert_eq!(view.components(0, u32::MAX).len(), 500);
        assert_eq!(view.components(500, u32::MAX).len(), 101);
        assert!(view.components(601, 1).is_empty() && view.components(u32::MAX, 1).is_empty());
        assert_eq!(view.text(0), text.as_bytes());
        assert_eq!(view.text(text.len() as u64 - 1), b"\n");
        assert!(view.text(u64::MAX).is_empty());
    }

    #[test]
    fn the_text_comes_in_parts_of_a_mebibyte() {
        let text = "x".repeat(limits::READ_BYTES + 1);
        let view = SnapshotView { text: Arc::from(text), ..SnapshotView::empty() };
        assert_eq!((view.text(0).len(), view.text(limits::READ_BYTES as u64).len()), (limits::READ_BYTES, 1));
    }
}

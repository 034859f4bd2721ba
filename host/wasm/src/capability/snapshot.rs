//! [`SnapshotView`]: the Snapshot under test as guests see it, made once for all calls.

use std::sync::Arc;

use assay_model::{image::PinnedImage, snapshot::Snapshot};
use serde_json::Value;

use crate::limits;

/// What a Snapshot says of itself.
pub(crate) struct Head {
    pub(crate) owner: String,
    pub(crate) components: u32,
}

/// One component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    /// By digest; empty for a tag, as that is resolved only when the component is evaluated.
    pub(crate) image: String,
    pub(crate) source: Option<Source>,
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
    owner: String,
    components: Vec<Component>,
    text: Arc<str>,
}

impl SnapshotView {
    pub(crate) fn new(snapshot: &Snapshot, text: Arc<str>) -> Self {
        let owner = snapshot.fields.get("application").and_then(Value::as_str).unwrap_or_default();
        Self { owner: owner.to_owned(), components: snapshot.components.iter().map(Component::new).collect(), text }
    }

    /// What a plugin sees while it describes itself.
    pub(crate) fn empty() -> Self {
        Self { owner: String::new(), components: Vec::new(), text: Arc::from("") }
    }

    pub(crate) fn head(&self) -> Head {
        let components = u32::try_from(self.components.len()).unwrap_or(u32::MAX);
        Head { owner: self.owner.clone(), components }
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
        let view = SnapshotView::new(&Snapshot::parse(&text).unwrap(), Arc::from(text.as_str()));
        assert_eq!((view.head().owner.as_str(), view.head().components), ("shop", 601));
        let source =
            Source { url: "u".to_owned(), revision: "r".to_owned(), path: Some("c".to_owned()), dockerfile: None };
        let a = Component {
            name: "a".to_owned(),
            version: Some("v1".to_owned()),
            image: format!("r.example/a@{digest}"),
            source: Some(source),
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

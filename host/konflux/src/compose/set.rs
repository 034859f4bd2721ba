//! [`Set`]: an image that is given, `COMPONENT[@VERSION]=IMAGE@DIGEST[,url=U,revision=R]`.

use assay_model::image::PinnedImage;
use serde_json::{Map, Value};

use crate::issue::short;

/// An image for a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// The component.
    pub component: String,
    /// Its version, if one is named.
    pub version: Option<String>,
    /// The image as it is written, which has a digest.
    pub image: String,
    /// What is known of its source: `url`, `revision`, `context`, `dockerfileUrl`.
    pub git: Map<String, Value>,
}

/// Why a text is not such an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not COMPONENT[@VERSION]=IMAGE@DIGEST[,url=URL,revision=COMMIT]: {why}")]
pub struct SetError {
    text: String,
    why: String,
}

impl Set {
    /// Reads an image that is given.
    ///
    /// # Errors
    /// It has another form, or the image has no digest.
    pub fn parse(text: &str) -> Result<Self, SetError> {
        let error = |why: &str| SetError { text: short(text), why: why.to_owned() };
        let (component, value) = text.split_once('=').ok_or_else(|| error("it has no `=`"))?;
        let (component, version) = match component.split_once('@') {
            Some((component, version)) if !version.is_empty() => (component, Some(version.to_owned())),
            Some(_) => return Err(error("the version is empty")),
            None => (component, None),
        };
        if component.is_empty() || component.chars().any(char::is_control) {
            return Err(error("the component has no name"));
        }
        let mut parts = value.split(',');
        let image = parts.next().unwrap_or_default();
        if let Err(why) = PinnedImage::parse(image) {
            return Err(error(&why.to_string()));
        }
        let mut git = Map::new();
        for part in parts {
            let (key, value) = part.split_once('=').ok_or_else(|| error("a field has no `=`"))?;
            let field = match key {
                "url" | "revision" | "context" => key,
                "dockerfile" => "dockerfileUrl",
                _ => return Err(error("the fields are url, revision, context and dockerfile")),
            };
            if value.is_empty() || value.chars().any(char::is_control) {
                return Err(error("a field has no value"));
            }
            if git.insert(field.to_owned(), Value::from(value)).is_some() {
                return Err(error("a field is given twice"));
            }
        }
        Ok(Self { component: component.to_owned(), version, image: image.to_owned(), git })
    }

    /// The component with its version.
    #[must_use]
    pub fn shown(&self) -> String {
        self.version.as_ref().map_or_else(|| self.component.clone(), |version| format!("{}@{version}", self.component))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_is_given_has_a_digest_and_may_have_a_source() {
        let digest = format!("sha256:{}", "1".repeat(64));
        // D1: a host with a port.
        let text = format!("cart@main=localhost:5000/shop/cart:1@{digest},url=https://g.example/r?a=b,revision=abc");
        let set = Set::parse(&text).unwrap();
        assert_eq!(
            (set.shown().as_str(), set.image.as_str()),
            ("cart@main", &*format!("localhost:5000/shop/cart:1@{digest}"))
        );
        assert_eq!(Value::Object(set.git), serde_json::json!({"url": "https://g.example/r?a=b", "revision": "abc"}));
        for (text, says) in [
            ("cart".to_owned(), "it has no `=`"),
            ("=x".to_owned(), "no name"),
            ("c@=x".to_owned(), "the version is empty"),
            ("c=r.example/a:1".to_owned(), "it has no digest"),
            ("c=r.example/a@sha256:1".to_owned(), "not a sha256 digest"),
            (format!("c=r.example/a@{digest},branch=x"), "the fields are"),
            (format!("c=r.example/a@{digest},url"), "a field has no `=`"),
            (format!("c=r.example/a@{digest},url=a,url=b"), "given twice"),
            (format!("c=r.example/a@{digest},url="), "no value"),
        ] {
            let error = Set::parse(&text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}

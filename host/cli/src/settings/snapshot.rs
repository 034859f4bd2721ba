//! The images to validate, from all flags that name some.

use assay_app::{ClusterAccess, policy_argument::read_file_or_text};
use assay_model::{image::ImageRef, limits, snapshot::Snapshot};
use camino::Utf8Path;

use super::non_empty;
use crate::{error::CliError, files::read_text, flags::image::InputFlags};

/// The Snapshot, and its text where there is just one; empty otherwise.
pub(super) fn load_snapshot(flags: &InputFlags, cluster: &ClusterAccess) -> Result<(Snapshot, String), CliError> {
    refuse_mistaken(flags)?;
    let mut texts = Vec::new();
    if let Some(argument) = non_empty(flags.images.as_deref()) {
        texts.push(read_file_or_text(argument, "--images", limits::SNAPSHOT_BYTES)?);
    }
    if let Some(file) = non_empty(flags.file_path.as_deref()) {
        let text = read_text(Utf8Path::new(file), "--file-path", limits::SNAPSHOT_BYTES)?;
        texts.push((text, format!("`{file}`")));
    }
    if let Some(text) = non_empty(flags.json_input.as_deref()) {
        texts.push((text.to_owned(), "the value of `--json-input`".to_owned()));
    }
    let in_cluster = non_empty(flags.snapshot.as_deref());
    if let Some(name) = in_cluster {
        texts.push((cluster.read_snapshot(name)?.to_string(), format!("the Snapshot `{name}` in the cluster")));
    }
    let mut all = Vec::new();
    for (text, origin) in &texts {
        all.push(Snapshot::parse(text).map_err(|error| {
            CliError::new(format!("{error} ({origin})"))
                .hint("a Snapshot is an object with `components`, each with a `name` and a `containerImage`")
        })?);
    }
    all.extend(non_empty(flags.image.as_deref()).map(Snapshot::of_image));
    let count = all.len();
    let Some(merged) = all.into_iter().reduce(Snapshot::merged) else {
        return Err(CliError::new("no image to validate").hint("pass `--images SNAPSHOT` or `--image IMAGE`"));
    };
    if merged.components.len() > limits::COMPONENTS {
        let count = merged.components.len();
        let most = limits::COMPONENTS;
        return Err(CliError::new(format!("{count} components exceed the limit of {most}"))
            .hint("validate them in several runs"));
    }
    let text = if count == 1 { texts.pop().map(|(text, _)| text).unwrap_or_default() } else { String::new() };
    Ok((merged, text))
}

/// Refuses an image where a Snapshot is expected, and the reverse: the two flags differ by one character.
fn refuse_mistaken(flags: &InputFlags) -> Result<(), CliError> {
    const DOCUMENTS: [&str; 3] = ["json", "yaml", "yml"];
    if let Some(argument) = non_empty(flags.images.as_deref()) {
        let is_image = argument.contains('/') && argument.contains([':', '@']) && argument.parse::<ImageRef>().is_ok();
        if is_image && !Utf8Path::new(argument).exists() {
            return Err(CliError::new(format!("`--images {argument}` is an image, not a Snapshot"))
                .hint(format!("pass `--image {argument}` to validate one image")));
        }
    }
    if let Some(argument) = non_empty(flags.image.as_deref()) {
        let path = Utf8Path::new(argument);
        let is_document = path.extension().is_some_and(|end| DOCUMENTS.contains(&end));
        if is_document && path.is_file() {
            return Err(CliError::new(format!("`--image {argument}` is a file, not an image"))
                .hint(format!("pass `--images {argument}` to validate the images of a Snapshot")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_no_snapshot_and_a_file_is_no_image() {
        let folder = tempfile::tempdir().unwrap();
        let file = Utf8Path::from_path(folder.path()).unwrap().join("snapshot.yaml");
        fs_err::write(&file, "").unwrap();
        let text = |images: &str, image: &str| {
            let flags = InputFlags {
                images: Some(images.to_owned()),
                image: Some(image.to_owned()),
                file_path: None,
                json_input: None,
                snapshot: None,
                evidence: None,
            };
            refuse_mistaken(&flags).map_err(|error| error.text())
        };
        let image = text("r.example/shop/cart:1.2", "").unwrap_err();
        assert!(image.contains("pass `--image r.example/shop/cart:1.2`"), "{image}");
        let document = text("", file.as_str()).unwrap_err();
        assert!(document.contains(&format!("pass `--images {file}`")), "{document}");
        for (images, image) in [
            ("", ""),
            ("snapshot.yaml", "r.example/cart"),
            ("-", "policy.json"),
            (file.as_str(), "cart.yaml"),
            ("components: [{containerImage: r.example/a}]", ""),
        ] {
            assert_eq!(text(images, image), Ok(()), "{images} {image}");
        }
    }
}

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
    let target = non_empty(flags.target.as_deref());
    let (file, image) = target.map_or((None, None), |target| {
        if target == "-" || Utf8Path::new(target).is_file() { (Some(target), None) } else { (None, Some(target)) }
    });
    if let Some((name, argument)) = one_of("--images", flags.images.as_deref(), file)? {
        texts.push(read_file_or_text(argument, name, limits::SNAPSHOT_BYTES)?);
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
    all.extend(one_of("--image", flags.image.as_deref(), image)?.map(|(_, image)| Snapshot::of_image(image)));
    let count = all.len();
    let Some(merged) = all.into_iter().reduce(Snapshot::merged) else {
        return Err(CliError::new("no image to validate").hint("pass an image, or a file with a Snapshot"));
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

/// The value of a flag or of the argument that stands for it, and what to call it.
fn one_of<'a>(
    flag: &'static str,
    value: Option<&'a str>,
    argument: Option<&'a str>,
) -> Result<Option<(&'static str, &'a str)>, CliError> {
    match (non_empty(value), argument) {
        (Some(_), Some(argument)) => Err(CliError::new(format!("`{argument}` and `{flag}` are both given"))
            .hint("pass one of them, or a Snapshot with all images")),
        (Some(value), None) => Ok(Some((flag, value))),
        (None, argument) => Ok(argument.map(|argument| ("the argument", argument))),
    }
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
    fn an_argument_is_a_snapshot_if_it_is_a_file_and_an_image_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let file = Utf8Path::from_path(folder.path()).unwrap().join("snapshot.yaml");
        fs_err::write(&file, "components: [{name: a, containerImage: r.example/a}]").unwrap();
        let load = |target: &str, images: Option<&str>, image: Option<&str>| {
            let flags = InputFlags {
                target: Some(target.to_owned()),
                images: images.map(str::to_owned),
                image: image.map(str::to_owned),
                file_path: None,
                json_input: None,
                snapshot: None,
                evidence: None,
            };
            let loaded = load_snapshot(&flags, &ClusterAccess::offline(assay_app::Mode::Native));
            loaded
                .map(|(found, _)| found.components.iter().map(|one| one.container_image.clone()).collect::<Vec<_>>())
                .map_err(|error| error.text())
        };
        assert_eq!(load(file.as_str(), None, None).unwrap(), ["r.example/a"]);
        assert_eq!(load("r.example/b:1", None, None).unwrap(), ["r.example/b:1"]);
        assert_eq!(load("r.example/b:1", Some(file.as_str()), None).unwrap().len(), 2);
        assert!(load("r.example/b:1", None, Some("r.example/c")).unwrap_err().contains("are both given"));
        assert!(load(file.as_str(), Some(file.as_str()), None).unwrap_err().contains("are both given"));
    }

    #[test]
    fn an_image_is_no_snapshot_and_a_file_is_no_image() {
        let folder = tempfile::tempdir().unwrap();
        let file = Utf8Path::from_path(folder.path()).unwrap().join("snapshot.yaml");
        fs_err::write(&file, "").unwrap();
        let text = |images: &str, image: &str| {
            let flags = InputFlags {
                target: None,
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

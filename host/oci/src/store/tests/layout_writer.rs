//! Layouts that are written from a registry and read back, and lists of tags.

use assay_model::error::ErrorCode;

use super::{
    super::LayoutWriter,
    push_image::{image, store},
    refused, repository,
};
use crate::{
    ContentStore, PushedImage,
    test_support::{Reply, TestRegistry, reference},
};

#[test]
fn a_saved_image_is_read_back_with_what_refers_to_it_and_the_same_image_is_the_same_file() {
    for has_referrers in [true, false] {
        let registry = TestRegistry::writable(has_referrers);
        let name = reference(&format!("{}/team/plugin:1.0.0", registry.registry()));
        let pushed = store().push_image(&name, &image("bytes")).unwrap();
        let note = PushedImage { artifact_type: Some("application/vnd.example.note".to_owned()), ..image("note") };
        let referrer = store().push_referrer(&pushed, &note).unwrap();
        let save = || {
            let (mut writer, from) = (LayoutWriter::new(Vec::new()), store());
            let manifest = from.manifest(&pushed).unwrap();
            writer.add(&from, &pushed, 100).unwrap();
            writer.add(&from, &pushed, 100).unwrap();
            writer.tag(name.repository(), "1.0.0", &manifest);
            writer.finish().unwrap()
        };
        let bytes = save();
        assert_eq!(bytes, save());
        let file = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(file.path(), bytes).unwrap();
        let saved = ContentStore::open_layout(file.path()).unwrap();
        assert_eq!(saved.resolve(&name).unwrap().image, pushed);
        assert_eq!(saved.tags(name.repository()).unwrap().first().map(String::as_str), Some("1.0.0"));
        let layer = saved.manifest(&pushed).unwrap().layers().first().unwrap().clone();
        let content = saved.blob_within(name.repository(), &layer.digest, Some(layer.size), 100).unwrap();
        assert_eq!(&*content, b"bytes");
        let listed = saved.referrers(&pushed).unwrap();
        assert_eq!(listed.iter().map(|one| &one.descriptor.digest).collect::<Vec<_>>(), [&referrer.digest]);
    }
}

#[test]
fn a_layer_above_its_limit_is_not_saved() {
    let registry = TestRegistry::writable(true);
    let name = reference(&format!("{}/team/plugin:1.0.0", registry.registry()));
    let pushed = store().push_image(&name, &image("bytes")).unwrap();
    let error = LayoutWriter::new(Vec::new()).add(&store(), &pushed, 4).unwrap_err();
    assert!(error.to_string().contains("announced as 5 bytes"), "{error}");
}

#[test]
fn tags_are_listed_over_pages_and_a_repository_that_is_not_there_has_none() {
    let registry = TestRegistry::start(|path, _| match path {
        "/v2/a/tags/list" => Reply::Whole(
            200,
            vec![("Link", "</v2/a/tags/list?last=1.0.0&n=1>; rel=\"next\"".to_owned())],
            br#"{"name":"a","tags":["1.0.0"]}"#.to_vec(),
        ),
        "/v2/a/tags/list?last=1.0.0&n=1" => Reply::Whole(200, Vec::new(), br#"{"tags":["1.1.0"]}"#.to_vec()),
        "/v2/null/tags/list" => Reply::Whole(200, Vec::new(), br#"{"tags":null}"#.to_vec()),
        "/v2/text/tags/list" => Reply::Whole(200, Vec::new(), b"<html>".to_vec()),
        "/v2/ring/tags/list" => Reply::Whole(
            200,
            vec![("Link", "</v2/ring/tags/list>; rel=\"next\"".to_owned())],
            br#"{"tags":["1"]}"#.to_vec(),
        ),
        "/v2/many/tags/list" => {
            let tags: Vec<_> = (0..20_001).map(|number| number.to_string()).collect();
            Reply::Whole(200, Vec::new(), serde_json::json!({"tags": tags}).to_string().into_bytes())
        }
        _ => Reply::Whole(404, Vec::new(), Vec::new()),
    });
    let tags = |name: &str| store().tags(&repository(&format!("{}/{name}", registry.registry())));
    assert_eq!(tags("a").unwrap(), ["1.0.0", "1.1.0"]);
    assert!(tags("null").unwrap().is_empty() && tags("absent").unwrap().is_empty());
    refused(tags("text"), ErrorCode::RegistryError, &["no list of the tags"]);
    refused(tags("ring"), ErrorCode::TooLarge, &["more tags"]);
    refused(tags("many"), ErrorCode::TooLarge, &["more tags"]);
}

//! The readers of what people and pipelines write: YAML and JSON, Snapshots, policies, references and places of sources. What
//! is read is written and read again as the same.

#![no_main]

use assay_model::{
    image::{ImageRef, PinnedImage},
    policy::PolicySpec,
    snapshot::Snapshot,
    yaml,
};
use assay_oci::SourceRef;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(document) = yaml::parse(text) {
        let written = document.to_string();
        assert_eq!(yaml::parse(&written).as_ref(), Ok(&document), "{written}");
    }
    let _first = yaml::parse_first(text);
    if let Ok(snapshot) = Snapshot::parse(text) {
        assert!(!snapshot.components.iter().any(|component| component.container_image.is_empty()));
    }
    let _policy = PolicySpec::parse(text);
    if let Ok(image) = text.parse::<ImageRef>() {
        assert_eq!(image.to_string().parse::<ImageRef>().ok(), Some(image));
    }
    if let Ok(image) = PinnedImage::parse(text) {
        assert_eq!(PinnedImage::parse(&image.to_string()).ok(), Some(image));
    }
    let _place = SourceRef::parse(text);
});

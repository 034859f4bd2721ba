//! The images to judge.

use assay_model::{limits, snapshot::Snapshot};

use super::file_or_text;
use crate::error::Unusable;

pub(super) fn snapshot(images: Option<&str>, image: Option<&str>) -> Result<(Snapshot, String), Unusable> {
    match (images.filter(|text| !text.is_empty()), image.filter(|text| !text.is_empty())) {
        (None, None) => Err(Unusable::new("no image to judge").hint("give `--images SNAPSHOT` or `--image IMAGE`")),
        (None, Some(image)) => Ok((Snapshot::of_image(image), String::new())),
        (Some(images), _) => {
            let (text, origin) = file_or_text(images, "--images", limits::SNAPSHOT_BYTES)?;
            let snapshot = Snapshot::parse(&text).map_err(|error| {
                Unusable::new(format!("{error} ({origin})"))
                    .hint("a Snapshot is an object with `components`, each with a `name` and a `containerImage`")
            })?;
            Ok((snapshot, text))
        }
    }
}

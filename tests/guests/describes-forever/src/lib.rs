//! A plugin that never ends describing itself: limits must hold while it is loaded, not only while it evaluates an image.

wit_bindgen::generate!({ path: "../../../wit/assay-plugin/0.1", world: "check" });

use assay::plugin::types::{Context, Error, Finding};
use exports::assay::plugin::{image_check, metadata};

struct DescribesForever;

export!(DescribesForever);

impl metadata::Guest for DescribesForever {
    fn describe() -> metadata::Manifest {
        loop {
            std::hint::black_box(());
        }
    }
}

impl image_check::Guest for DescribesForever {
    fn evaluate(_: Context, _: String) -> Result<Vec<Finding>, Error> {
        Ok(Vec::new())
    }
}

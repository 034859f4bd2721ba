//! A plugin that never ends describing itself: limits must hold while it is loaded, not only while it judges.

wit_bindgen::generate!({ path: "../../../wit/assay-plugin/0.1", world: "check" });

use assay::plugin::types::{Context, Fault, Finding};
use exports::assay::plugin::{about, judge};

struct DescribesForEver;

export!(DescribesForEver);

impl about::Guest for DescribesForEver {
    fn describe() -> about::Manifest {
        loop {
            std::hint::black_box(());
        }
    }
}

impl judge::Guest for DescribesForEver {
    fn judge(_: Context, _: String) -> Result<Vec<Finding>, Fault> {
        Ok(Vec::new())
    }
}

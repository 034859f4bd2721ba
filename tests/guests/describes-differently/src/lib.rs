//! A plugin that requests more at another time than when it was vetted.
#![expect(clippy::disallowed_methods, reason = "a guest that does what it should not is the point of it")]

use std::time::SystemTime;

wit_bindgen::generate!({ path: "../../../wit/assay-plugin/0.1", world: "check" });

use assay::plugin::types::{Context, Error, Finding, Severity};
use exports::assay::plugin::{image_check, metadata};

struct Different;

export!(Different);

impl metadata::Guest for Different {
    fn describe() -> metadata::Manifest {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs());
        metadata::Manifest {
            name: "different".to_owned(),
            version: "0.1.0".to_owned(),
            summary: format!("At {now}."),
            license: "Apache-2.0".to_owned(),
            source: String::new(),
            documentation: String::new(),
            params: r#"{"type": "object"}"#.to_owned(),
            permissions: Vec::new(),
            limits: Vec::new(),
            rules: vec![metadata::Rule {
                code: "different.said".to_owned(),
                title: "Title".to_owned(),
                severity: Severity::Low,
            }],
        }
    }
}

impl image_check::Guest for Different {
    fn evaluate(_: Context, _: String) -> Result<Vec<Finding>, Error> {
        Ok(Vec::new())
    }
}

//! {{name}}: an image must have an attestation of a certain type. Replace it with your own check.

mod assay;
mod assay_output;
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "{{world}}" });
}

use bindings::{
    assay::plugin::{
        evidence, logging,
        types::{Context, Error, Finding, Severity},
    },
    exports::assay::plugin::{
        image_check,
        metadata::{self, Manifest, Permission, Rule},
    },
};

const ATTESTED: &str = concat!(env!("CARGO_PKG_NAME"), ".attested");

const PARAMS: &str = r#"{
  "type": "object",
  "properties": { "type": { "type": "string", "default": "https://slsa.dev/provenance/v1" } },
  "additionalProperties": false
}"#;

struct Plugin;

bindings::export!(Plugin with_types_in bindings);

impl metadata::Guest for Plugin {
    fn describe() -> Manifest {
        Manifest {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Checks that an image has an attestation of a certain type.".to_owned(),
            license: env!("CARGO_PKG_LICENSE").to_owned(),
            source: String::new(),
            documentation: String::new(),
            params: PARAMS.to_owned(),
            permissions: vec![Permission {
                kind: "evidence".to_owned(),
                name: "attestations".to_owned(),
                options: Vec::new(),
                reason: "they are what is checked".to_owned(),
            }],
            limits: Vec::new(),
            rules: vec![Rule {
                code: ATTESTED.to_owned(),
                title: "Image must have the attestation".to_owned(),
                severity: Severity::High,
            }],
        }
    }
}

impl image_check::Guest for Plugin {
    fn evaluate(ctx: Context, image: String) -> Result<Vec<Finding>, Error> {
        let wanted = assay::text(&ctx, "type")?;
        let found = evidence::attestations(&image)
            .map_err(|error| Error::Internal(format!("the attestations of {image} cannot be read: {error:?}")))?;
        logging::log(logging::Level::Info, &format!("{image} has {} attestations", found.len()));
        if found.iter().any(|attestation| attestation.predicate_type == wanted) {
            return Ok(Vec::new());
        }
        let message = format!("{image} has no attestation of the type {wanted}");
        let solution = Some("Build the image with a pipeline that makes the attestation.".to_owned());
        Ok(vec![Finding { solution, ..assay::failure(ATTESTED, message, &image) }])
    }
}

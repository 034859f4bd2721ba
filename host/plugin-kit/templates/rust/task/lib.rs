//! {{name}}: every image of the Snapshot must come from an allowed registry. Replace it with your own task.

mod assay;
mod assay_output;
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "{{world}}" });
}

use bindings::{
    assay::plugin::{
        logging, snapshot,
        types::{Context, Error, Finding, Severity, Verdict},
    },
    exports::assay::plugin::{
        custom_task,
        metadata::{self, Manifest, Rule},
    },
};

const REGISTRY: &str = concat!(env!("CARGO_PKG_NAME"), ".registry");

const PARAMS: &str = r#"{
  "type": "object",
  "properties": {
    "registries": { "type": "array", "items": { "type": "string" }, "default": ["registry.example/"] }
  },
  "additionalProperties": false
}"#;

struct Plugin;

bindings::export!(Plugin with_types_in bindings);

impl metadata::Guest for Plugin {
    fn describe() -> Manifest {
        Manifest {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Checks that the images of a Snapshot come from allowed registries.".to_owned(),
            license: env!("CARGO_PKG_LICENSE").to_owned(),
            source: String::new(),
            documentation: String::new(),
            params: PARAMS.to_owned(),
            permissions: Vec::new(),
            limits: Vec::new(),
            rules: vec![Rule {
                code: REGISTRY.to_owned(),
                title: "Image must come from an allowed registry".to_owned(),
                severity: Severity::High,
            }],
        }
    }
}

/// All components of the Snapshot; one response of the host has at most 500.
fn components() -> Vec<snapshot::Component> {
    let mut all = Vec::new();
    loop {
        let part = snapshot::components(u32::try_from(all.len()).unwrap_or(u32::MAX), 500);
        if part.is_empty() {
            return all;
        }
        all.extend(part);
    }
}

impl custom_task::Guest for Plugin {
    fn run(ctx: Context) -> Result<Verdict, Error> {
        let allowed = assay::list(&ctx, "registries")?;
        let mut findings = Vec::new();
        let mut successes = 0;
        for component in components() {
            let (image, name) = (component.image, component.name);
            if allowed.iter().any(|prefix| image.starts_with(prefix.as_str())) {
                successes += 1;
            } else {
                let message = format!("{image} of the component {name} is not from an allowed registry");
                findings.push(Finding { terms: vec![name], ..assay::failure(REGISTRY, message, &image) });
            }
        }
        let all = successes as usize + findings.len();
        let note = format!("{successes} of {all} images are from allowed registries");
        logging::log(logging::Level::Info, &note);
        Ok(assay::verdict(successes, findings, note))
    }
}

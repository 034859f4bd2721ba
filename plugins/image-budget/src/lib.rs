//! Checks that an image has few and small layers.
//!
//! Sizes are those of the manifest: what a registry stores and a node downloads.

use assay_sdk::{Context, Error, Finding, FindingExt as _, Permission, Rule, Severity, evidence, failure, invalid};

const SIZE: &str = "image-budget.size";
const LAYERS: &str = "image-budget.layers";
const LAYER: &str = "image-budget.layer";

const MIB: u64 = 1 << 20;

assay_sdk::params! {
    /// The parameters.
    pub struct Params {
        /// The most MiB that all layers may have together, as they are downloaded.
        max_mib: u64 = 1024u64;
        /// The most layers.
        max_layers: u64 = 127u64;
        /// The most MiB that one layer may have; 0 is no limit.
        max_layer_mib: u64 = 0u64;
        /// Lowest layers that do not count, those of the base image.
        base_layers: u64 = 0u64;
    }
}

assay_sdk::check! {
    summary: "Checks that an image has few and small layers.",
    params: Params,
    rules: [
        Rule::new(SIZE, "Image must not be larger than its budget", Severity::Medium),
        Rule::new(LAYERS, "Image must not have more layers than its budget", Severity::Low),
        Rule::new(LAYER, "No layer may be larger than its budget", Severity::Medium),
    ],
    permissions: [Permission::evidence("the manifest of the image lists its layers")],
    evaluate: evaluate,
}

/// The findings for one image.
fn evaluate(ctx: &Context<Params>, image: &str) -> Result<Vec<Finding>, Error> {
    let Params { max_mib, max_layers, max_layer_mib, base_layers } = ctx.params;
    let base = usize::try_from(base_layers).map_err(|_| invalid("`base-layers` is too large"))?;
    let all = evidence::layers(image)?;
    if all.is_empty() {
        return Err(Error::Internal(format!("{image} has no layers, so it is no image of a container")));
    }
    if base > all.len() {
        return Err(invalid(format!("{image} has {} layers, fewer than the {base} of `base-layers`", all.len())));
    }
    let layers = &all[base..];
    let size = layers.iter().fold(0_u64, |sum, layer| sum.saturating_add(layer.size));
    assay_sdk::info(format!("{image} has {} MiB in {} layers", mib(size), layers.len()));
    let mut findings = Vec::new();
    if size > max_mib.saturating_mul(MIB) {
        let (number, layer) = largest(layers, base);
        let message = format!(
            "Image has {} MiB in its layers, more than the {max_mib} of its budget; the largest, number {number}, has {}",
            mib(size),
            mib(layer.size)
        );
        findings.push(
            failure(SIZE, message)
                .about(image)
                .severity(Severity::Medium)
                .solution("Copy only what runs into the last stage of the build, or raise `max-mib`."),
        );
    }
    if layers.len() as u64 > max_layers {
        let message = format!("Image has {} layers, more than the {max_layers} of its budget", layers.len());
        findings.push(
            failure(LAYERS, message)
                .about(image)
                .severity(Severity::Low)
                .solution("Join instructions of the Containerfile, or raise `max-layers`."),
        );
    }
    for (number, layer) in layers.iter().enumerate() {
        if max_layer_mib > 0 && layer.size > max_layer_mib.saturating_mul(MIB) {
            let message = format!(
                "Layer {} has {} MiB, more than the {max_layer_mib} of its budget",
                base + number + 1,
                mib(layer.size)
            );
            findings.push(
                failure(LAYER, message).about(image).term(layer.digest.clone()).severity(Severity::Medium).solution(
                    "Remove what was needed for the build in the same instruction, or raise `max-layer-mib`.",
                ),
            );
        }
    }
    Ok(findings)
}

/// The number of the largest layer, from 1, and the layer.
fn largest(layers: &[evidence::Layer], base: usize) -> (usize, &evidence::Layer) {
    let mut best = (base + 1, &layers[0]);
    for (at, layer) in layers.iter().enumerate() {
        if layer.size > best.1.size {
            best = (base + at + 1, layer);
        }
    }
    best
}

/// MiB with one digit.
fn mib(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) / MIB;
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use assay_sdk::mock::{Host, context};
    use serde_json::{Value, json};

    use super::*;

    const IMAGE: &str = "registry.example/a@sha256:0";

    fn lines(layers: &[u64], params: Value) -> Vec<String> {
        let host = layers.iter().fold(Host::new(), |host, size| host.layer(size * MIB));
        let findings = host.run(|| evaluate(&context(&params), IMAGE)).unwrap();
        findings.iter().map(|finding| format!("{}: {}", finding.code, finding.message)).collect()
    }

    #[test]
    fn each_budget_that_is_exceeded_is_one_finding() {
        assert_eq!(lines(&[10, 20], json!({})), [""; 0]);
        assert_eq!(lines(&[10, 20], json!({"max-mib": 30, "max-layers": 2, "max-layer-mib": 20})), [""; 0]);
        assert_eq!(
            lines(&[10, 20], json!({"max-mib": 29, "max-layers": 1, "max-layer-mib": 19})),
            [
                "image-budget.size: Image has 30.0 MiB in its layers, more than the 29 of its budget; the largest, number 2, \
                 has 20.0",
                "image-budget.layers: Image has 2 layers, more than the 1 of its budget",
                "image-budget.layer: Layer 2 has 20.0 MiB, more than the 19 of its budget",
            ]
        );
    }

    #[test]
    fn layers_of_the_base_image_do_not_count() {
        assert_eq!(lines(&[500, 1], json!({"max-mib": 1, "base-layers": 1})), [""; 0]);
        let result = Host::new().layer(1).run(|| evaluate(&context(&json!({"base-layers": 2})), IMAGE));
        assert!(matches!(result, Err(Error::Invalid(_))), "{result:?}");
    }

    #[test]
    fn an_image_without_layers_is_not_within_its_budget() {
        let result = Host::new().run(|| evaluate(&context(&json!({})), IMAGE));
        assert!(matches!(result, Err(Error::Internal(_))), "{result:?}");
    }
}

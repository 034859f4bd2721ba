//! Checks that the SBOM of an image is complete and lists no forbidden package.
//!
//! In reading order: `assay_sbom` (the packages of a CycloneDX or SPDX document), [`pattern`] (which packages are forbidden),
//! [`completeness`] (which fields packages lack), and here the check of an image.

pub mod completeness;
pub mod pattern;

use assay_sdk::{Context, Error, Finding, FindingExt as _, Permission, Rule, Severity, evidence, failure, invalid};

use assay_sbom::Package;

use crate::{completeness::Field, pattern::Pattern};

const SBOM: &str = "sbom-gate.sbom";
const INCOMPLETE: &str = "sbom-gate.incomplete";
const FORBIDDEN: &str = "sbom-gate.forbidden";

/// Findings about single packages; the rest is counted in one more.
const FINDINGS: usize = 200;

/// Packages that a finding about several names.
const NAMED: usize = 5;

assay_sdk::params! {
    /// The parameters.
    pub struct Params {
        /// Fields that packages must have: `name`, `version`, `purl`, `license`, `supplier`, `checksum`.
        require: Vec<String> = vec!["name".to_owned(), "version".to_owned(), "purl".to_owned()];
        /// How many percent of the packages must have each of these fields.
        complete_percent: f64 = 100.0;
        /// The fewest packages that an SBOM may list.
        min_packages: u64 = 1u64;
        /// Forbidden packages: package URLs such as `pkg:npm/event-stream`, with `*` for any characters and a version range such as `pkg:maven/*/log4j-core@<2.17.1`.
        forbidden: Vec<String> = vec![];
    }
}

assay_sdk::check! {
    summary: "Checks that the SBOM of an image is complete and lists no forbidden package.",
    params: Params,
    rules: [
        Rule::new(SBOM, "Image must have an SBOM that lists its packages", Severity::High),
        Rule::new(INCOMPLETE, "Packages of the SBOM must have the required fields", Severity::Medium),
        Rule::new(FORBIDDEN, "Image must have no forbidden package", Severity::Critical),
    ],
    permissions: [Permission::evidence("the SBOM is an attestation of the image")],
    evaluate: evaluate,
}

/// The findings for one image.
fn evaluate(ctx: &Context<Params>, image: &str) -> Result<Vec<Finding>, Error> {
    let fields =
        ctx.params.require.iter().map(|name| name.parse::<Field>().map_err(invalid)).collect::<Result<Vec<_>, _>>()?;
    let patterns = ctx
        .params
        .forbidden
        .iter()
        .map(|text| text.parse::<Pattern>().map_err(invalid))
        .collect::<Result<Vec<_>, _>>()?;
    if !(0.0..=100.0).contains(&ctx.params.complete_percent) {
        return Err(invalid(format!("`complete-percent` is {}, not from 0 to 100", ctx.params.complete_percent)));
    }
    let mut findings = Vec::new();
    let mut packages = Vec::new();
    let mut found = 0;
    for attestation in evidence::attestations(image)? {
        if !assay_sbom::is_sbom(&attestation.predicate_type) {
            continue;
        }
        found += 1;
        let listed = assay_sbom::packages(&evidence::statement(image, &attestation)?);
        // Files and the operating system are no packages.
        match listed.map(|listed| listed.into_iter().filter(|one| !one.is_part).collect::<Vec<_>>()) {
            Ok(listed) if (listed.len() as u64) < ctx.params.min_packages => {
                let (has, wants) = (listed.len(), ctx.params.min_packages);
                findings
                    .push(missing(image, &format!("The SBOM lists {has} packages, fewer than the {wants} required")));
            }
            Ok(listed) => packages.extend(listed),
            Err(why) => findings.push(missing(image, &format!("The SBOM cannot be read: {why}"))),
        }
    }
    if found == 0 {
        findings.push(missing(image, "The image has no verified SBOM attestation (CycloneDX or SPDX)"));
    }
    packages.sort();
    packages.dedup();
    assay_sdk::info(format!("{image} has {found} SBOMs with {} packages", packages.len()));
    findings.extend(completeness::check(&packages, &fields, ctx.params.complete_percent).into_iter().map(|gap| {
        failure(INCOMPLETE, gap.message)
            .about(image)
            .term(gap.field)
            .severity(Severity::Medium)
            .solution("Generate the SBOM with a tool that records the field, or lower `complete-percent`.")
    }));
    findings.extend(forbidden(image, &packages, &patterns));
    Ok(findings)
}

fn missing(image: &str, message: &str) -> Finding {
    failure(SBOM, message).about(image).solution("Attest an SBOM of the image that lists its packages.")
}

fn forbidden(image: &str, packages: &[Package], patterns: &[Pattern]) -> Vec<Finding> {
    let solution = "Remove the package, or update it to a version that is not forbidden.";
    let mut findings = Vec::new();
    let mut more = Vec::new();
    for package in packages {
        let Some(pattern) = patterns.iter().find(|pattern| pattern.matches(package)) else { continue };
        if findings.len() == FINDINGS {
            more.push(package.label());
            continue;
        }
        let message = format!("Package {} is forbidden by `{pattern}`", package.label());
        let finding = failure(FORBIDDEN, message).about(image).term(package.label());
        findings.push(finding.severity(Severity::Critical).solution(solution));
    }
    if !more.is_empty() {
        let named = more.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let message = format!("Another {} packages are forbidden, such as {named}", more.len());
        findings.push(failure(FORBIDDEN, message).about(image).severity(Severity::Critical).solution(solution));
    }
    findings
}

#[cfg(test)]
mod tests;

//! Implements the world `check`: describes the plugin, reads the evidence and returns the findings.

use crate::{
    bindings::{
        self,
        assay::plugin::{
            evidence,
            types::{Context, Error, Finding, Outcome, Severity, Value},
        },
        exports::assay::plugin::{
            image_check,
            metadata::{self, Manifest, Permission},
        },
    },
    exceptions::Exceptions,
    findings::{self, Rule},
    terms::Terms,
};

/// The most bytes that one `read` returns, as the contract says.
const PART: u32 = 1 << 20;

struct Licenses;

bindings::export!(Licenses with_types_in bindings);

impl metadata::Guest for Licenses {
    fn describe() -> Manifest {
        let rule = |rule: Rule| metadata::Rule {
            code: rule.code().to_owned(),
            title: rule.title().to_owned(),
            severity: severity(rule),
        };
        Manifest {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Checks the SPDX license expressions of the packages in the image's SBOM.".to_owned(),
            license: env!("CARGO_PKG_LICENSE").to_owned(),
            source: String::new(),
            documentation: String::new(),
            params: include_str!("params.json").to_owned(),
            permissions: vec![Permission {
                kind: "evidence".to_owned(),
                name: "attestations".to_owned(),
                options: Vec::new(),
                reason: "the SBOM is an attestation of the image".to_owned(),
            }],
            limits: Vec::new(),
            rules: Rule::ALL.map(rule).into(),
        }
    }
}

impl image_check::Guest for Licenses {
    fn evaluate(context: Context, image: String) -> Result<Vec<Finding>, Error> {
        let terms = Terms::new(list(&context, "allow")?, list(&context, "deny")?).map_err(Error::Invalid)?;
        let exceptions = Exceptions::new(list(&context, "exceptions")?).map_err(Error::Invalid)?;
        let mut sboms = Vec::new();
        for attestation in evidence::attestations(&image).map_err(|error| internal_error("the attestations", &error))? {
            if assay_sbom::is_sbom(&attestation.predicate_type) {
                let statement = read(&image, &attestation.statement, attestation.size)?;
                sboms.push(assay_sbom::packages(&statement));
            }
        }
        let finding = |found: findings::Finding| Finding {
            code: found.rule.code().to_owned(),
            outcome: match found.rule {
                Rule::Sbom | Rule::Denied => Outcome::Failure,
                Rule::Unknown => Outcome::Warning,
            },
            severity: severity(found.rule),
            message: found.message,
            subject: Some(image.clone()),
            terms: found.package.into_iter().collect(),
            solution: Some(found.rule.solution().to_owned()),
        };
        Ok(findings::evaluate_sboms(&terms, &exceptions, sboms).into_iter().map(finding).collect())
    }
}

const fn severity(rule: Rule) -> Severity {
    match rule {
        Rule::Sbom | Rule::Denied => Severity::High,
        Rule::Unknown => Severity::Low,
    }
}

/// A parameter that is a list of strings. The host has checked it against the schema and filled in its default.
fn list<'a>(context: &'a Context, name: &str) -> Result<&'a [String], Error> {
    match context.params.iter().find(|param| param.name == name).map(|param| &param.value) {
        Some(Value::Items(items)) => Ok(items),
        _ => Err(Error::Invalid(format!("the parameter `{name}` is not a list"))),
    }
}

/// A whole statement, read in parts.
fn read(image: &str, digest: &str, size: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    loop {
        let part =
            evidence::read(image, digest, bytes.len() as u64, PART).map_err(|error| internal_error(digest, &error))?;
        if part.is_empty() {
            return Ok(bytes);
        }
        bytes.extend(part);
    }
}

fn internal_error(what: &str, error: &evidence::Error) -> Error {
    Error::Internal(match error {
        evidence::Error::NotFound => format!("{what} cannot be read: not found"),
        evidence::Error::Denied(why) => format!("{what} cannot be read: {why}"),
        evidence::Error::TooLarge(size) => format!("{what} cannot be read: {size} bytes exceed the limit"),
        evidence::Error::Unavailable(why) => format!("{what} cannot be read: {why}"),
    })
}

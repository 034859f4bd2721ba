//! The plugin's side of the world `check`: describes it, reads the evidence, hands over the findings.

mod bindings {
    wit_bindgen::generate!({ path: "../../wit/assay-plugin/0.1", world: "check" });
}

use bindings::{
    assay::plugin::{
        evidence::{self, Error},
        types::{Context, Fault, Finding, Outcome, Severity, Value},
    },
    exports::assay::plugin::{
        about::{self, Manifest, Need},
        judge,
    },
};

use crate::{
    sbom,
    terms::Terms,
    verdict::{self, Rule},
};

/// The most that one `read` gives, as the contract says.
const PART: u32 = 1 << 20;

struct Licences;

bindings::export!(Licences with_types_in bindings);

impl about::Guest for Licences {
    fn describe() -> Manifest {
        let rule = |rule: Rule| about::Rule {
            code: rule.code().to_owned(),
            title: rule.title().to_owned(),
            severity: severity(rule),
        };
        Manifest {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Judges the SPDX licence expressions of the packages in the image's CycloneDX SBOM.".to_owned(),
            licence: env!("CARGO_PKG_LICENSE").to_owned(),
            source: String::new(),
            documentation: String::new(),
            params: include_str!("params.json").to_owned(),
            needs: vec![Need {
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

impl judge::Guest for Licences {
    fn judge(context: Context, image: String) -> Result<Vec<Finding>, Fault> {
        let terms = Terms::new(list(&context, "allow")?, list(&context, "deny")?).map_err(Fault::Invalid)?;
        let mut sboms = Vec::new();
        for attestation in evidence::attestations(&image).map_err(|error| fault("the attestations", &error))? {
            if sbom::is_sbom(&attestation.predicate_type) {
                let statement = read(&image, &attestation.statement, attestation.size)?;
                sboms.push(sbom::packages(&statement));
            }
        }
        let finding = |found: verdict::Finding| Finding {
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
        Ok(verdict::findings(&terms, sboms).into_iter().map(finding).collect())
    }
}

const fn severity(rule: Rule) -> Severity {
    match rule {
        Rule::Sbom | Rule::Denied => Severity::High,
        Rule::Unknown => Severity::Low,
    }
}

/// A parameter that is a list of texts. The host has checked it against the schema and filled in its default.
fn list<'a>(context: &'a Context, name: &str) -> Result<&'a [String], Fault> {
    match context.params.iter().find(|param| param.name == name).map(|param| &param.value) {
        Some(Value::Many(items)) => Ok(items),
        _ => Err(Fault::Invalid(format!("the parameter `{name}` is not a list"))),
    }
}

/// A whole statement, read in parts.
fn read(image: &str, digest: &str, size: u64) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    loop {
        let part = evidence::read(image, digest, bytes.len() as u64, PART).map_err(|error| fault(digest, &error))?;
        if part.is_empty() {
            return Ok(bytes);
        }
        bytes.extend(part);
    }
}

fn fault(what: &str, error: &Error) -> Fault {
    Fault::Internal(match error {
        Error::NotFound => format!("{what} cannot be read: not found"),
        Error::Denied(why) => format!("{what} cannot be read: {why}"),
        Error::TooLarge(size) => format!("{what} cannot be read: {size} bytes are too many"),
        Error::Unavailable(why) => format!("{what} cannot be read: {why}"),
    })
}

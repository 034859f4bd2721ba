//! [`packages`]: the packages of attested SBOMs in CycloneDX and SPDX 2, for rules that vet plugins.

use std::fmt::Display;

use assay_model::{
    error::{ErrorCode, EvaluationError},
    evidence::Attestation,
};
use serde_json::{Value, json};

/// What the predicate types of both formats begin with; a version may follow.
pub(crate) const CYCLONEDX: &str = "https://cyclonedx.org/bom";
pub(crate) const SPDX: &str = "https://spdx.dev/Document";
/// Packages that are listed.
const PACKAGES: usize = 50_000;

/// The predicate type of an SBOM, or none if the document is not one that is known.
pub(crate) fn predicate_type(document: &Value) -> Option<&'static str> {
    match (document["bomFormat"].as_str(), document["spdxVersion"].as_str()) {
        (Some("CycloneDX"), None) => Some(CYCLONEDX),
        (None, Some(version)) if version.starts_with("SPDX-2.") => Some(SPDX),
        _ => None,
    }
}

/// `{"packages": [{name, version, license, purl}]}` of every SBOM among the statements; null without one.
///
/// # Errors
/// An SBOM cannot be read, or lists more than the limit: rules must not take a part for the whole.
pub(crate) fn packages(statements: &[Attestation]) -> Result<Value, EvaluationError> {
    let is_sbom = |one: &&Attestation| [CYCLONEDX, SPDX].iter().any(|kind| one.predicate_type.starts_with(kind));
    let mut packages = Vec::new();
    let mut is_there = false;
    for statement in statements.iter().filter(is_sbom) {
        let unreadable = |why: &dyn Display| {
            let message = format!("the attested SBOM {} cannot be read: {why}", statement.digest);
            EvaluationError::new(ErrorCode::Malformed, message).hint("attest a CycloneDX or SPDX document")
        };
        let mut document: Value = serde_json::from_slice(&statement.statement).map_err(|error| unreadable(&error))?;
        let mut predicate = document.get_mut("predicate").map(Value::take).unwrap_or_default();
        // Some tools attest the document as a string.
        if let Some(text) = predicate.as_str() {
            predicate = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
        }
        if !predicate.is_object() {
            return Err(unreadable(&"it is not an object"));
        }
        is_there = true;
        let listed = predicate["components"].as_array().or_else(|| predicate["packages"].as_array());
        packages.extend(listed.into_iter().flatten().map(package));
        if packages.len() > PACKAGES {
            let message = format!("the attested SBOMs list more than the {PACKAGES} packages allowed");
            return Err(EvaluationError::new(ErrorCode::TooLarge, message).hint("attest one SBOM of the plugin"));
        }
    }
    Ok(if is_there { json!({"packages": packages}) } else { Value::Null })
}

fn package(item: &Value) -> Value {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if item.get("SPDXID").is_some() {
        let locator = item["externalRefs"].as_array().into_iter().flatten();
        let purl =
            locator.filter(|one| one["referenceType"] == "purl").map(|one| text(&one["referenceLocator"])).next();
        let mut license = [&item["licenseConcluded"], &item["licenseDeclared"]].into_iter().map(text);
        let license = license.find(|license| !["", "NOASSERTION"].contains(&license.as_str()));
        return json!({
            "name": text(&item["name"]),
            "version": text(&item["versionInfo"]),
            "license": license.unwrap_or_default(),
            "purl": purl.unwrap_or_default(),
        });
    }
    let licenses = item["licenses"].as_array().into_iter().flatten().map(|one| {
        let names = [&one["expression"], &one["license"]["id"], &one["license"]["name"]];
        names.into_iter().map(text).find(|name| !name.is_empty()).unwrap_or_default()
    });
    json!({
        "name": text(&item["name"]),
        "version": text(&item["version"]),
        "license": licenses.collect::<Vec<_>>().join(" AND "),
        "purl": text(&item["purl"]),
    })
}

#[cfg(test)]
mod tests {
    use assay_model::digest::Digest;

    use super::*;

    fn attested(kind: &str, predicate: &Value) -> Attestation {
        let text = json!({"predicateType": kind, "predicate": predicate}).to_string();
        Attestation {
            digest: Digest::of(text.as_bytes()),
            statement: text.into_bytes().into(),
            statement_type: String::new(),
            predicate_type: kind.to_owned(),
            build_type: None,
            signatures: vec![],
        }
    }

    #[test]
    fn packages_of_both_formats_are_listed_alike() {
        let cyclonedx = json!({"bomFormat": "CycloneDX", "components": [
            {"name": "a", "version": "1", "purl": "pkg:cargo/a@1", "licenses": [{"license": {"id": "MIT"}}, {"expression": "ISC"}]},
        ]});
        let spdx = json!({"spdxVersion": "SPDX-2.3", "packages": [
            {"SPDXID": "x", "name": "b", "versionInfo": "2", "licenseConcluded": "NOASSERTION", "licenseDeclared": "MIT",
             "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:cargo/b@2"}]},
        ]});
        assert_eq!((predicate_type(&cyclonedx), predicate_type(&spdx)), (Some(CYCLONEDX), Some(SPDX)));
        assert_eq!(predicate_type(&json!({})), None);
        let text = json!(spdx.to_string());
        let all =
            [attested(CYCLONEDX, &cyclonedx), attested("https://spdx.dev/Document/v2.3", &text), attested("x", &spdx)];
        assert_eq!(
            packages(&all).unwrap(),
            json!({"packages": [
                {"name": "a", "version": "1", "license": "MIT AND ISC", "purl": "pkg:cargo/a@1"},
                {"name": "b", "version": "2", "license": "MIT", "purl": "pkg:cargo/b@2"},
            ]})
        );
        assert_eq!(packages(&[]).unwrap(), Value::Null);
    }

    #[test]
    fn an_sbom_that_cannot_be_read_or_is_too_long_is_an_error_and_never_an_empty_one() {
        for predicate in [json!("no JSON"), json!("[]"), json!(null), json!(3)] {
            let error = packages(&[attested(CYCLONEDX, &predicate)]).unwrap_err();
            assert_eq!(error.code, ErrorCode::Malformed, "{predicate}");
        }
        let of = |count: usize| json!({"bomFormat": "CycloneDX", "components": vec![json!({}); count]});
        assert!(packages(&[attested(CYCLONEDX, &of(PACKAGES))]).is_ok());
        let all = [attested(CYCLONEDX, &of(PACKAGES)), attested(CYCLONEDX, &of(1))];
        assert_eq!(packages(&all).unwrap_err().code, ErrorCode::TooLarge);
    }
}

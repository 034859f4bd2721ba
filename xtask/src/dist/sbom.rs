//! [`text()`]: the SBOM of the program, CycloneDX 1.6 as JSON.

use assay_model::digest::Digest;
use serde_json::{Value, json};

use super::crates::{Crate, Crates};

/// The document. It has no time of its own: `changed_on` is that of the sources.
///
/// # Errors
/// None but that of writing JSON.
pub(super) fn text(crates: &Crates, changed_on: &str) -> anyhow::Result<String> {
    let program = crates.all.get(&crates.program);
    let libraries: Vec<_> =
        crates.all.iter().filter(|(id, _)| **id != crates.program).map(|(_, found)| found).collect();
    let components: Vec<_> = libraries.iter().map(|found| component(found, "library")).collect();
    let dependencies: Vec<_> = crates
        .all
        .values()
        .map(|found| {
            let needs: Vec<_> = found.needs.iter().filter_map(|id| crates.all.get(id)).map(purl).collect();
            json!({"ref": purl(found), "dependsOn": needs})
        })
        .collect();
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "",
        "version": 1,
        "metadata": {
            "timestamp": changed_on,
            "component": program.map(|program| component(program, "application")),
        },
        "components": components,
        "dependencies": dependencies,
    });
    document["serialNumber"] = Value::String(serial_number(&document.to_string()));
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// An UUID made of the content, so that equal documents have equal ones (RFC 9562, version 8).
fn serial_number(text: &str) -> String {
    let digest = Digest::of(text.as_bytes());
    let hex = digest.hex();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("urn:uuid:{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}

fn purl(found: &Crate) -> String {
    format!("pkg:cargo/{}@{}", found.name, found.version)
}

fn component(found: &Crate, kind: &str) -> Value {
    let mut component = json!({
        "type": kind,
        "bom-ref": purl(found),
        "name": found.name,
        "version": found.version,
        "description": found.description,
        "licenses": [{"expression": found.license}],
        "purl": purl(found),
    });
    if !found.checksum.is_empty() {
        component["hashes"] = json!([{"alg": "SHA-256", "content": found.checksum}]);
    }
    if found.repository.starts_with("https://") {
        component["externalReferences"] = json!([{"type": "vcs", "url": found.repository}]);
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::crates::tests::example;

    #[test]
    fn equal_crates_give_equal_documents_that_name_what_is_needed() {
        let text = text(&example(), "2026-01-01T00:00:00Z").unwrap();
        assert_eq!(text, super::text(&example(), "2026-01-01T00:00:00Z").unwrap());
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["metadata"]["component"]["purl"], "pkg:cargo/assay@1.0.0");
        assert_eq!(document["components"][0]["hashes"][0]["content"], "ab");
        let needs = &document["dependencies"][0];
        assert_eq!(*needs, json!({"ref": "pkg:cargo/assay@1.0.0", "dependsOn": ["pkg:cargo/one@1.0.0"]}));
        let serial = document["serialNumber"].as_str().unwrap();
        assert_eq!(serial.len(), "urn:uuid:01234567-0123-8123-8123-0123456789ab".len());
    }
}

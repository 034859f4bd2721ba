//! Evidence archives are OCI image layouts: `skopeo` and `oras` open them as they are. `.ci/install-oci-tools` installs both.

use std::process::Command;

use assay_model::digest::Digest;
use camino::Utf8Path;
use serde_json::Value;

use super::World;

/// What a program prints, byte for byte.
fn output(program: &str, arguments: &[&str]) -> Result<Vec<u8>, String> {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    if output.status.success() { Ok(output.stdout) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// The entries of the index: name and digest.
fn entries(archive: &Utf8Path) -> Vec<(String, Digest)> {
    let mut tar = tar::Archive::new(fs_err::File::open(archive).unwrap());
    let index = tar.entries().unwrap().map(Result::unwrap);
    let mut index = index.into_iter().find(|entry| entry.path().unwrap().ends_with("index.json")).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut index, &mut text).unwrap();
    let index: Value = serde_json::from_str(&text).unwrap();
    let entry = |entry: &Value| {
        let name = entry["annotations"]["org.opencontainers.image.ref.name"].as_str().unwrap();
        (name.to_owned(), entry["digest"].as_str().unwrap().parse().unwrap())
    };
    index["manifests"].as_array().unwrap().iter().map(entry).collect()
}

#[test]
#[ignore = "needs skopeo and oras"]
fn other_programs_open_an_archive_as_an_image_layout_and_read_the_same_bytes() {
    let world = World::of(3);
    let (archive, collected) = world.collect("evidence.tar", &[]);
    collected.expect(0, "");
    let entries = entries(&archive);
    // Images, signatures, attestations, the policy and the record.
    assert!(entries.len() > 6, "{entries:?}");
    for (name, digest) in &entries {
        let by_name = output("skopeo", &["inspect", "--raw", &format!("oci-archive:{archive}:{name}")]);
        let by_name = by_name.unwrap_or_else(|error| panic!("skopeo {name}: {error}"));
        assert_eq!(Digest::of(&by_name), *digest, "{name}");
        let by_digest = output("oras", &["manifest", "fetch", "--oci-layout", &format!("{archive}@{digest}")]);
        let by_digest = by_digest.unwrap_or_else(|error| panic!("oras {name}: {error}"));
        assert_eq!(by_digest, by_name, "{name}");
        let manifest: Value = serde_json::from_slice(&by_name).unwrap();
        let Some(config) = manifest["config"]["digest"].as_str() else { continue };
        if manifest["config"]["mediaType"] == "application/vnd.assay.evidence.v1+json" {
            let record = ["blob", "fetch", "--oci-layout", "--output", "-", &format!("{archive}@{config}")];
            let record = output("oras", &record).unwrap_or_else(|error| panic!("oras {name}: {error}"));
            assert_eq!(Digest::of(&record).to_string(), config);
            let record: Value = serde_json::from_slice(&record).unwrap();
            assert_eq!(record["schemaVersion"], 1);
        }
    }
    let (name, _) = entries.last().unwrap();
    assert_eq!(name, "evidence");
    // The record with all that stands for itself can be pushed elsewhere.
    let copy = world.fixture.path("copy");
    let from = format!("{archive}:evidence");
    let to = format!("{copy}:evidence");
    output("oras", &["copy", "--from-oci-layout", &from, "--to-oci-layout", &to]).unwrap();
    assert!(copy.join("index.json").exists());
    // One that is not one is not opened.
    let broken = world.fixture.file("broken.tar", "no archive");
    assert!(output("skopeo", &["inspect", "--raw", &format!("oci-archive:{broken}:evidence")]).is_err());
}

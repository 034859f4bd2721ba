//! [`run`]: what the built program takes to validate one image with a keyless signature and a keyless attestation in a registry.
//!
//! The signatures are those of the benches of `assay-evidence`: of a Sigstore instance of the tests, whose trust root is
//! beside them. The registry is a thread here, on the loopback interface, and keeps its connections open as others do.

use std::{
    collections::BTreeMap,
    io::{self, BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::Arc,
    thread,
};

use anyhow::{Context as _, ensure};
use assay_model::digest::Digest;
use camino::Utf8Path;
use serde_json::{Value, json};

use crate::{
    bench_rego::Cost,
    layout::{CONFIG, Descriptor, ENVELOPE, INDEX, Layout, MANIFEST, SIMPLE_SIGNING, evidence_tag},
};

/// Made by the test `what_the_benches_verify_counts` of `assay-evidence`.
const KEYLESS: &str = include_str!("../../host/evidence/benches/keyless.json");
/// Where the image is.
pub const REPOSITORY: &str = "app/good";
/// A rule that sees the signer, and never denies.
const POLICY: &str = r#"package main

import rego.v1

# METADATA
# title: Signed
# custom:
#   short_name: signed
deny contains result if {
	not input.attestations
	result := {"code": "main.signed", "msg": "No attestation counts"}
}
"#;

/// Runs the program `runs` times and gives the run with the median of the wall times.
///
/// # Errors
/// The image does not pass, or a file cannot be written.
pub fn run(program: &Utf8Path, folder: &Utf8Path, runs: usize) -> anyhow::Result<Cost> {
    let fixture = fixture()?;
    let registry = serve(&signed(&fixture)?)?;
    let image = format!("{registry}/{REPOSITORY}@{}", text(&fixture, "image")?);
    fs_err::create_dir_all(folder.join("policy"))?;
    let write = |name: &str, content: &str| {
        let path = folder.join(name);
        fs_err::write(&path, content).map(|()| path)
    };
    write("policy/main.rego", POLICY)?;
    let root = write("trusted_root.json", &fixture.get("root").context("there is no trust root")?.to_string())?;
    let snapshot = json!({"components": [{"name": "good", "containerImage": image}]}).to_string();
    let policy = json!({"sources": [{"policy": [folder.join("policy")]}]}).to_string();
    let arguments = ["validate", "image", "--images", &snapshot, "--policy", &policy, "--output", "json"];
    let signer = [
        ["--trusted-root", root.as_str()],
        ["--certificate-identity", text(&fixture, "subject")?],
        ["--certificate-oidc-issuer", text(&fixture, "issuer")?],
    ];
    let mut costs = Vec::new();
    for _ in 0..runs.max(1) {
        // In a process that has no other child, as only the largest memory of all is known.
        let output = Command::new(std::env::current_exe()?)
            .args(["cost", "--", program.as_str()])
            .args(arguments)
            .args(signer.as_flattened())
            .stderr(Stdio::inherit())
            .output()?;
        ensure!(output.status.success(), "`{program}` cannot be run");
        let cost: Cost = serde_json::from_slice(&output.stdout)?;
        let report: Value = serde_json::from_str(&cost.output).unwrap_or_default();
        ensure!(report.get("success") == Some(&json!(true)), "the image did not pass: {}", cost.output);
        costs.push(cost);
    }
    costs.sort_by(|one, other| one.wall.total_cmp(&other.wall));
    let middle = costs.len() / 2;
    Ok(costs.swap_remove(middle))
}

fn text<'a>(fixture: &'a Value, field: &str) -> anyhow::Result<&'a str> {
    fixture.get(field).and_then(Value::as_str).with_context(|| format!("the fixture has no `{field}`"))
}

/// The trust root (`root`), the signer (`subject`, `issuer`), the digest of the image (`image`), and what is signed: under
/// cosign's tags (`signature`, `attestation`) and in Sigstore bundles (`bundles`).
///
/// # Errors
/// The file is not JSON.
pub fn fixture() -> anyhow::Result<Value> {
    serde_json::from_str(KEYLESS).context("the fixture is not JSON")
}

/// The image of the fixture with its signature and attestation under cosign's tags.
///
/// # Errors
/// The fixture lacks a part, or is about another image.
pub fn signed(fixture: &Value) -> anyhow::Result<Layout> {
    let mut layout = Layout::new();
    let config = json!({"architecture": "amd64", "config": {"Labels": {"name": format!("{REPOSITORY}:v1")}}});
    let config = layout.describe(CONFIG, config.to_string());
    let layer = layout.describe("application/vnd.oci.image.layer.v1.tar+gzip", "layer");
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer], "annotations": {},
    });
    let image = layout.manifest(REPOSITORY, Some("v1"), MANIFEST, manifest.to_string());
    ensure!(image.to_string() == text(fixture, "image")?, "the fixture is about another image than {image}");
    for (kind, of, media_type) in [("sig", "signature", SIMPLE_SIGNING), ("att", "attestation", ENVELOPE)] {
        let of = fixture.get(of).with_context(|| format!("the fixture has no {of}"))?;
        let mut layer = layout.describe(media_type, text(of, "layer")?);
        layer.annotations = serde_json::from_value(of.get("annotations").cloned().unwrap_or_default())?;
        layout.attach(REPOSITORY, &evidence_tag(&image, kind), &[layer]);
    }
    Ok(layout)
}

/// What a registry has, by path: media type and content.
type Content = BTreeMap<String, (String, Vec<u8>)>;

/// Serves a layout until the process ends. Gives the address.
fn serve(layout: &Layout) -> anyhow::Result<String> {
    let mut content = Content::new();
    for (name, Descriptor { media_type, digest, .. }) in layout.names() {
        let (repository, reference) =
            name.split_once('@').or_else(|| name.split_once(':')).context("a name has no digest and no tag")?;
        let bytes = layout.get(digest).context("a manifest is missing")?.to_vec();
        content.insert(format!("/v2/{repository}/manifests/{reference}"), (media_type.clone(), bytes));
    }
    for (digest, bytes) in layout.blobs() {
        let path = format!("/v2/{REPOSITORY}/blobs/{digest}");
        content.insert(path, ("application/octet-stream".to_owned(), bytes.to_vec()));
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let content = Arc::new(content);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let content = Arc::clone(&content);
            // The program may end in the middle of a response.
            thread::spawn(move || respond(stream, &content).ok());
        }
    });
    Ok(address)
}

/// Responds to the requests of one connection.
fn respond(mut stream: TcpStream, content: &Content) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while let Some(request) = lines.next() {
        let request = request?;
        while lines.next().transpose()?.is_some_and(|header| !header.is_empty()) {}
        let mut words = request.split([' ', '?']);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let no_referrers = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).to_string().into_bytes();
        let (status, media_type, body) = match content.get(path) {
            Some((media_type, bytes)) => (200, media_type.as_str(), bytes),
            None if path.contains("/referrers/") => (200, INDEX, &no_referrers),
            None => (404, "application/json", &Vec::new()),
        };
        let digest = Digest::of(body);
        let mut response = format!(
            "HTTP/1.1 {status} Status\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nDocker-Content-Digest: \
             {digest}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        if method != "HEAD" {
            response.extend(body);
        }
        stream.write_all(&response)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_registry_serves_what_is_signed_on_one_connection() {
        let fixture = fixture().unwrap();
        let registry = serve(&signed(&fixture).unwrap()).unwrap();
        let image = fixture["image"].as_str().unwrap();
        let tag = image.replace(':', "-");
        let mut stream = TcpStream::connect(&registry).unwrap();
        let paths = [
            (format!("manifests/{image}"), "200"),
            (format!("manifests/{tag}.sig"), "200"),
            (format!("blobs/{}", Digest::of(b"layer")), "200"),
            (format!("referrers/{image}?artifactType=x"), "200"),
            (format!("manifests/{tag}.none"), "404"),
        ];
        for (path, _) in &paths {
            stream.write_all(format!("GET /v2/app/good/{path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
        }
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut responses = String::new();
        stream.read_to_string(&mut responses).unwrap();
        let found: Vec<&str> = responses.split("HTTP/1.1 ").skip(1).filter_map(|response| response.get(..3)).collect();
        assert_eq!(found, paths.map(|(_, status)| status));
    }
}

//! Fetches an artifact of an OCI registry, checks it and keeps its files with the run: results of tests, reports, attachments.
//!
//! Every byte is checked against the digest that names it. The host reads test results.

use assay_sdk::{
    Context, Error, Finding, FindingExt as _, Outcome, Permission, Rule, Severity, Verdict, VerdictExt as _, artifacts,
    failure, http, invalid, verdict,
};
use serde::Deserialize;

const MISSING: &str = "oci-artifact.missing";
const DIGEST: &str = "oci-artifact.digest";
const TYPE: &str = "oci-artifact.type";
const TESTS: &str = "oci-artifact.tests";

const MANIFEST: &str = "manifest.json";
const MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

/// The name of a layer's file (image-spec, `annotations.md`).
const TITLE: &str = "org.opencontainers.image.title";

/// The most layers of an artifact.
const LAYERS: usize = 100;

assay_sdk::params! {
    /// The parameters.
    pub struct Params {
        /// The registry: `registry.example`, or `http://localhost:5000` for one without TLS.
        registry: String;
        /// The repository.
        repository: String;
        /// The tag or digest.
        reference: String;
        /// The type that the artifact must have; empty is any.
        artifact_type: String = "";
        /// How the files are read for test results: `none`, `junit`, `sarif` or `tap`.
        ingest: String = "none", in ["none", "junit", "sarif", "tap"];
        /// Whether requests carry the secret `registry`.
        secret: bool = false;
    }
}

assay_sdk::task! {
    summary: "Fetches an artifact of an OCI registry, checks it and keeps its files.",
    params: Params,
    rules: [
        Rule::new(MISSING, "Artifact must be in the registry", Severity::High),
        Rule::new(DIGEST, "Content must have the digest that names it", Severity::Critical),
        Rule::new(TYPE, "Artifact must have the expected type", Severity::High),
        Rule::new(TESTS, "Test results in the artifact must have no failures", Severity::High),
    ],
    permissions: [
        Permission::http("{registry}", "GET", "the artifact is there"),
        Permission::secret("registry", "{registry}", "the repository may not be public"),
    ],
    run: run,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    artifact_type: Option<String>,
    config: Descriptor,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    #[serde(default)]
    annotations: std::collections::BTreeMap<String, String>,
}

/// What is done for one artifact.
struct Fetch<'a> {
    params: &'a Params,
    findings: Vec<Finding>,
    subject: String,
}

fn run(ctx: &Context<Params>) -> Result<Verdict, Error> {
    let params = &ctx.params;
    for (name, value) in [("repository", &params.repository), ("reference", &params.reference)] {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte);
        if value.is_empty() || !value.bytes().all(is_part) || value.contains("..") {
            return Err(invalid(format!("`{name}` is `{value}`, which is none")));
        }
    }
    let separator = if params.reference.starts_with("sha256:") { '@' } else { ':' };
    let host = params.registry.trim_start_matches("https://").trim_start_matches("http://");
    let subject = format!("{host}/{}{separator}{}", params.repository, params.reference);
    Fetch { params, findings: Vec::new(), subject }.finish()
}

impl Fetch<'_> {
    fn finish(mut self) -> Result<Verdict, Error> {
        let Some(manifest) = self.manifest()? else {
            return Ok(verdict(0, self.findings).note(format!("{} is not there", self.subject)));
        };
        let found = manifest.artifact_type.as_deref().unwrap_or(&manifest.config.media_type);
        if !self.params.artifact_type.is_empty() && found != self.params.artifact_type {
            let message = format!("{} has the type {found}, not {}", self.subject, self.params.artifact_type);
            self.findings.push(failure(TYPE, message).about(&self.subject));
        }
        if manifest.layers.len() > LAYERS {
            return Err(invalid(format!("{} has {} layers, more than {LAYERS}", self.subject, manifest.layers.len())));
        }
        let mut files = 0;
        for layer in &manifest.layers {
            files += u32::from(self.layer(layer)?);
        }
        let note = format!("{} has {} files", self.subject, manifest.layers.len());
        // With failures among its test cases the host takes no success.
        let ended = verdict(files, self.findings);
        Ok(ended.note(note).result("ARTIFACT", self.subject.clone()))
    }

    fn get(&self, path: &str) -> http::Call {
        let base = if self.params.registry.contains("://") { "" } else { "https://" };
        let call = http::get(format!("{base}{}/v2/{}/{path}", self.params.registry, self.params.repository));
        if self.params.secret { call.secret("registry") } else { call }
    }

    /// The manifest; none if it is not there or is another one than named.
    fn manifest(&mut self) -> Result<Option<Manifest>, Error> {
        let call = self.get(&format!("manifests/{}", self.params.reference)).header("accept", MEDIA_TYPE);
        match call.download(MANIFEST, MEDIA_TYPE) {
            Ok(_) => {}
            Err(Error::Lost(_)) => {
                let message = format!("{} is not in the registry", self.subject);
                self.findings.push(failure(MISSING, message).about(&self.subject));
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        if self.params.reference.starts_with("sha256:") && !self.is_content(MANIFEST, &self.params.reference.clone())? {
            return Ok(None);
        }
        let manifest = serde_json::from_slice(&artifacts::read(MANIFEST)?);
        manifest.map(Some).map_err(|error| invalid(format!("{} is no artifact: {error}", self.subject)))
    }

    /// Whether a file has the digest that names it.
    fn is_content(&mut self, file: &str, digest: &str) -> Result<bool, Error> {
        let found = artifacts::digest(file)?;
        if found == digest {
            return Ok(true);
        }
        let message = format!("{file} of {} has the digest {found}, not {digest}", self.subject);
        self.findings.push(failure(DIGEST, message).about(&self.subject).severity(Severity::Critical));
        Ok(false)
    }

    /// Keeps the file of a layer, and gives whether it is as it should be.
    fn layer(&mut self, layer: &Descriptor) -> Result<bool, Error> {
        let name = name_of(layer);
        self.get(&format!("blobs/{}", layer.digest)).download(&name, &layer.media_type)?;
        if !self.is_content(&name, &layer.digest)? {
            return Ok(false);
        }
        if self.params.ingest == "none" {
            return Ok(true);
        }
        let counts = artifacts::ingest(&name, &self.params.ingest)?;
        assay_sdk::info(format!("{name}: {} passed, {} failed", counts.successes, counts.failures));
        if counts.failures > 0 {
            let message = format!("{name} has {} failures among its test cases", counts.failures);
            self.findings.push(failure(TESTS, message).about(&self.subject).term(name));
            return Ok(false);
        }
        if counts.successes == 0 {
            let finding =
                failure(TESTS, format!("{name} has no test case that passed")).about(&self.subject).term(name);
            self.findings.push(Finding { outcome: Outcome::Warning, ..finding });
        }
        Ok(true)
    }
}

/// The name of a layer's file: its title in the characters that names have, else its digest.
fn name_of(layer: &Descriptor) -> String {
    let title = layer.annotations.get(TITLE).map(|title| title.to_ascii_lowercase()).unwrap_or_default();
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-/".contains(&byte);
    let is_name = (1..=200).contains(&title.len())
        && title.bytes().all(is_part)
        && title.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
        && title != MANIFEST;
    if is_name { title } else { layer.digest.replace(':', "-") }
}

#[cfg(test)]
mod tests {
    use assay_sdk::mock::{Host, context};
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_files_stay_below_the_folder_of_the_run() {
        for (title, name) in [
            ("Results/junit.xml", "results/junit.xml"),
            ("../etc/passwd", "sha256-0"),
            ("/etc/passwd", "sha256-0"),
            ("manifest.json", "sha256-0"),
            ("a b", "sha256-0"),
        ] {
            let annotations = [(TITLE.to_owned(), title.to_owned())].into();
            let layer = Descriptor { media_type: String::new(), digest: "sha256:0".to_owned(), annotations };
            assert_eq!(name_of(&layer), name);
        }
    }

    #[test]
    fn an_artifact_that_is_not_there_is_a_failure_and_a_registry_that_does_not_answer_is_tried_again() {
        let params = json!({"registry": "r.example", "repository": "a/b", "reference": "v1"});
        let url = "https://r.example/v2/a/b/manifests/v1";
        let missing = Host::new().response("GET", url, 404, "").run(|| run(&context(&params))).unwrap();
        assert_eq!((missing.outcome, missing.findings[0].code.as_str()), (Outcome::Failure, MISSING));
        let error = Host::new().response("GET", url, 503, "").run(|| run(&context(&params))).unwrap_err();
        assert!(matches!(error, Error::Transient(_)), "{error:?}");
        let odd = json!({"registry": "r.example", "repository": "../x", "reference": "v1"});
        assert!(matches!(Host::new().run(|| run(&context(&odd))), Err(Error::Invalid(_))));
    }
}

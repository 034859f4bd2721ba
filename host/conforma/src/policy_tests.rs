//! Policies that call the functions, with a host of one image.

use std::{collections::BTreeMap, sync::Arc};

use assay_model::{
    error::{ErrorCode, EvaluationError},
    evidence::Signature,
    rule::{RuleKind, RuleResult},
};
use assay_rego::{CompileError, EvalError, Sources};

use super::*;

fn compiled(text: &str) -> Result<Policy, CompileError> {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("1.rego"), text).unwrap();
    let mut sources = Sources::new();
    sources.add_policy(folder.path()).unwrap();
    Policy::compile(sources)
}

fn policy(text: &str) -> Policy {
    compiled(text).unwrap()
}

fn evaluate_with(policy: &Policy, input: &str, host: Arc<dyn Host>) -> Result<Vec<String>, EvalError> {
    let packages = ["p".to_owned()].into();
    let host = Arc::new(Functions::new(host));
    let results = policy.evaluate(&EvalRequest { host, ..EvalRequest::new(&packages, input) })?;
    let shown = |result: RuleResult| {
        let kind = if result.kind == RuleKind::Deny { "deny" } else { "warn" };
        format!("{kind} {} {}", result.package, result.message)
    };
    Ok(results.into_iter().map(shown).collect())
}

/// Knows one blob and one manifest, counts its calls, and cannot reach `r.example/down`.
#[derive(Default)]
struct OneImage {
    requested: std::sync::atomic::AtomicU32,
}

impl OneImage {
    fn find<T>(&self, reference: &str, found: T) -> Result<T, HostError> {
        self.requested.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        match reference {
            "r.example/a@sha256:1" => Ok(found),
            "r.example/down" => Err(HostError::Evaluation(
                EvaluationError::new(ErrorCode::RegistryUnreachable, "`r.example` cannot be reached")
                    .hint("look at the network"),
            )),
            _ => Err(HostError::Undefined("nothing there".to_owned())),
        }
    }
}

impl Host for OneImage {
    fn blob(&self, reference: &str) -> Result<Arc<[u8]>, HostError> {
        self.find(reference, br#"{"a": [1, 2.0]}"#.as_slice().into())
    }

    fn blob_files(&self, reference: &str, paths: &[&str]) -> Result<Files, HostError> {
        self.find(reference, paths.iter().map(|path| ((*path).to_owned(), b"kind: F".to_vec())).collect())
    }

    fn image_files(&self, reference: &str, folders: &[&str]) -> Result<Files, HostError> {
        self.find(reference, folders.iter().map(|folder| (format!("{folder}/a.json"), b"7".to_vec())).collect())
    }

    fn image_manifest(&self, reference: &str) -> Result<Arc<[u8]>, HostError> {
        self.find(reference, br#"{"schemaVersion": 2, "config": {"size": 7}, "layers": []}"#.as_slice().into())
    }

    fn image_manifests(&self, references: &[&str]) -> Vec<Result<Arc<[u8]>, HostError>> {
        references.iter().map(|reference| self.image_manifest(reference)).collect()
    }

    fn image_index(&self, reference: &str) -> Result<Arc<[u8]>, HostError> {
        self.find(reference, br#"{"schemaVersion": 2, "manifests": [{"digest": "sha256:2"}]}"#.as_slice().into())
    }

    fn descriptor(&self, reference: &str) -> Result<Described, HostError> {
        self.find(reference, Described { media_type: "m".into(), size: 7, digest: "sha256:1".into() })
    }

    fn image_referrers(&self, reference: &str) -> Result<Vec<Referrer>, HostError> {
        let described = Described { media_type: "m".into(), size: 7, digest: "sha256:3".into() };
        let referrer =
            Referrer { described, artifact_type: "t".into(), reference: "r@3".into(), annotations: BTreeMap::new() };
        self.find(reference, vec![referrer])
    }

    fn image_tag_refs(&self, reference: &str) -> Result<Vec<String>, HostError> {
        self.find(reference, vec!["r:sha256-1.sig".to_owned()])
    }

    fn verify_image(&self, reference: &str, options: &SigstoreOptions) -> Result<Vec<Signature>, HostError> {
        let sig = options.public_key.clone();
        let signature =
            Signature { keyid: String::new(), sig, certificate: None, chain: Vec::new(), metadata: BTreeMap::new() };
        self.find(reference, vec![signature])
    }

    fn verify_attestation(&self, reference: &str, _: &SigstoreOptions) -> Result<Vec<Attested>, HostError> {
        let statement = br#"{"predicateType": "p"}"#.as_slice().into();
        self.find(reference, vec![Attested { statement, signatures: Vec::new() }])
    }
}

#[test]
fn built_ins_call_the_host_once() {
    let text = "package p\n\nref := \"r.example/a@sha256:1\"\n\n\
                deny contains json.marshal(json.unmarshal(ec.oci.blob(ref)).a)\n\n\
                deny contains sprintf(\"%d\", [ec.oci.image_manifest(ref).config.size])\n\n\
                deny contains ec.oci.image_index(ref).manifests[0].digest\n\n\
                deny contains ec.oci.descriptor(ref).mediaType\n\n\
                warn contains sprintf(\"files %v\", [ec.oci.blob_files(ref, [\"x\"])])\n\n\
                warn contains sprintf(\"image files %v\", [ec.oci.image_files(ref, [\"x\"])])\n\n\
                warn contains \"no folders\" if is_null(ec.oci.image_files(ref, []))\n\n\
                warn contains sprintf(\"many %v\", [object.keys(ec.oci.image_manifests({ref, \"r.example/b\"}))])\n\n\
                warn contains sprintf(\"parsed %v\", [ec.oci.parsed_blob(ref).a])\n\n\
                warn contains ec.oci.image_referrers(ref)[0].ref\n\n\
                warn contains ec.oci.image_tag_refs(ref)[0]\n\n\
                warn contains ec.sigstore.verify_image(ref, {\"ignore_rekor\": true, \"public_key\": \"key\"}).signatures[0].signature\n\n\
                warn contains ec.sigstore.verify_attestation(ref, {\"ignore_rekor\": true}).attestations[0].statement.predicateType\n\n\
                warn contains sprintf(\"%v\", [ec.sigstore.verify_image(\"r.example/b\", {\"ignore_rekor\": true})])\n\n\
                warn contains \"called again\" if ec.oci.blob(ref) == ec.oci.blob(ref)\n\n\
                warn contains \"undefined\" if not ec.oci.blob(\"r.example/b\")\n\n\
                warn contains ec.purl.parse(\"pkg:npm/a@1\").name\n\n\
                warn contains \"invalid\" if not ec.purl.is_valid(\"pkg:\")\n";
    let host = Arc::new(OneImage::default());
    let got = evaluate_with(&policy(text), "{}", Arc::<OneImage>::clone(&host)).unwrap();
    let want = [
        "deny p 7",
        "deny p [1,2.0]",
        "deny p m",
        "deny p sha256:2",
        "warn p a",
        "warn p called again",
        "warn p files {\"x\": {\"kind\": \"F\"}}",
        "warn p image files {\"x/a.json\": 7}",
        "warn p invalid",
        "warn p key",
        "warn p many {\"r.example/a@sha256:1\"}",
        "warn p no folders",
        "warn p p",
        "warn p parsed [1, 2]",
        "warn p r:sha256-1.sig",
        "warn p r@3",
        "warn p undefined",
        "warn p {\"errors\": [\"nothing there\"], \"signatures\": [], \"success\": false}",
    ];
    assert_eq!(got, want);
    assert_eq!(host.requested.load(std::sync::atomic::Ordering::Relaxed), 16);
}

#[test]
fn an_error_of_the_host_ends_the_evaluation_however_the_policy_handles_it() {
    for rule in [
        "deny contains \"x\" if not ec.oci.blob(\"r.example/down\")",
        "default a := false\n\na if ec.oci.blob(\"r.example/down\")\n\ndeny contains \"x\" if a",
        "f(_) := 1\n\nf(x) := 2 if ec.oci.blob(x)\n\ndeny contains \"x\" if f(\"r.example/down\") == 1",
        "deny contains \"x\" if count([1 | ec.oci.image_manifest(\"r.example/down\")]) == 0",
    ] {
        let policy = policy(&format!("package p\n\n{rule}\n"));
        let error = evaluate_with(&policy, "{}", Arc::new(OneImage::default())).unwrap_err();
        let response = error.into_evaluation_error("mine");
        assert_eq!(
            (response.code, response.hint.as_deref()),
            (ErrorCode::BuiltinFailed, Some("look at the network")),
            "{rule}"
        );
        assert!(response.message.starts_with("policy source `mine`: `ec.oci."), "{}", response.message);
        assert!(response.message.ends_with("failed: `r.example` cannot be reached"), "{}", response.message);
    }
}

#[test]
fn elements_of_what_a_registry_says_are_counted_from_nought_without_a_limit() {
    // In `ec` lists of layers are declared to have one element.
    let text =
        "package p\n\ndeny contains \"a\" if ec.oci.image_manifest(input.ref).layers[1].digest == \"sha256:1\"\n";
    assert!(compiled(text).is_ok());
}

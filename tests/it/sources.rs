//! Policies from repositories, bundles and archives, as `validate image` and related commands fetch them.

use std::process::Command;

use assay_model::digest::Digest;
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};

use crate::{
    fixture::{CommandOutput, Fixture, RULES, command, ec_command},
    registry::Registry,
};

/// A repository in a folder of the world.
pub(crate) struct Repository(Utf8PathBuf);

impl Repository {
    /// An empty one.
    pub(crate) fn in_folder(path: Utf8PathBuf) -> Self {
        fs_err::create_dir_all(&path).unwrap();
        let repository = Self(path);
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    fn git(&self, arguments: &[&str]) -> String {
        let who = ["-c", "user.name=t", "-c", "user.email=t@t.test", "-c", "commit.gpgsign=false"];
        let output = Command::new("git").current_dir(&self.0).args(who).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Commits these files and gives the commit.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) -> String {
        for (name, text) in files {
            let path = self.0.join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message=m"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// As a source.
    pub(crate) fn place(&self, rest: &str) -> String {
        format!("git::file://{}{rest}", self.0)
    }
}

/// Runs the program where it finds `git`, with a cache and a folder for temporary files of its own.
pub(crate) fn assay_in(fixture: &Fixture, arguments: &[&str]) -> CommandOutput {
    let temporary = fixture.path("tmp");
    fs_err::create_dir_all(&temporary).unwrap();
    let mut command = command(arguments);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("TMPDIR", &temporary).env("XDG_CACHE_HOME", fixture.path("cache"));
    let output = CommandOutput::of(&command.output().unwrap());
    assert_eq!(entries(&temporary), 0, "nothing is left in the temporary folder");
    let work = fixture.path("cache/assay/work");
    assert!(!work.exists() || entries(&work) == 0, "nothing is left to work with");
    output
}

fn entries(folder: &Utf8Path) -> usize {
    fs_err::read_dir(folder).unwrap().count()
}

fn validate(fixture: &Fixture, policy: &str, more: &[&str]) -> CommandOutput {
    fixture.layout.write(&fixture.path("oci")).unwrap();
    let (bundle, key, snapshot) =
        (fixture.path("oci"), fixture.path("key.pub"), fixture.snapshot(crate::fixture::HOST));
    let fixed = ["validate", "image", "--images", &snapshot, "--policy", policy, "--public-key", key.as_str()];
    let more = [&["--ignore-rekor", "--evidence", bundle.as_str(), "--output", "json"], more].concat();
    assay_in(fixture, &[&fixed[..], &more].concat())
}

fn policy(source: &str, data: &str) -> String {
    json!({"sources": [{"policy": [source], "data": [data]}]}).to_string()
}

#[test]
fn policies_and_data_of_a_repository_are_evaluated_and_reported_by_commit() {
    let fixture = Fixture::good();
    let repository = Repository::in_folder(fixture.path("repository"));
    let commit = repository.commit(&[("policy/main.rego", RULES), ("data/d.yaml", "x: 1")]);
    let base = repository.place("").replacen("git::", "", 1);
    let output = validate(&fixture, &policy(&repository.place("//policy?ref=main"), &repository.place("//data")), &[]);
    output.expect(0, "\"success\":true");
    let sources = output.json()["policy"]["sources"].clone();
    let (policy, data) = (format!("git::{base}//policy?ref={commit}"), format!("git::{base}//data?ref={commit}"));
    assert_eq!(sources, json!([{"policy": [policy], "data": [data]}]));
}

#[test]
fn what_is_pinned_is_evaluated_again_when_the_repository_is_gone() {
    let fixture = Fixture::good();
    let repository = Repository::in_folder(fixture.path("repository"));
    repository.commit(&[("main.rego", RULES)]);
    let first = validate(&fixture, &json!({"sources": [{"policy": [repository.place("")]}]}).to_string(), &[]);
    let pinned = first.json()["policy"].to_string();
    fs_err::remove_dir_all(fixture.path("repository")).unwrap();
    let again = validate(&fixture, &pinned, &[]);
    again.expect(0, "\"success\":true");
    assert_eq!(again.json()["policy"], first.json()["policy"]);
    // Without the cache there is no policy, and that is never a pass.
    validate(&fixture, &pinned, &["--cache-dir="]).expect(2, "cannot be used");
}

#[test]
fn a_configuration_is_found_in_a_repository() {
    let fixture = Fixture::good();
    let repository = Repository::in_folder(fixture.path("repository"));
    let configuration = fixture.policy();
    let commit = repository.commit(&[
        ("here/.ec/policy.yaml", &configuration),
        ("there/policy.json", &configuration),
        ("none/other.yaml", &configuration),
        ("empty/policy.yml", "\n"),
    ]);
    for folder in ["here", "there"] {
        validate(&fixture, &repository.place(&format!("//{folder}")), &[]).expect(0, "\"success\":true");
    }
    let base = repository.place("").replacen("git::", "", 1);
    let says = format!("no suitable config file found at git::{base}//none?ref={commit}");
    validate(&fixture, &repository.place("//none"), &[]).expect(2, &says);
    validate(&fixture, &repository.place("//empty"), &[]).expect(2, "is empty");
}

/// Pushes a bundle of files, as `conftest push` does, and gives its digest.
pub(crate) fn push(registry: &Registry, name: &str, files: &[(&str, &str)]) -> Digest {
    let layer = |(title, text): &(&str, &str)| {
        json!({"mediaType": "application/vnd.cncf.openpolicyagent.policy.layer.v1+rego", "size": text.len(),
            "digest": Digest::of(text.as_bytes()), "annotations": {"org.opencontainers.image.title": title}})
    };
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": xtask::layout::MANIFEST,
        "config": {"mediaType": "application/vnd.cncf.openpolicyagent.config.v1+json", "digest": Digest::of(b"{}"), "size": 2},
        "layers": files.iter().map(layer).collect::<Vec<_>>(),
    });
    for (_, text) in files {
        registry.put_blob(text.as_bytes());
    }
    registry.put_manifest(name, xtask::layout::MANIFEST, manifest.to_string().as_bytes())
}

#[test]
fn a_bundle_on_a_registry_is_evaluated_and_reported_by_digest() {
    let fixture = Fixture::good();
    let registry = Registry::start();
    let digest = push(&registry, "policies/shop:v1", &[("policy/main.rego", RULES)]);
    let host = registry.host();
    fixture.layout.write(&fixture.path("oci")).unwrap();
    registry.push_layout(fixture.path("oci").as_std_path());
    let (key, snapshot) = (fixture.path("key.pub"), fixture.snapshot(&host));
    for _ in 0..2 {
        let policy = json!({"sources": [{"policy": [format!("oci::{host}/policies/shop:v1")]}]}).to_string();
        let output = assay_in(
            &fixture,
            &[
                "validate",
                "image",
                "--images",
                &snapshot,
                "--policy",
                &policy,
                "--public-key",
                key.as_str(),
                "--ignore-rekor",
                "--output",
                "json",
            ],
        );
        output.expect(0, "\"success\":true");
        let pinned = format!("oci::{host}/policies/shop:v1@{digest}");
        assert_eq!(output.json()["policy"]["sources"], json!([{"policy": [pinned]}]));
    }
    let blobs = registry.requests().iter().filter(|request| request.contains("/policies/shop/blobs/")).count();
    assert_eq!(blobs, 1, "the second run has it in its cache");
}

#[test]
fn sources_that_cannot_be_used_end_the_run_before_it_begins() {
    let fixture = Fixture::good();
    let repository = Repository::in_folder(fixture.path("repository"));
    repository.commit(&[("main.rego", RULES)]);
    for (source, says) in [
        (
            "http://policies.example/main.rego".to_owned(),
            "attempting to download from insecure source: http://policies.example/main.rego",
        ),
        ("git::http://policies.example/x".to_owned(), "attempting to download from insecure source"),
        (repository.place("?ref=none"), "no branch, tag or commit `none`"),
        (repository.place("//none"), "path none does not exist in the repository"),
        ("https://policies.example/main.rego".to_owned(), "this run does not fetch anything"),
        ("git::https://policies.example/x".to_owned(), "this run does not fetch anything"),
        ("oci::registry.example/none:v1".to_owned(), "does not hold the image"),
        ("s3::https://policies.example/x".to_owned(), "this kind of source is not supported"),
    ] {
        validate(&fixture, &json!({"sources": [{"policy": [source]}]}).to_string(), &[]).expect(2, says);
    }
}

#[test]
fn a_policy_that_does_not_compile_is_reported_by_its_source() {
    let fixture = Fixture::good();
    let repository = Repository::in_folder(fixture.path("repository"));
    let commit = repository.commit(&[("main.rego", "package main\n\ndeny contains x\n")]);
    let source = repository.place("");
    let output = validate(&fixture, &json!({"sources": [{"policy": [source]}]}).to_string(), &[]);
    output.expect(2, &format!("{source}?ref={commit}/main.rego:3"));
}

#[test]
fn an_archive_is_evaluated() {
    let fixture = Fixture::good();
    let file = fixture.path("policy.tar");
    let mut builder = tar(&file);
    let mut header = tar::Header::new_gnu();
    header.set_size(RULES.len() as u64);
    builder.append_data(&mut header, "policy/main.rego", RULES.as_bytes()).unwrap();
    builder.finish().unwrap();
    let output = validate(&fixture, &json!({"sources": [{"policy": [file]}]}).to_string(), &[]);
    output.expect(0, "\"success\":true");
    assert_eq!(output.json()["policy"]["sources"], json!([{"policy": [format!("file::{file}")]}]));
}

fn tar(file: &Utf8Path) -> tar::Builder<fs_err::File> {
    tar::Builder::new(fs_err::File::create(file).unwrap())
}

#[test]
fn sources_are_fetched_into_folders_named_by_their_address() {
    let fixture = Fixture::empty();
    let repository = Repository::in_folder(fixture.path("repository"));
    repository.commit(&[("policy/main.rego", RULES), ("data/d.yaml", "x: 1")]);
    let (policy, data, out) = (repository.place("//policy"), repository.place("//data"), fixture.path("out"));
    let arguments = ["fetch", "policy", "-s", &policy, "--data-source", &data, "-d", out.as_str()];
    for _ in 0..2 {
        let output = assay_in(&fixture, &arguments);
        let lines: Vec<_> = output.out.lines().collect();
        assert_eq!((output.code, lines.len()), (0, 2), "{output:?}");
        for (line, text, kind, file) in
            [(lines[0], &policy, "policy", "main.rego"), (lines[1], &data, "data", "d.yaml")]
        {
            let to = line.strip_prefix(&format!("Downloading {text} to ")).unwrap();
            assert!(to.starts_with(&format!("{out}/{kind}/")) && Utf8Path::new(to).join(file).is_file(), "{to}");
        }
    }
    assay_in(&fixture, &["fetch", "policy"]).expect(2, "--source");
}

#[test]
fn rules_are_inspected_in_every_form_with_and_without_annotations() {
    let fixture = Fixture::empty();
    let repository = Repository::in_folder(fixture.path("repository"));
    let text = format!("{RULES}\nwarn_bare contains \"x\" if input.x\n");
    let commit = repository.commit(&[("main.rego", &text)]);
    let source = repository.place("");
    let pinned = format!("{source}?ref={commit}");
    let inspect = |more: &[&str]| assay_in(&fixture, &[&["inspect", "policy", "-s", &source], more].concat());

    let shown = inspect(&[]).out;
    let want = format!(
        "# Source: {pinned}\n\nmain.bad (deny)\nhttps://conforma.dev/docs/policy/packages/release_main.html#main__bad\nNot \
         bad\n\n--\nmain.odd (warn)\nhttps://conforma.dev/docs/policy/packages/release_main.html#main__odd\nNot odd\n\n--\nmain.\
         warn_bare\n(No annotations found)\n--\n"
    );
    assert_eq!(shown, want);
    let bare = "main.warn_bare\n(No annotations found)\n--\n";
    assert_eq!(inspect(&["-o", "names"]).out, format!("main.bad\nmain.odd\n{bare}"));
    assert_eq!(inspect(&["-o", "short-names", "--rule", "odd"]).out, "main.odd\n");

    let json = inspect(&["-o", "json"]).json();
    let entries = json[&pinned].as_array().unwrap();
    assert_eq!(entries.len(), 3);
    assert_eq!(
        entries[0],
        json!({
            "annotations": {"custom": {"short_name": "bad"}, "scope": "rule", "title": "Not bad"},
            "location": {"file": "main.rego", "row": 9, "col": 1},
            "path": [{"type": "var", "value": "data"}, {"type": "string", "value": "main"}, {"type": "string", "value": "deny"}],
        })
    );
    assert_eq!(entries[2].get("annotations"), None);
    assert_eq!(inspect(&["-o", "json", "--collection", "none"]).json()[&pinned], json!([]));
    inspect(&["-o", "spam"])
        .expect(2, "invalid value for --output 'spam'. accepted values: json, text, names, short-names");
    let by_policy = json!({"sources": [{"policy": [source]}]}).to_string();
    assert_eq!(assay_in(&fixture, &["inspect", "policy", "--policy", &by_policy]).out, want);
    inspect(&["--policy", &by_policy]).expect(2, "cannot be used with");
    assay_in(&fixture, &["inspect", "policy"]).expect(2, "--source");
}

#[test]
fn data_is_inspected_and_a_key_that_is_there_twice_is_an_error() {
    let fixture = Fixture::empty();
    fixture.file("data/foo.yaml", "spam_count: 42\nword: on\n");
    fixture.file("data/deep/bar.json", r#"{"rule_data": {"b": "<x>", "a": 1.0}}"#);
    let data = fixture.path("data");
    let output = assay_in(&fixture, &["inspect", "policy-data", "-s", data.as_str()]);
    assert_eq!(output.out, "{\"rule_data\":{\"a\":1,\"b\":\"\\u003cx\\u003e\"},\"spam_count\":42,\"word\":\"on\"}\n");
    let yaml = assay_in(&fixture, &["inspect", "policy-data", "-s", data.as_str(), "-o", "yaml"]);
    assert!(yaml.out.contains("spam_count: 42\n") && yaml.code == 0, "{yaml:?}");
    fixture.file("data/more.yml", "word: off");
    assay_in(&fixture, &["inspect", "policy-data", "-s", data.as_str()])
        .expect(2, "Merge error. The 'word' key was found more than once!");
}

#[test]
fn a_policy_configuration_is_checked_by_its_format() {
    let fixture = Fixture::empty();
    let says = "Policy configuration conforms to the EnterpriseContractPolicy spec\n";
    assert_eq!(assay_in(&fixture, &["validate", "policy", "--policy", &fixture.policy()]).out, says);
    let repository = Repository::in_folder(fixture.path("repository"));
    repository.commit(&[("policy.json", &fixture.policy())]);
    assert_eq!(assay_in(&fixture, &["validate", "policy", "-p", &repository.place("")]).out, says);
    assay_in(&fixture, &["validate", "policy", "-p", "sources: [{polices: [x]}]"]).expect(2, "unknown field `polices`");
    assay_in(&fixture, &["validate", "policy"]).expect(2, "--policy");
}

#[test]
fn the_version_is_printed_in_three_formats() {
    let fixture = Fixture::empty();
    let version = concat!("v", env!("CARGO_PKG_VERSION"));
    assert_eq!(assay_in(&fixture, &["version", "--short"]).out, version);
    let json = assay_in(&fixture, &["version", "-j"]).json();
    assert_eq!(json["Version"], version);
    let names: Vec<_> =
        json["Components"].as_array().unwrap().iter().map(|one| one["Name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        names,
        ["ECC", "OPA", "Conftest", "Cosign", "Sigstore", "Rekor", "Tekton Pipeline", "Kubernetes Client"]
    );
    let text = assay_in(&fixture, &["version"]).out;
    assert!(text.starts_with(&format!("Version            {version}\n")), "{text}");
    // What the build did not set has no row.
    assert!(text.lines().all(|line| line.split_whitespace().count() > 1) && !text.contains("0001-01-01"), "{text}");
}

#[test]
fn a_starter_policy_can_be_evaluated_at_once() {
    let fixture = Fixture::good();
    let folder = fixture.path("new");
    assay_in(&fixture, &["init", "policies", "--dest-dir", folder.as_str()]).expect(0, "");
    validate(&fixture, &json!({"sources": [{"policy": [folder]}]}).to_string(), &[]).expect(0, "\"success\":true");
    let shown = assay_in(&fixture, &["init", "policies"]).out;
    assert_eq!(shown, fs_err::read_to_string(folder.join("sample.rego")).unwrap());
    assay_in(&fixture, &["init", "policies", "-d", folder.as_str()]).expect(2, "already exists");
}

/// A report of `validate input`.
fn input(fixture: &Fixture, arguments: &[&str]) -> CommandOutput {
    let policy = json!({"sources": [{"policy": [fixture.path("rules")]}]}).to_string();
    assay_in(fixture, &[&["validate", "input", "--policy", &policy], arguments].concat())
}

const KINDS: &str = r#"package main

import rego.v1

# METADATA
# title: Has a kind
# custom:
#   short_name: kind
deny contains {"code": "main.kind", "msg": sprintf("No kind in %v", [input.name])} if not input.kind
"#;

fn kinds() -> Fixture {
    let fixture = Fixture::empty();
    fixture.file("rules/main.rego", KINDS);
    fixture.file("in/a.json", r#"{"name": "a", "kind": "x"}"#);
    fixture.file("in/b.yaml", "name: b\nkind: x\n---\nname: c\n");
    fixture.file("in/notes.txt", "no document");
    fixture
}

#[test]
fn documents_are_evaluated_one_by_one_from_files_directories_and_inline() {
    let fixture = kinds();
    let (a, b, folder) = (fixture.path("in/a.json"), fixture.path("in/b.yaml"), fixture.path("in"));
    input(&fixture, &[a.as_str()]).expect(0, "Result: SUCCESS");
    input(&fixture, &[b.as_str()]).expect(1, "No kind in c");
    input(&fixture, &[b.as_str(), "--strict=false"]).expect(0, "No kind in c");
    input(&fixture, &["{\"name\": \"inline\"}"]).expect(1, "No kind in inline");
    input(&fixture, &["name: inline"]).expect(1, "No kind in inline");
    let list = format!("{a},{a}");
    let report = input(&fixture, &["-f", &list, folder.as_str(), "-o", "json"]);
    assert_eq!(report.code, 1, "{report:?}");
    let report = report.json();
    let files: Vec<_> = report["filepaths"].as_array().unwrap().iter().map(|file| file["filepath"].clone()).collect();
    assert_eq!(files, [json!(b), json!(a), json!(a)]);
    assert_eq!(report["policy"]["sources"][0]["policy"], json!([fixture.path("rules")]));
}

#[test]
fn a_folder_is_one_thing_with_all_that_is_below_it_when_called_ec() {
    let fixture = kinds();
    fixture.file("both/a.json", r#"{"name": "a", "kind": "x"}"#);
    fixture.file("both/deep/c.toml", "name = \"c\"");
    fixture.file("both/deep/notes.txt", "no document");
    let policy = json!({"sources": [{"policy": [fixture.path("rules")]}]}).to_string();
    let ec = |folder: &str, more: &[&str]| {
        let folder = fixture.path(folder);
        let fixed = ["validate", "input", folder.as_str(), "--policy", &policy];
        CommandOutput::of(&ec_command(&fixture.path(""), &[&fixed[..], more].concat()).output().unwrap())
    };
    let output = ec("both", &["--output", "json", "--timeout", "1h"]);
    let files = output.json()["filepaths"].clone();
    assert_eq!((files.as_array().unwrap().len(), files[0]["filepath"].clone()), (1, json!(fixture.path("both"))));
    assert_eq!(
        (files[0]["violations"][0]["msg"].clone(), files[0]["success-count"].clone()),
        (json!("No kind in c"), json!(1))
    );
    assert_eq!(ec("both", &["--quiet"]).err, "Error: success criteria not met\n");
    let unknown = ec("in", &[]);
    assert!(unknown.code == 1 && unknown.err.contains("the format of `"), "{unknown:?}");
    let late = ec("both", &["--timeout", "1ns"]);
    assert!(late.code == 1 && late.err.starts_with("Error: exceeded allowed execution time of 1ns, "), "{late:?}");
    assert_eq!(late.out, "");
}

#[test]
fn files_without_documents_or_of_unknown_formats_do_not_pass() {
    let fixture = kinds();
    fixture.file("list.json", "[]");
    input(&fixture, &[fixture.path("list.json").as_str()]).expect(3, "check input");
    fixture.file("Dockerfile", "kind: x");
    input(&fixture, &[fixture.path("Dockerfile").as_str()]).expect(3, "`kind:` is not an instruction in line 1");
    fixture.file("a.cue", "kind: x");
    input(&fixture, &[fixture.path("a.cue").as_str()]).expect(3, "looks like cue, which assay cannot parse");
    fixture.file("double.yaml", "kind: x\nkind: y\n");
    input(&fixture, &[fixture.path("double.yaml").as_str()]).expect(3, "duplicate mapping key");
    fixture.file("plain", "{\"kind\": \"x\"}");
    input(&fixture, &[fixture.path("plain").as_str()]).expect(0, "Result: SUCCESS");
}

#[test]
fn a_command_that_is_none_is_an_error_at_every_depth() {
    let fixture = Fixture::empty();
    for arguments in
        [&[][..], &["nonsense"], &["validate"], &["validate", "imgae"], &["inspect", "nonsense"], &["init"]]
    {
        let output = CommandOutput::of(&ec_command(&fixture.path(""), arguments).output().unwrap());
        assert!(output.code == 1 && output.out.is_empty(), "{arguments:?}: {output:?}");
    }
}

#[test]
fn reports_of_documents_go_where_they_are_sent() {
    let fixture = kinds();
    let (a, out) = (fixture.path("in/a.json"), fixture.path("report"));
    let outputs: Vec<String> =
        ["json", "yaml", "text", "summary"].iter().map(|kind| format!("{kind}={out}.{kind}")).collect();
    let more: Vec<&str> = outputs.iter().flat_map(|output| ["-o", output.as_str()]).collect();
    let output = input(&fixture, &[&[a.as_str(), "--show-successes"], &more[..]].concat());
    assert_eq!((output.code, output.out.as_str()), (0, ""), "{output:?}");
    let read = |kind: &str| fs_err::read_to_string(format!("{out}.{kind}")).unwrap();
    let json: Value = serde_json::from_str(&read("json")).unwrap();
    assert_eq!(json["filepaths"][0]["successes"][0]["metadata"]["code"], json!("main.kind"));
    assert!(read("yaml").contains("success-count: 1"), "{}", read("yaml"));
    assert!(read("text").starts_with("Success: true\n"));
    assert!(read("summary").contains("\"total_successes\":1"), "{}", read("summary"));
}

#[test]
fn documents_that_cannot_be_evaluated_do_not_pass() {
    let fixture = kinds();
    fixture.file("in/broken.json", "{\"a\": \"x\ny\"}");
    let broken = fixture.path("in/broken.json");
    let a = fixture.path("in/a.json");
    let output = input(&fixture, &[a.as_str(), broken.as_str()]);
    output.expect(3, &format!("error validating file {broken}: control character"));
    input(&fixture, &[fixture.path("in/none.json").as_str()]).expect(3, "no such file");
    input(&fixture, &[fixture.path("in/notes.txt").as_str()]).expect(3, "cannot be determined from its name");
    for (arguments, says) in [
        (&[][..], "at least one input file must be specified"),
        (&["", "  "], "at least one input file must be specified"),
        (&["--server"], "`--server`"),
        (&["--server", a.as_str()], "--server and input files are mutually exclusive"),
        (&[a.as_str(), "-o", "junit"], "is not a report format"),
        (&[a.as_str(), "--workers", "0"], "--workers"),
        (&[a.as_str(), "--effective-time", "2020-01-01"], "is in the past"),
        (&[a.as_str(), "--effective-time", "attestation"], "a document has no attestation"),
    ] {
        input(&fixture, arguments).expect(2, says);
    }
    assay_in(&fixture, &["validate", "input", a.as_str(), "--policy", "{\"sources\": []}"]).expect(2, "no `sources`");
}

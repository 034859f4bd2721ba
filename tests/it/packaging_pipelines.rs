//! What pipelines are given (a GitHub action, a GitLab component, a Tekton Task), as far as it can be checked without them: every value
//! is declared, every variable is one that the program reads, and the scripts do what they say.

use std::{collections::BTreeSet, os::unix::fs::symlink, path::Path, process::Command};

use assay_model::yaml;
use camino::Utf8PathBuf;
use regex::Regex;
use serde_json::Value;

use crate::{fixture::assay, tidy::root};

fn text(name: &str) -> String {
    fs_err::read_to_string(root().join("packaging").join(name)).unwrap()
}

fn document(text: &str) -> Value {
    yaml::parse(text).unwrap()
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

fn names(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

/// What a pattern finds, each once.
fn found(pattern: &str, text: &str) -> BTreeSet<String> {
    Regex::new(pattern).unwrap().captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// The variables that the program reads for flags of `validate image`.
fn variables() -> BTreeSet<String> {
    found(r"\[env:\s+(ASSAY_[A-Z_]+)=", &assay(&["validate", "image", "--help"]).out)
}

fn words_of_the_page(page: &str) -> BTreeSet<String> {
    found(r"`([A-Za-z0-9_-]+)`", &fs_err::read_to_string(root().join("docs/how-to").join(page)).unwrap())
}

#[test]
fn the_action_declares_what_it_uses_and_passes_it_as_variables_alone() {
    let text = text("github/action.yml");
    let action = document(&text);
    let inputs = keys(&action["inputs"]);
    assert_eq!(found(r"inputs\.([a-z0-9-]+)", &text), inputs);
    let steps = action["runs"]["steps"].as_array().unwrap();
    for step in steps {
        let run = step["run"].as_str().unwrap();
        assert!(!run.contains("${{"), "a value becomes part of a command: {run}");
        assert!(
            root().join("packaging/github").join(run.trim_matches('"').rsplit('/').next().unwrap()).exists(),
            "{run}"
        );
    }
    let validate = steps.iter().find(|step| step["id"] == "validate").unwrap();
    let set: BTreeSet<_> = keys(&validate["env"]).into_iter().filter(|name| name.starts_with("ASSAY_")).collect();
    assert!(set.is_subset(&variables()), "{:?}", set.difference(&variables()));
    for output in keys(&action["outputs"]) {
        assert!(self::text("github/validate.sh").contains(&format!("{output}=")), "{output}");
    }
    let page = words_of_the_page("github-actions.md");
    assert!(inputs.is_subset(&page), "{:?}", inputs.difference(&page));
}

/// Runs the script of the action on the example, with what GitHub sets. Returns the exit code and the outputs.
fn run_action(folder: &Path, variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let bin = folder.join("bin");
    fs_err::create_dir_all(&bin).unwrap();
    if !bin.join("assay").exists() {
        symlink(env!("CARGO_BIN_EXE_assay"), bin.join("assay")).unwrap();
    }
    let (output, summary) = (folder.join("output"), folder.join("summary"));
    for file in [&output, &summary] {
        fs_err::write(file, "").unwrap();
    }
    let status = Command::new("bash")
        .arg(root().join("packaging/github/validate.sh"))
        .current_dir(root())
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .env("GITHUB_OUTPUT", &output)
        .env("GITHUB_STEP_SUMMARY", &summary)
        .env("REPORTS", folder.join("reports"))
        .env("ASSAY_IMAGES", "examples/shop/snapshot.yaml")
        .env("ASSAY_POLICY", "examples/shop/policy.yaml")
        .env("ASSAY_PUBLIC_KEY", "examples/shop/cosign.pub")
        .env("ASSAY_EVIDENCE", "examples/shop/oci")
        .env("ASSAY_IGNORE_REKOR", "true")
        // An input that nobody gives is an empty variable.
        .env("ASSAY_IMAGE", "")
        .env("ASSAY_CERTIFICATE_IDENTITY_REGEXP", "")
        .env("ASSAY_CERTIFICATE_OIDC_ISSUER", "")
        .env("ASSAY_STRICT", "true")
        .env("ASSAY_TIMEOUT", "10m")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let read = |path| fs_err::read_to_string(path).unwrap();
    (status.status.code(), read(output), read(summary) + &String::from_utf8_lossy(&status.stdout))
}

#[test]
fn the_script_of_the_action_ends_as_assay_does_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let (code, output, summary) = run_action(folder.path(), &[]);
    assert_eq!(code, Some(0), "{summary}");
    assert!(output.contains("exit-code=0\n") && summary.contains("Passed"), "{output} {summary}");
    for name in ["report.json", "report.sarif", "report.xml", "report.html"] {
        assert!(folder.path().join("reports").join(name).exists(), "{name}");
    }
    let (code, output, summary) = run_action(folder.path(), &[("ASSAY_PUBLIC_KEY", "absent.pub")]);
    assert!(code == Some(2) && output.contains("exit-code=2\n"), "{output}");
    assert!(summary.contains("::error::usage or configuration error"), "{summary}");
    let (code, _, summary) = run_action(folder.path(), &[("ASSAY_IMAGE", "registry.example/shop/absent:1")]);
    assert!(code == Some(3) && summary.contains("could not be evaluated"), "{summary}");
}

#[test]
fn scripts_are_bash() {
    for name in ["github/install.sh", "github/validate.sh"] {
        let output = Command::new("bash").arg("-n").arg(root().join("packaging").join(name)).output().unwrap();
        assert!(output.status.success(), "{name}: {output:?}");
    }
}

#[test]
fn the_gitlab_component_declares_what_it_uses() {
    let text = text("gitlab/templates/validate.yml");
    let (head, job) = text.split_once("\n---\n").unwrap();
    let inputs = keys(&document(head)["spec"]["inputs"]);
    assert_eq!(found(r"\$\[\[ inputs\.([a-z-]+) \]\]", job), inputs);
    let job = document(job);
    let (name, job) = job.as_object().unwrap().iter().next().unwrap();
    assert_eq!(name, "$[[ inputs.job ]]");
    let set = keys(&job["variables"]);
    assert!(set.is_subset(&variables()), "{:?}", set.difference(&variables()));
    assert_eq!(job["retry"]["exit_codes"][0], 3);
    assert!(!job["script"].to_string().contains("$["), "a value becomes part of a command");
    let page = words_of_the_page("gitlab.md");
    assert!(inputs.is_subset(&page), "{:?}", inputs.difference(&page));
}

#[test]
fn the_task_declares_what_it_uses_and_is_one_that_tekton_reads() {
    let text = text("tekton/assay-validate.yaml");
    let task = document(&text);
    let params = names(&task["spec"]["params"]);
    assert_eq!(found(r"\$\(params\.([A-Z_]+)\)", &text), params);
    assert_eq!(found(r"\$\(results\.([A-Z_]+)\.path\)", &text), names(&task["spec"]["results"]));
    assert_eq!(found(r"\$\(workspaces\.([a-z]+)\.path\)", &text), names(&task["spec"]["workspaces"]));
    let set: BTreeSet<_> =
        names(&task["spec"]["stepTemplate"]["env"]).into_iter().filter(|name| name.starts_with("ASSAY_")).collect();
    assert!(set.is_subset(&variables()), "{:?}", set.difference(&variables()));
    let script = task["spec"]["steps"][0]["script"].as_str().unwrap();
    assert!(!script.contains("$("), "a value becomes part of a command: {script}");
    let page = words_of_the_page("tekton.md");
    assert!(params.is_subset(&page), "{:?}", params.difference(&page));
    let file = root().join("packaging/tekton/assay-validate.yaml");
    assay(&["import", file.to_str().unwrap()]).expect(0, "Task assay-validate: accepted");
}

#[test]
fn the_script_of_the_task_writes_the_result_and_ends_as_assay_does() {
    let task = document(&text("tekton/assay-validate.yaml"));
    let script = task["spec"]["steps"][0]["script"].as_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path().join("bin");
    fs_err::create_dir_all(&bin).unwrap();
    symlink(env!("CARGO_BIN_EXE_assay"), bin.join("assay")).unwrap();
    let file = folder.path().join("script");
    fs_err::write(&file, script).unwrap();
    let run = |key: &str| {
        let output = Command::new("bash")
            .arg(&file)
            .current_dir(root())
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("REPORTS", folder.path().join("reports"))
            .env("TEST_OUTPUT", folder.path().join("result"))
            .env("ASSAY_IMAGES", fs_err::read_to_string(root().join("examples/shop/snapshot.yaml")).unwrap())
            .env("ASSAY_POLICY", "examples/shop/policy.yaml")
            .env("ASSAY_PUBLIC_KEY", key)
            .env("ASSAY_EVIDENCE", "examples/shop/oci")
            .env("ASSAY_IGNORE_REKOR", "true")
            .env("ASSAY_EXTRA_RULE_DATA", "")
            .env("ASSAY_EFFECTIVE_TIME", "now")
            .env("ASSAY_STRICT", "true")
            .env("ASSAY_TIMEOUT", "30m")
            .output()
            .unwrap();
        (output.status.code(), format!("{output:?}"))
    };
    let (code, output) = run("examples/shop/cosign.pub");
    assert_eq!(code, Some(0), "{output}");
    let result: Value = serde_json::from_slice(&fs_err::read(folder.path().join("result")).unwrap()).unwrap();
    assert_eq!(result["result"], "SUCCESS");
    assert!(folder.path().join("reports/report.html").exists());
    assert_eq!(run("absent.pub").0, Some(2));
}

#[test]
fn a_release_has_the_program_its_pages_licenses_an_sbom_and_checksums_and_is_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let folder = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
    // The program of a debug build is too large to be compressed in a test.
    let program = folder.join("program");
    fs_err::write(&program, format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_assay"))).unwrap();
    Command::new("chmod").args(["+x", program.as_str()]).status().unwrap();
    let repository = Utf8PathBuf::from_path_buf(root()).unwrap();
    let make = |name: &str| {
        let out = folder.join(name);
        let request = xtask::dist::Request { root: &repository, program: Some(&program), target: &folder, out: &out };
        xtask::dist::write(&request).unwrap();
        out
    };
    let (first, second) = (make("a"), make("b"));
    let sums = fs_err::read_to_string(first.join("SHA256SUMS")).unwrap();
    assert_eq!(sums, fs_err::read_to_string(second.join("SHA256SUMS")).unwrap());
    let checked = Command::new("sha256sum").args(["--check", "--quiet", "SHA256SUMS"]).current_dir(&first).status();
    assert!(checked.unwrap().success());
    let name = |ending: &str| {
        sums.lines().filter_map(|line| line.split("  ").nth(1)).find(|name| name.ends_with(ending)).unwrap()
    };
    let listed = Command::new("tar").args(["-tzf", first.join(name(".tar.gz")).as_str()]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    for file in [
        "/bin/assay\n",
        "/share/man/man1/assay-validate-image.1\n",
        "/share/bash-completion/completions/assay\n",
        "/share/zsh/site-functions/_assay\n",
        "/share/fish/vendor_completions.d/assay.fish\n",
        "/share/doc/assay/LICENSE\n",
        "/share/doc/assay/third-party-licenses.txt\n",
        "/share/doc/assay/assay.cdx.json\n",
    ] {
        assert!(listed.contains(file), "no {file} in {listed}");
    }
    let sbom: Value = serde_json::from_slice(&fs_err::read(first.join(name(".cdx.json"))).unwrap()).unwrap();
    assert_eq!((&sbom["bomFormat"], &sbom["specVersion"]), (&"CycloneDX".into(), &"1.6".into()));
    let components = sbom["components"].as_array().unwrap();
    assert!(components.len() > 100, "{}", components.len());
    assert!(components.iter().any(|component| component["name"] == "wasmtime" && component["hashes"].is_array()));
    let deb = fs_err::read(first.join(name(".deb"))).unwrap();
    assert!(deb.starts_with(b"!<arch>\ndebian-binary   "));
    // Where Debian's tools are, they read the package.
    if let Ok(output) = Command::new("dpkg-deb").args(["--contents", first.join(name(".deb")).as_str()]).output() {
        assert!(output.status.success(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(" usr/bin/assay\n"), "{output:?}");
    }
}

#[test]
fn the_image_is_built_by_the_toolchain_of_the_project_from_what_the_build_needs() {
    let recipe = text("container/Containerfile");
    let toolchain = fs_err::read_to_string(root().join("rust-toolchain.toml")).unwrap();
    let version = toolchain.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap().trim_matches('"');
    assert!(recipe.contains(&format!("/rust:{version}-")) && recipe.contains(&format!("RUSTUP_TOOLCHAIN={version}\n")));
    let manifest = fs_err::read_to_string(root().join("Cargo.toml")).unwrap();
    let version = manifest.lines().find_map(|line| line.strip_prefix("version = ")).unwrap();
    assert!(recipe.contains(&format!("org.opencontainers.image.version={version}")));
    let ignored = fs_err::read_to_string(root().join(".dockerignore")).unwrap();
    let ignored: BTreeSet<_> = ignored.lines().filter(|line| !line.starts_with('#')).collect();
    for left_out in ["target/", ".git/", "docs/", "examples/"] {
        assert!(ignored.contains(left_out), "{left_out}");
    }
    for needed in ["host/", "wit/", "xtask/", "packaging/", "policies/", "plugins/", "tests/", "LICENSE", "Cargo.lock"]
    {
        assert!(!ignored.contains(needed) && root().join(needed).exists(), "{needed}");
    }
}

//! [`Crates`]: every crate that the program is built from, as `cargo metadata` and `Cargo.lock` describe them.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use anyhow::{Context as _, ensure};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

/// One crate.
#[derive(Debug)]
pub(super) struct Crate {
    pub(super) name: String,
    pub(super) version: String,
    /// An SPDX expression.
    pub(super) license: String,
    pub(super) description: String,
    pub(super) repository: String,
    /// SHA-256 of what the registry has; empty for crates of the workspace.
    pub(super) checksum: String,
    pub(super) folder: Utf8PathBuf,
    /// Whether it is one of this workspace.
    pub(super) is_own: bool,
    /// The identifiers of the crates that it needs.
    pub(super) needs: BTreeSet<String>,
}

/// Crates by cargo's identifier.
#[derive(Debug)]
pub(super) struct Crates {
    pub(super) program: String,
    pub(super) all: BTreeMap<String, Crate>,
}

impl Crates {
    /// Reads what the workspace at `root` has.
    ///
    /// # Errors
    /// Cargo fails, or a crate has no license.
    pub(super) fn read(root: &Utf8Path) -> anyhow::Result<Self> {
        let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let output = Command::new("cargo")
            .args(["metadata", "--format-version=1", "--locked", "--filter-platform", &platform])
            .current_dir(root)
            .output()?;
        ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        Self::parse(&serde_json::from_slice(&output.stdout)?, &fs_err::read_to_string(root.join("Cargo.lock"))?)
    }

    /// The same from the document and the lock file.
    pub(super) fn parse(metadata: &Value, lock: &str) -> anyhow::Result<Self> {
        let checksums = checksums(lock);
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in list(&metadata["resolve"]["nodes"]) {
            // Crates that only build scripts and tests need are not part of the program.
            let is_normal = |dep: &Value| list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
            let of = list(&node["deps"]).iter().filter(|dep| is_normal(dep)).map(|dep| text(&dep["pkg"])).collect();
            needs.insert(text(&node["id"]), of);
        }
        let mut packages: BTreeMap<_, _> =
            list(&metadata["packages"]).into_iter().map(|package| (text(&package["id"]), package)).collect();
        let program = packages.iter().find(|(_, package)| package["name"] == "assay").map(|(id, _)| id.clone());
        let program = program.context("there is no package `assay`")?;
        let (mut all, mut open) = (BTreeMap::new(), vec![program.clone()]);
        while let Some(id) = open.pop() {
            let Some(package) = packages.remove(&id) else { continue };
            let (name, version) = (text(&package["name"]), text(&package["version"]));
            let license = text(&package["license"]).replace('/', " OR ");
            ensure!(!license.is_empty(), "the crate {name} has no license");
            let manifest = Utf8PathBuf::from(text(&package["manifest_path"]));
            let needs = needs.remove(&id).unwrap_or_default();
            open.extend(needs.iter().cloned());
            let found = Crate {
                checksum: checksums.get(&(name.clone(), version.clone())).cloned().unwrap_or_default(),
                license,
                description: text(&package["description"]).split_whitespace().collect::<Vec<_>>().join(" "),
                repository: text(&package["repository"]),
                folder: manifest.parent().context("a manifest has no folder")?.to_owned(),
                is_own: package["source"].is_null(),
                needs,
                name,
                version,
            };
            all.insert(id, found);
        }
        Ok(Self { program, all })
    }

    /// The version of the program.
    pub(super) fn version(&self) -> &str {
        self.all.get(&self.program).map_or("0.0.0", |found| found.version.as_str())
    }
}

/// The checksums in a lock file, by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let field = |block: &str, name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""))?;
        Some(line.trim_end_matches('"').to_owned())
    };
    let blocks = lock.split("[[package]]").skip(1);
    blocks
        .filter_map(|block| Some(((field(block, "name")?, field(block, "version")?), field(block, "checksum")?)))
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    /// A program that needs one crate, whose build script needs another.
    pub(in crate::dist) fn example() -> Crates {
        let package = |id: &str, name: &str, source: Value| {
            json!({"id": id, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0", "source": source,
                   "manifest_path": format!("/absent/{name}/Cargo.toml"), "description": "a\n b"})
        };
        let registry = json!("registry+https://registry.example/index");
        let metadata = json!({
            "packages": [package("0", "assay", Value::Null), package("1", "one", registry.clone()), package("2", "cc", registry)],
            "resolve": {"nodes": [
                {"id": "0", "deps": [{"pkg": "1", "dep_kinds": [{"kind": null}]}, {"pkg": "2", "dep_kinds": [{"kind": "dev"}]}]},
                {"id": "1", "deps": [{"pkg": "2", "dep_kinds": [{"kind": "build"}]}]},
            ]},
        });
        let lock =
            "version = 4\n\n[[package]]\nname = \"one\"\nversion = \"1.0.0\"\nsource = \"x\"\nchecksum = \"ab\"\n";
        Crates::parse(&metadata, lock).unwrap()
    }

    #[test]
    fn crates_that_only_build_scripts_and_tests_need_are_left_out() {
        let crates = example();
        let names: Vec<_> = crates.all.values().map(|found| (found.name.as_str(), found.checksum.as_str())).collect();
        assert_eq!(names, [("assay", ""), ("one", "ab")]);
        assert_eq!(crates.all["1"].license, "MIT OR Apache-2.0");
        assert_eq!(crates.version(), "1.0.0");
    }
}

//! [`build`]: the WebAssembly components of this repository, made from their crates.
//!
//! Guests are not members of the workspace: they have another target and features of their own. They get a folder of
//! their own below the target directory, too, so that they never wait for the build that needs them.

use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

/// The target of all guests.
pub const TARGET: &str = "wasm32-wasip2";

/// Folders with a crate in each of their folders.
const PLACES: [&str; 2] = ["plugins", "tests/guests"];

/// What the host's build sets and a guest's must not see: flags and targets of another machine, and the target
/// directory, which the caller may have locked.
const HOST_ONLY: [&str; 5] =
    ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_TARGET_DIR"];

/// Builds every crate under `plugins/` and `tests/guests/` of the repository at `root`, in release mode, and gives the
/// paths of the components in the order of their crates. What is fresh is not built again.
///
/// # Errors
/// A crate that does not build; what cargo says about it goes to standard error.
pub fn build(root: &Utf8Path, target_dir: &Utf8Path) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let mut components = Vec::new();
    for manifest in manifests(root)? {
        let mut command = Command::new("cargo");
        command.current_dir(root).args(["build", "--release", "--locked", "--target", TARGET]);
        command.args(["--message-format", "json-render-diagnostics"]);
        command.arg("--target-dir").arg(target_dir.join("guests")).arg("--manifest-path").arg(&manifest);
        for name in HOST_ONLY {
            command.env_remove(name);
        }
        let output = command.stderr(Stdio::inherit()).output().context("cargo cannot be started")?;
        ensure!(output.status.success(), "the guest {manifest} does not build; cargo says why above");
        let made = components_in(&output.stdout, &manifest);
        if made.is_empty() {
            bail!("the guest {manifest} makes no component; give it a library of the type `cdylib`");
        }
        components.extend(made);
    }
    Ok(components)
}

/// The manifests of all guests, sorted.
fn manifests(root: &Utf8Path) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let mut manifests = Vec::new();
    for place in PLACES.map(|place| root.join(place)).iter().filter(|place| place.is_dir()) {
        for entry in place.read_dir_utf8().with_context(|| format!("{place} cannot be listed"))? {
            let manifest = entry?.path().join("Cargo.toml");
            if manifest.is_file() {
                manifests.push(manifest);
            }
        }
    }
    manifests.sort();
    Ok(manifests)
}

/// The components that cargo's messages name as made from this manifest (The Cargo Book, "External tools").
fn components_in(messages: &[u8], manifest: &Utf8Path) -> Vec<Utf8PathBuf> {
    let messages = serde_json::Deserializer::from_slice(messages).into_iter::<Value>().map_while(Result::ok);
    let made = messages.filter(|message| message["manifest_path"] == manifest.as_str());
    made.flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|name| name.as_str().map(Utf8PathBuf::from))
        .filter(|name| name.extension() == Some("wasm"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn guests_are_the_crates_in_two_folders() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        assert_eq!(manifests(root).unwrap(), [] as [&str; 0]);
        for name in ["tests/guests/loops/Cargo.toml", "plugins/b/Cargo.toml", "plugins/a/Cargo.toml", "plugins/notes/x"]
        {
            fs_err::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs_err::write(root.join(name), "").unwrap();
        }
        let want = ["plugins/a/Cargo.toml", "plugins/b/Cargo.toml", "tests/guests/loops/Cargo.toml"];
        assert_eq!(manifests(root).unwrap(), want.map(|name| root.join(name)));
    }

    /// Guests that share versions, features and profiles share what is compiled of other crates, which takes most of the time.
    #[test]
    fn guests_are_compiled_alike() {
        let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut versions = BTreeMap::<String, BTreeSet<String>>::new();
        let mut profiles = BTreeSet::new();
        for manifest in manifests(root).unwrap() {
            let manifest_text = fs_err::read_to_string(&manifest).unwrap();
            let profile = manifest_text.split_once("[profile.release]").expect("a profile").1;
            profiles.insert(profile.split("\n[").next().unwrap_or_default().trim().to_owned());
            let lock = fs_err::read_to_string(manifest.with_file_name("Cargo.lock")).unwrap();
            for package in lock.split("[[package]]").skip(1) {
                let mut lines = package.trim().lines().map(str::to_owned);
                versions.entry(lines.next().unwrap()).or_default().extend(lines.next());
            }
        }
        assert_eq!(profiles.len(), 1, "{profiles:#?}");
        assert!(versions.len() > 10, "{versions:?}");
        versions.retain(|_, versions| versions.len() > 1);
        assert_eq!(versions, BTreeMap::new(), "run `cargo update` for each of the guests");
    }

    #[test]
    fn components_are_the_wasm_files_of_the_guest_itself() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","manifest_path":"/d/Cargo.toml","filenames":["/t/d.wasm"]}"#,
            "\n",
            r#"{"reason":"compiler-artifact","manifest_path":"/g/Cargo.toml","filenames":["/t/g.wasm","/t/g.rlib"]}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(components_in(messages.as_bytes(), Utf8Path::new("/g/Cargo.toml")), ["/t/g.wasm"]);
        assert_eq!(components_in(messages.as_bytes(), Utf8Path::new("/x/Cargo.toml")), [] as [&str; 0]);
    }
}

//! Files as the tools for policies take them, which is as OPA's do: [`Sources::add_path`] and [`Sources::add_bundle`].
//!
//! Of a folder all `.rego`, `.json`, `.yaml` and `.yml` files are read, tests among them; data is rooted at the folders
//! between. Of a bundle, data is only what `data.json`, `data.yaml` and `data.yml` hold. A path may begin with where its
//! data goes, as in `lib.names:names.json`, or with `file://`.

use std::path::{Path, PathBuf};

use assay_model::limits::{DATA_FILE_BYTES, POLICY_FILE_BYTES};
use regex::Regex;

use crate::{
    bundle::{Bundle, MANIFEST, Manifest},
    folder::{FoundFile, files},
    source_error::SourceError,
    sources::{PolicyFile, Sources, document, object},
};

/// Files and folders that are left out, by patterns of their names.
#[derive(Clone, Debug, Default)]
pub struct Ignore(Vec<Regex>);

/// A pattern that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a valid glob pattern")]
pub struct InvalidGlob(String);

/// What data files of a folder are called.
const DATA: [&str; 3] = [".json", ".yaml", ".yml"];

/// What data files of a bundle are called.
const BUNDLE_DATA: [&str; 3] = ["data.json", "data.yaml", "data.yml"];

impl Ignore {
    /// Takes patterns as `--ignore` of OPA does: `*` and `?` stand for any characters of a name, `[a-z]` for one of some.
    ///
    /// # Errors
    /// [`InvalidGlob`] when brackets do not fit together.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidGlob> {
        let compiled = |pattern: &str| {
            let mut text = String::from("^");
            let mut bracket = false;
            for character in pattern.chars() {
                match character {
                    '*' if !bracket => text.push_str(".*"),
                    '?' if !bracket => text.push('.'),
                    '[' | ']' => {
                        bracket = character == '[';
                        text.push(character);
                    }
                    '^' | '-' if bracket => text.push(character),
                    other => text.push_str(&regex::escape(&other.to_string())),
                }
            }
            text.push('$');
            Regex::new(&text).map_err(|_| InvalidGlob(pattern.to_owned()))
        };
        patterns.into_iter().map(compiled).collect::<Result<_, _>>().map(Self)
    }

    fn leaves_out(&self, found: &FoundFile, path: &Path) -> bool {
        // What is named itself is wanted.
        let name = found.path.file_name().filter(|_| found.path != path).map(|name| name.to_string_lossy());
        let matches = |name: &str| self.0.iter().any(|pattern| pattern.is_match(name));
        found.folders.iter().any(|folder| matches(folder)) || name.is_some_and(|name| matches(&name))
    }
}

impl Sources {
    /// Adds the policies and the data of a folder or file.
    ///
    /// # Errors
    /// [`SourceError`] for what cannot be read, is too large, or is neither a policy nor data.
    pub fn add_path(&mut self, path: &str, ignore: &Ignore) -> Result<(), SourceError> {
        let (root, path) = rooted(path);
        self.add_files(&path, &root, ignore, |name| is_policy(name) || DATA.iter().any(|ending| name.ends_with(ending)))
    }

    /// Adds the policies and the data of a bundle that is a folder.
    ///
    /// # Errors
    /// [`SourceError`] for what cannot be read or is too large.
    pub fn add_bundle(&mut self, path: &str, ignore: &Ignore) -> Result<(), SourceError> {
        let (root, folder) = rooted(path);
        if folder.is_file() && !is_policy(&folder.to_string_lossy()) {
            return Err(SourceError::Packed { path: folder });
        }
        let name = |file: &Path| shown(&file.display().to_string());
        self.add_bundle_files(path, &folder, &root, ignore, &name)
    }

    /// Adds the policies and the data of a bundle that was unpacked to a folder; its files are named from there.
    ///
    /// # Errors
    /// [`SourceError`] for what cannot be read or is too large.
    pub fn add_unpacked_bundle(&mut self, name: &str, folder: &Path, ignore: &Ignore) -> Result<(), SourceError> {
        let inside = |file: &Path| file.strip_prefix(folder).unwrap_or(file).display().to_string();
        self.add_bundle_files(name, folder, &[], ignore, &inside)
    }

    fn add_bundle_files(
        &mut self,
        name: &str,
        folder: &Path,
        root: &[String],
        ignore: &Ignore,
        shown: &dyn Fn(&Path) -> String,
    ) -> Result<(), SourceError> {
        let found = files(folder, |name| is_policy(name) || BUNDLE_DATA.contains(&name))?;
        let manifest = folder.join(MANIFEST);
        let manifest = if manifest.is_file() {
            let text = self.read(&manifest, DATA_FILE_BYTES)?;
            Some(Manifest::read(&text).map_err(|why| SourceError::Bundle { name: name.to_owned(), why })?)
        } else {
            None
        };
        let mut bundle = Bundle::new(name, manifest);
        for file in found.iter().filter(|file| !ignore.leaves_out(file, folder)) {
            let shown = shown(&file.path);
            if is_policy(&shown) {
                let inside = file.path.strip_prefix(folder).unwrap_or(&file.path);
                let v0 = bundle.manifest.as_ref().and_then(|it| it.is_v0(&format!("/{}", inside.display())));
                bundle.policies.insert(shown.clone());
                self.add_policy_file(&file.path, shown, v0)?;
                continue;
            }
            let text = self.read(&file.path, DATA_FILE_BYTES)?;
            let path: Vec<_> = root.iter().chain(&file.folders).cloned().collect();
            let value = if path.is_empty() { object(&shown, &text)?.into() } else { document(&shown, &text)? };
            bundle.add_data(&shown, &path, &value);
            self.data.add_value(&shown, &path, value)?;
        }
        self.bundles.push(bundle);
        Ok(())
    }

    fn add_policy_file(&mut self, path: &Path, name: String, v0: Option<bool>) -> Result<(), SourceError> {
        if self.policies.iter().all(|known| known.name != name) {
            let text = self.read(path, POLICY_FILE_BYTES)?;
            self.policies.push(PolicyFile { name, text, v0 });
        }
        Ok(())
    }

    fn add_files(
        &mut self,
        path: &Path,
        root: &[String],
        ignore: &Ignore,
        wanted: fn(&str) -> bool,
    ) -> Result<(), SourceError> {
        let found = files(path, wanted)?;
        if found.is_empty() && path.is_file() {
            return Err(SourceError::Unknown { path: path.to_owned() });
        }
        for file in found.iter().filter(|file| !ignore.leaves_out(file, path)) {
            let name = shown(&file.path.display().to_string());
            if is_policy(&name) {
                self.add_policy_file(&file.path, name, None)?;
            } else {
                let text = self.read(&file.path, DATA_FILE_BYTES)?;
                let path: Vec<_> = root.iter().chain(&file.folders).cloned().collect();
                // As in OPA only what stands at the root must be an object.
                let value = if path.is_empty() { object(&name, &text)?.into() } else { document(&name, &text)? };
                self.data.add_value(&name, &path, value)?;
            }
        }
        Ok(())
    }
}

/// How a file is named: as for OPA, `./policy` and `policy` are one place.
fn shown(path: &str) -> String {
    path.strip_prefix("./").map_or(path, |rest| rest.trim_start_matches('/')).to_owned()
}

fn is_policy(name: &str) -> bool {
    name.ends_with(".rego")
}

/// Where the data of a path goes, and the path itself.
fn rooted(path: &str) -> (Vec<String>, PathBuf) {
    let plain = path.strip_prefix("file://").unwrap_or(path);
    let is_name = |part: &str| !part.is_empty() && part.chars().all(|at| at.is_ascii_alphanumeric() || at == '_');
    match plain.split_once(':') {
        Some((root, rest)) if !Path::new(plain).exists() && root.split('.').all(is_name) => {
            let root = root.strip_prefix("data.").unwrap_or(root);
            (root.split('.').map(str::to_owned).collect(), PathBuf::from(rest))
        }
        _ => (Vec::new(), PathBuf::from(plain)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
        folder
    }

    /// The names of the policies, and the data.
    fn loaded(files: &[(&str, &str)], ignore: &[&str], bundle: bool) -> (Vec<String>, serde_json::Value) {
        let folder = folder(files);
        let path = folder.path().to_str().unwrap();
        let ignore = Ignore::new(ignore.iter().copied()).unwrap();
        let mut sources = Sources::new();
        if bundle { sources.add_bundle(path, &ignore) } else { sources.add_path(path, &ignore) }.unwrap();
        let (policies, data) = sources.into_parts();
        let name = |file: PolicyFile| file.name.strip_prefix(path).unwrap().to_owned();
        (policies.into_iter().map(name).collect(), data.into_json())
    }

    const FILES: [(&str, &str); 6] = [
        ("p.rego", "package p"),
        ("p_test.rego", "package p_test"),
        ("readme.md", "no data"),
        ("a/b/names.json", "{\"x\": 1}"),
        ("a/data.yaml", "y: [2]"),
        (".git/z.yml", "z: 3"),
    ];

    #[test]
    fn data_is_rooted_at_the_folders_between() {
        let (policies, data) = loaded(&FILES, &[], false);
        assert_eq!(policies, ["/p.rego", "/p_test.rego"]);
        assert_eq!(data, json!({".git": {"z": 3}, "a": {"b": {"x": 1}, "y": [2]}}));
        let (_, data) = loaded(&FILES, &[], true);
        assert_eq!(data, json!({"a": {"y": [2]}}));
    }

    #[test]
    fn data_below_the_root_may_be_of_any_kind() {
        let (_, data) = loaded(&[("a/b/list.json", "[1, 2]"), ("a/c/word.yaml", "x")], &[], false);
        assert_eq!(data, json!({"a": {"b": [1, 2], "c": "x"}}));
        let root = folder(&[("list.json", "[1]")]);
        let added = Sources::new().add_path(root.path().to_str().unwrap(), &Ignore::default());
        assert!(matches!(added, Err(SourceError::NotAnObject { .. })));
    }

    #[test]
    fn what_is_ignored_is_not_read() {
        let (policies, data) = loaded(&FILES, &["*_test.rego", ".*", "[b-c]"], false);
        assert_eq!(policies, ["/p.rego"]);
        assert_eq!(data, json!({"a": {"y": [2]}}));
        assert_eq!(Ignore::new(["[a"]).unwrap_err().to_string(), "`[a` is not a valid glob pattern");
    }

    #[test]
    fn a_path_may_say_where_its_data_goes() {
        let folder = folder(&FILES);
        let file = folder.path().join("a/b/names.json");
        let mut sources = Sources::new();
        sources.add_path(&format!("data.lib.names:{}", file.display()), &Ignore::default()).unwrap();
        sources.add_path(&format!("file://{}", file.display()), &Ignore::default()).unwrap();
        assert_eq!(sources.into_parts().1.into_json(), json!({"lib": {"names": {"x": 1}}, "x": 1}));
    }

    #[test]
    fn a_file_that_is_neither_policy_nor_data_is_reported() {
        let folder = folder(&FILES);
        let file = folder.path().join("readme.md");
        let says = |error: SourceError| error.to_string();
        let wrong = Sources::new().add_path(file.to_str().unwrap(), &Ignore::default()).map_err(says).unwrap_err();
        assert!(wrong.ends_with("readme.md` is neither a policy nor data"), "{wrong}");
        let wrong = Sources::new().add_bundle(file.to_str().unwrap(), &Ignore::default()).map_err(says).unwrap_err();
        assert!(wrong.contains("is a packed bundle"), "{wrong}");
    }
}

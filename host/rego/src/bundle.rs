//! [`Bundle`]: what the `.manifest` of a bundle says, and whether what is in the bundle and beside it fits.
//!
//! Format and sentences are those of OPA: `roots` are the paths of `data` that the bundle may set, `rego_version` and
//! `file_rego_versions` say in which language its policies are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::engine::GlobPattern;

/// The name of the file.
pub(crate) const MANIFEST: &str = ".manifest";

/// A bundle that was added to the sources.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The path that it was named by.
    pub name: String,
    /// What its manifest says; none if it has none.
    pub manifest: Option<Manifest>,
    /// Its data files, each with its path below `data`.
    pub data: Vec<(String, Vec<String>)>,
    /// The names of its policies.
    pub(crate) policies: BTreeSet<String>,
    /// Data outside its roots, in OPA's words.
    pub(crate) misplaced: Vec<String>,
}

/// A manifest.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// The document as it was written.
    pub document: Map<String, Value>,
    /// The paths below `data` that the bundle may set, with slashes; the empty one is all.
    pub roots: Vec<String>,
    rego_version: Option<u64>,
    file_rego_versions: BTreeMap<String, u64>,
}

impl Manifest {
    /// Reads the text of a manifest.
    ///
    /// # Errors
    /// What is wrong with it, in OPA's words where OPA has some.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let wrong = |error: &dyn std::fmt::Display| format!("bundle load failed on manifest decode: {error}");
        let document: Map<String, Value> = serde_json::from_str(text).map_err(|error| wrong(&error))?;
        let mut manifest = Self { roots: vec![String::new()], ..Self::default() };
        if let Some(roots) = document.get("roots").filter(|roots| !roots.is_null()) {
            let roots: Vec<String> = serde_json::from_value(roots.clone()).map_err(|error| wrong(&error))?;
            manifest.roots = roots.iter().map(|root| root.trim_matches('/').to_owned()).collect();
        }
        if let Some(version) = document.get("rego_version").filter(|version| !version.is_null()) {
            manifest.rego_version = Some(serde_json::from_value(version.clone()).map_err(|error| wrong(&error))?);
        }
        if let Some(versions) = document.get("file_rego_versions").filter(|versions| !versions.is_null()) {
            manifest.file_rego_versions = serde_json::from_value(versions.clone()).map_err(|error| wrong(&error))?;
        }
        for (at, one) in manifest.roots.iter().enumerate() {
            if let Some(other) = manifest.roots.iter().skip(at + 1).find(|other| overlap(one, other)) {
                return Err(format!("manifest has overlapped roots: '{one}' and '{other}'"));
            }
        }
        manifest.document = document;
        Ok(manifest)
    }

    /// Whether a file of the bundle, such as `/x/p.rego`, is Rego of before 1.0; none where the manifest does not say.
    pub(crate) fn is_v0(&self, file: &str) -> Option<bool> {
        let fits = |pattern: &str| GlobPattern::parse(pattern, &['/']).is_some_and(|glob| glob.is_match(file));
        let own = self.file_rego_versions.iter().find(|(pattern, _)| *pattern == file || fits(pattern));
        own.map(|(_, version)| *version).or(self.rego_version).map(|version| version == 0)
    }
}

/// Whether one of two roots is in the other.
fn overlap(one: &str, other: &str) -> bool {
    holds(one, other) || holds(other, one)
}

/// Whether a path is a root or below it.
fn holds(root: &str, path: &str) -> bool {
    root.is_empty() || path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Bundle {
    pub(crate) fn new(name: &str, manifest: Option<Manifest>) -> Self {
        let (policies, misplaced) = (BTreeSet::new(), Vec::new());
        Self { name: name.to_owned(), manifest, data: Vec::new(), policies, misplaced }
    }

    /// The roots; all of `data` without a manifest.
    fn roots(&self) -> &[String] {
        const ALL: &[String] = &[String::new()];
        self.manifest.as_ref().map_or(ALL, |manifest| &manifest.roots)
    }

    /// Notes a data file, and what of it is outside the roots.
    pub(crate) fn add_data(&mut self, file: &str, path: &[String], value: &Value) {
        if let Some(outside) = self.outside(&mut path.to_vec(), value) {
            let roots = self.roots().join(" ");
            self.misplaced.push(format!(
                "manifest roots [{roots}] do not permit data at path '/{outside}' (hint: check bundle directory structure)"
            ));
        }
        self.data.push((file.to_owned(), path.to_vec()));
    }

    /// The first path of a value that no root holds.
    fn outside(&self, path: &mut Vec<String>, value: &Value) -> Option<String> {
        let here = path.join("/");
        if self.roots().iter().any(|root| holds(root, &here)) {
            return None;
        }
        match value {
            // A root may be further down.
            Value::Object(fields) if here.is_empty() || self.roots().iter().any(|root| holds(&here, root)) => {
                fields.iter().find_map(|(key, value)| {
                    path.push(key.clone());
                    let found = self.outside(path, value);
                    path.pop();
                    found
                })
            }
            _ => Some(here),
        }
    }

    /// What does not fit in the bundle, where its policies have these packages.
    fn misfit(&self, packages: &[(&str, &[String])]) -> Option<String> {
        let own = packages.iter().filter(|(file, _)| self.policies.contains(*file));
        let outside = own.filter(|(_, package)| !self.roots().iter().any(|root| holds(root, &package.join("/"))));
        let mut messages = outside.map(|(file, package)| {
            let (roots, package) = (self.roots().join(" "), crate::data_path::written_name(package));
            format!("manifest roots [{roots}] do not permit 'package {package}' in module '{file}'")
        });
        let message = messages.next().or_else(|| self.misplaced.first().cloned())?;
        Some(format!("loading error: bundle {}: {message}", self.name))
    }
}

/// What does not fit together in bundles, whose policies have these packages.
pub(crate) fn misfit(bundles: &[Bundle], packages: &[(&str, &[String])]) -> Option<String> {
    bundles.iter().find_map(|bundle| bundle.misfit(packages)).or_else(|| overlaps(bundles))
}

/// Which roots belong to more than one bundle.
fn overlaps(bundles: &[Bundle]) -> Option<String> {
    let (mut names, mut found) = (BTreeSet::new(), BTreeSet::new());
    for (at, one) in bundles.iter().enumerate() {
        for other in bundles.iter().skip(at + 1) {
            for (root, with) in one.roots().iter().flat_map(|root| other.roots().iter().map(move |with| (root, with))) {
                if overlap(root, with) {
                    names.extend([one.name.as_str(), other.name.as_str()]);
                    let (up, down) = if root.len() <= with.len() { (root, with) } else { (with, root) };
                    found.insert(if up == down {
                        format!("root {root} is in multiple bundles")
                    } else {
                        format!("{up} overlaps {down}")
                    });
                }
            }
        }
    }
    if found.is_empty() {
        return None;
    }
    let list = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(", ");
    let open = bundles.iter().filter(|bundle| bundle.roots().iter().any(String::is_empty));
    let open: BTreeSet<_> = open.map(|bundle| bundle.name.as_str()).collect();
    let names = list(names);
    Some(if open.is_empty() {
        let found: Vec<_> = found.into_iter().collect();
        format!("detected overlapping roots in manifests for these bundles: [{names}] ({})", found.join(", "))
    } else {
        let open = list(open);
        format!(
            "bundles [{names}] have overlapping roots and cannot be activated simultaneously because bundle(s) [{open}] specify empty root paths ('') which overlap with any other bundle root"
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bundle(name: &str, manifest: &str) -> Bundle {
        Bundle::new(name, Some(Manifest::read(manifest).unwrap()))
    }

    #[test]
    fn a_manifest_is_read_or_refused() {
        for (text, want) in [
            ("{", "bundle load failed on manifest decode: "),
            (r#"{"roots": 1}"#, "bundle load failed on manifest decode: "),
            (r#"{"rego_version": "0"}"#, "bundle load failed on manifest decode: "),
            (r#"{"roots": ["x", "/x/y/"]}"#, "manifest has overlapped roots: 'x' and 'x/y'"),
        ] {
            let error = Manifest::read(text).unwrap_err();
            assert!(error.starts_with(want), "{text}: {error}");
        }
        assert_eq!(Manifest::read("{}").unwrap().roots, [""]);
    }

    #[test]
    fn the_version_of_a_file_goes_before_that_of_the_bundle() {
        let manifest = Manifest::read(r#"{"rego_version": 0, "file_rego_versions": {"/x/*.rego": 1}}"#).unwrap();
        assert_eq!(manifest.is_v0("/x/p.rego"), Some(false));
        assert_eq!(manifest.is_v0("/x/y/p.rego"), Some(true));
        assert_eq!(Manifest::default().is_v0("/p.rego"), None);
    }

    #[test]
    fn what_is_outside_the_roots_is_named() {
        for (data, want) in [
            (json!({"x": {"z": 1}}), None),
            (json!({"x": {"a": 1}}), Some("/x/a")),
            (json!({"x": 1}), Some("/x")),
            (json!({"y": 1}), Some("/y")),
        ] {
            let mut bundle = bundle("b", r#"{"roots": ["x/z", "q"]}"#);
            bundle.add_data("b/data.json", &[], &data);
            let want = want.map(|path| {
                format!("loading error: bundle b: manifest roots [x/z q] do not permit data at path '{path}' (hint: check bundle directory structure)")
            });
            assert_eq!(misfit(&[bundle], &[]), want);
        }
        let mut bundle = bundle("b", r#"{"roots": ["x"]}"#);
        bundle.policies.insert("b/y/p.rego".to_owned());
        let want = "loading error: bundle b: manifest roots [x] do not permit 'package y' in module 'b/y/p.rego'";
        assert_eq!(misfit(&[bundle], &[("b/y/p.rego", &["y".to_owned()])]).unwrap(), want);
    }

    #[test]
    fn a_root_belongs_to_one_bundle() {
        let (b, c, d) = ("{\"roots\":[\"x\",\"q\"]}", "{\"roots\":[\"x/y\",\"q\"]}", "{\"roots\":[\"z\"]}");
        let all = [bundle("b", b), bundle("c", c), bundle("d", d)];
        let want = "detected overlapping roots in manifests for these bundles: [b, c] (root q is in multiple bundles, x overlaps x/y)";
        assert_eq!(misfit(&all, &[]).unwrap(), want);
        assert_eq!(misfit(&[bundle("b", b), bundle("d", d)], &[]), None);
        let open = misfit(&[bundle("b", b), Bundle::new("c", None)], &[]).unwrap();
        assert!(open.contains("because bundle(s) [c] specify empty root paths ('')"), "{open}");
    }
}

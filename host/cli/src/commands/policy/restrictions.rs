//! What restricts policies: `--schema` and `--capabilities`.
//!
//! Both are compared with by everything that is compiled, so they stay until the program ends.

use std::path::Path;

use assay_model::yaml;
use assay_rego::{Capabilities, SchemaSet};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use crate::{error::CliError, files::read_text, flags::policy::LoadFlags};

/// Bytes of a capabilities file or a schema. OPA's capabilities have some 120 kB.
const FILE_BYTES: u64 = 16 << 20;

/// Directories of schemas within one another.
const DEPTH: usize = 50;

/// Schemas of one directory.
const SCHEMAS: usize = 10_000;

/// What `--capabilities` restricts policies to.
pub(super) fn capabilities(flags: &LoadFlags) -> Result<Option<&'static Capabilities>, CliError> {
    let Some(path) = flags.capabilities.as_deref() else { return Ok(None) };
    if is_version(path) && !Path::new(path).exists() {
        let fact = format!("`--capabilities {path}`: assay does not have the capabilities of versions of OPA");
        return Err(
            CliError::new(fact).hint(format!("name a file, such as that of `opa capabilities --version {path}`"))
        );
    }
    let text = read_text(Utf8Path::new(path), "--capabilities", FILE_BYTES)?;
    let read = Capabilities::read(&text)
        .map_err(|error| CliError::new(format!("`{path}` (--capabilities) is not a capabilities file: {error}")))?;
    Ok(Some(Box::leak(Box::new(read))))
}

/// `v1.2.3`
fn is_version(text: &str) -> bool {
    text.strip_prefix('v').is_some_and(|rest| rest.split('.').all(|part| part.parse::<u32>().is_ok()))
}

/// The schemas of `--schema`: a file is that of `input`, and those of a directory have the names of their files. Without
/// the flag annotations may still have schemas of their own.
pub(super) fn schemas(flags: &LoadFlags) -> Result<&'static SchemaSet, CliError> {
    let set = match flags.schema.as_deref() {
        None => SchemaSet::default(),
        Some(path) => {
            let path = Utf8Path::new(path.strip_prefix("file://").unwrap_or(path));
            if path.is_dir() {
                let mut found = Vec::new();
                collect(path, path, DEPTH, &mut found)?;
                SchemaSet::named(found)
            } else {
                SchemaSet::of_input(schema(path)?)
            }
        }
    };
    Ok(Box::leak(Box::new(set)))
}

fn schema(path: &Utf8Path) -> Result<Value, CliError> {
    let text = read_text(path, "--schema", FILE_BYTES)?;
    let read = if text.trim_start().starts_with('{') {
        serde_json::from_str(&text).map_err(|error| error.to_string())
    } else {
        yaml::parse(&text).map_err(|error| error.to_string())
    };
    read.map_err(|error| CliError::new(format!("the schema `{path}` is neither JSON nor YAML: {error}")))
}

/// `a/b.json` of the directory is `schema.a.b`.
fn collect(
    root: &Utf8Path,
    folder: &Utf8Path,
    depth: usize,
    found: &mut Vec<(Vec<String>, Value)>,
) -> Result<(), CliError> {
    let unreadable = |error: std::io::Error| CliError::new(format!("`{folder}` (--schema) cannot be read: {error}"));
    let Some(depth) = depth.checked_sub(1) else {
        return Err(CliError::new(format!("`{root}` (--schema) is more than {DEPTH} directories deep")));
    };
    let mut entries: Vec<Utf8PathBuf> = Vec::new();
    for entry in folder.read_dir_utf8().map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?.into_path());
    }
    entries.sort();
    for path in entries {
        if fs_err::symlink_metadata(&path).map_err(unreadable)?.is_dir() {
            collect(root, &path, depth, found)?;
        } else if found.len() < SCHEMAS {
            let name = path.strip_prefix(root).unwrap_or(&path).with_extension("");
            found.push((name.components().map(|part| part.as_str().to_owned()).collect(), schema(&path)?));
        } else {
            return Err(CliError::new(format!("`{root}` (--schema) has more than {SCHEMAS} files")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_opa_is_no_file() {
        assert_eq!(["v1.15.2", "v0.1", "v1", "caps.json", "v1.x"].map(is_version), [true, true, true, false, false]);
    }

    #[test]
    fn schemas_of_a_directory_have_the_names_of_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        fs_err::create_dir(root.join("a")).unwrap();
        fs_err::write(root.join("a/b.json"), "{}").unwrap();
        fs_err::write(root.join("c.yaml"), "type: string").unwrap();
        let mut found = Vec::new();
        collect(root, root, DEPTH, &mut found).unwrap();
        let names: Vec<_> = found.iter().map(|(name, _)| name.join(".")).collect();
        assert_eq!(names, ["a.b", "c"]);
        fs_err::write(root.join("d.json"), "{").unwrap();
        assert!(collect(root, root, DEPTH, &mut Vec::new()).is_err());
    }
}

//! [`packages`]: which packages there are, and which files they are in.

use std::collections::BTreeMap;

use crate::{compile_error::CompileError, program::module_summaries, sources::Sources};

/// A path as Rego writes it: `data.a["b-c"]`.
fn written(path: &[String]) -> String {
    let mut text = "data".to_owned();
    for part in path {
        let plain = part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && part.chars().all(|each| each.is_ascii_alphanumeric() || each == '_');
        text.push_str(&if plain { format!(".{part}") } else { format!("[{part:?}]") });
    }
    text
}

/// The files of each package, such as `data.lib.time`, in the order of names. Policies need not compile, only parse.
///
/// # Errors
/// Everything that is not Rego.
pub fn packages(sources: Sources) -> Result<BTreeMap<String, Vec<String>>, CompileError> {
    module_summaries(sources, |modules| {
        let mut packages: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (module, _) in modules {
            packages.entry(written(&module.package)).or_default().push(module.file.clone());
        }
        Ok(packages)
    })
}

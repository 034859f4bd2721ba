//! [`packages`]: which packages there are, and which files they are in.

use std::collections::BTreeMap;

use crate::{compile_error::CompileError, program::module_summaries, sources::Sources};

/// Words that are no plain part of a path.
const KEYWORDS: [&str; 15] = [
    "as", "contains", "default", "else", "every", "false", "if", "import", "in", "not", "null", "package", "some",
    "true", "with",
];

/// A path below `data` as Rego writes it: `data.a["b-c"]`.
pub(crate) fn written<'a>(path: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = "data".to_owned();
    for part in path {
        let plain = part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && part.chars().all(|each| each.is_ascii_alphanumeric() || each == '_')
            && !KEYWORDS.contains(&part);
        text.push_str(&if plain { format!(".{part}") } else { format!("[{part:?}]") });
    }
    text
}

/// The name of a package without `data` in front.
pub(crate) fn written_name(path: &[String]) -> String {
    written(path.iter().map(String::as_str)).trim_start_matches("data").trim_start_matches('.').to_owned()
}

/// The files of each package, such as `data.lib.time`, in the order of names, and behind them the data files of bundles. Policies
/// need not compile, only parse.
///
/// # Errors
/// Everything that is not Rego.
pub fn packages(sources: Sources) -> Result<BTreeMap<String, Vec<String>>, CompileError> {
    let data: Vec<_> = sources.bundles().iter().flat_map(|bundle| bundle.data.clone()).collect();
    module_summaries(sources, |modules| {
        let mut packages: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (module, _) in modules {
            packages.entry(written(module.package.iter().map(String::as_str))).or_default().push(module.file.clone());
        }
        for (file, path) in data {
            packages.entry(written(path.iter().map(String::as_str))).or_default().push(file);
        }
        Ok(packages)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_are_no_names_are_quoted() {
        assert_eq!(written(["a", "b-c", "d_1", "if"]), "data.a[\"b-c\"].d_1[\"if\"]");
        assert_eq!(written([]), "data");
    }
}

//! [`packages`]: which packages there are, and which files they are in.

use std::collections::BTreeMap;

use crate::{compile_error::CompileError, data_path::written, program::module_summaries, sources::Sources};

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

//! [`packages`]: which packages there are, and which files they are in.

use std::collections::BTreeMap;

use crate::{compile_error::CompileError, policy::outlines, sources::Sources};

/// The files of each package, such as `data.lib.time`, in the order of names. Policies need not compile, only parse.
///
/// # Errors
/// Everything that is not Rego.
pub fn packages(sources: Sources) -> Result<BTreeMap<String, Vec<String>>, CompileError> {
    outlines(sources, |modules| {
        let mut packages: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (module, _) in modules {
            packages.entry(format!("data.{}", module.package_name())).or_default().push(module.file.clone());
        }
        Ok(packages)
    })
}

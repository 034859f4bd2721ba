//! What is wrong with the imports of a file: two of one name, and, in strict mode, one that nothing uses.

use std::cell::Cell;
use std::collections::BTreeMap;

use crate::compile_options::CompileOptions;
use crate::engine::ast::{Import, Module};
use crate::engine::error::{CompileCode, CompileError};
use crate::engine::span::Source;

/// Checks the imports of a file, of which `used` says which something uses.
pub(crate) fn check(
    module: &Module,
    source: &Source,
    used: &[Cell<bool>],
    options: CompileOptions,
    errors: &mut Vec<CompileError>,
) {
    let mut report = |import: &Import, message| {
        errors.push(CompileError::at(source, import.span, CompileCode::Compile, message));
    };
    let mut names: BTreeMap<_, &Import> = BTreeMap::new();
    for (import, used) in module.imports.iter().zip(used) {
        let Some(name) = import.name() else { continue };
        match names.get(name) {
            Some(first) if options.strict || !module.v0 => {
                report(import, format!("import must not shadow {}", shown(first)));
            }
            Some(_) => {}
            None => {
                names.insert(name, import);
                if options.strict && !used.get() {
                    report(import, format!("{} unused", shown(import)));
                }
            }
        }
    }
}

/// An import as it is written.
fn shown(import: &Import) -> String {
    let path = import.path.iter().map(|part| &**part).collect::<Vec<_>>().join(".");
    match &import.alias {
        Some(alias) => format!("import {path} as {alias}"),
        None => format!("import {path}"),
    }
}

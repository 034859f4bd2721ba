//! What is wrong with METADATA blocks: text that is no list of keys, a scope where it cannot stand, two of one place.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;

use crate::engine::ast::Module;
use crate::engine::error::{CompileCode, CompileError};
use crate::engine::span::{Source, Span};
use crate::module_summary::Metadata;

use super::{Block, FileAnnotations, KEYS, field, scope_of};

/// An error at the comment of a row.
pub(super) fn at_row(source: &Source, comments: &[Span], row: u32, message: String, code: CompileCode) -> CompileError {
    let at = comments.partition_point(|comment| source.row(comment.start) < row);
    CompileError::at(source, comments.get(at).copied().unwrap_or_default(), code, message)
}

/// The keys of a block, or what is wrong with it and in which row.
pub(super) fn parsed(block: &Metadata) -> Result<Value, (u32, String)> {
    let first = block.first + 1;
    if block.yaml.trim().is_empty() {
        return Err((block.first, "expected METADATA block, found whitespace".to_owned()));
    }
    if let Some((row, key)) = repeated(&block.yaml) {
        return Err((first + row, format!("yaml: mapping key \"{key}\" already defined")));
    }
    let wrong = |message: String| (first, format!("yaml: {message}"));
    let yaml = assay_model::yaml::parse(&block.yaml).map_err(|error| wrong(error.to_string()))?;
    let value = serde_json::from_value::<Value>(yaml).map_err(|error| wrong(error.to_string()))?;
    match &value {
        // Comments alone are no keys.
        Value::Null => Ok(Value::new_object()),
        Value::Object(_) => match field(&value, "entrypoint") {
            None | Some(Value::Bool(_) | Value::Null) => Ok(value),
            Some(_) => Err(wrong("`entrypoint` is neither true nor false".to_owned())),
        },
        _ => Err(wrong("the block is not a list of keys with values".to_owned())),
    }
}

/// A key that stands in a block twice, and in which of its lines the second is.
fn repeated(yaml: &str) -> Option<(u32, &str)> {
    let mut seen = BTreeSet::new();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let least = yaml.lines().filter(|line| !line.trim().is_empty()).map(indent).min()?;
    let keys = yaml.lines().zip(0..).filter(|(line, _)| indent(line) == least);
    keys.filter_map(|(line, row)| Some((row, line.trim_start().split_once(':')?.0)))
        .find(|(_, key)| KEYS.contains(key) && !seen.insert(*key))
}

/// What is wrong with the scope of a block: where it stands, it cannot be about that.
pub(super) fn misplaced(block: &Block, on_package: bool, on_rule: bool, entry: bool) -> Option<String> {
    let have = if on_package { "package" } else { "rule" };
    match block.scope.as_deref() {
        None if on_package || on_rule => return None,
        Some("rule" | "document") if on_rule && !on_package => {}
        Some("package" | "subpackages") if on_package => {}
        Some(scope @ ("rule" | "document")) if on_package => {
            let wanted = "rule";
            return Some(format!("annotation scope '{scope}' must be applied to {wanted} (have {have})"));
        }
        Some(scope @ ("package" | "subpackages")) => {
            return Some(format!("annotation scope '{scope}' must be applied to package (have {have})"));
        }
        other => {
            let scope = other.unwrap_or_default();
            let known = "'rule', 'document', 'package', or 'subpackages'";
            return Some(format!("invalid annotation scope '{scope}'. Use one of {known}"));
        }
    }
    match block.scope.as_deref() {
        Some(scope @ ("rule" | "subpackages")) if entry => {
            Some(format!("annotation entrypoint applied to non-document or package scope '{scope}'"))
        }
        _ => None,
    }
}

/// Reports packages that are annotated more than once in the scope `package`.
pub(super) fn redeclared<'a>(
    files: impl Iterator<Item = (&'a Module, &'a Source, &'a FileAnnotations)>,
    errors: &mut Vec<CompileError>,
) {
    let mut first = BTreeMap::new();
    for (module, source, file) in files {
        for _ in file.on_package.iter().filter(|value| scope_of(value) == Some("package")) {
            let span = module.comments.first().copied().unwrap_or(module.package_span);
            let place = format!("{}:{}", source.name, source.row(span.start));
            if let Some(before) = first.insert(&file.package, place.clone()) {
                let message = format!("package annotation redeclared: {before}");
                errors.push(CompileError::at(source, span, CompileCode::Type, message));
                first.insert(&file.package, before);
            }
        }
    }
}

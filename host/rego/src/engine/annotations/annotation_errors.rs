//! What is wrong with METADATA blocks: text that is no list of keys, a scope where it cannot stand, two of one place.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;
use serde::Deserialize as _;

use crate::engine::error::{CompileCode, CompileError};
use crate::engine::span::{Source, Span};
use crate::module_summary::Metadata;

use super::{Block, FileAnnotations, KEYS, field};

/// An error at the comment of a row.
pub(super) fn at_row(source: &Source, comments: &[Span], row: u32, message: String, code: CompileCode) -> CompileError {
    CompileError::at(source, comment_at(source, comments, row), code, message)
}

/// The comment of a row.
pub(super) fn comment_at(source: &Source, comments: &[Span], row: u32) -> Span {
    let at = comments.partition_point(|comment| source.row(comment.start) < row);
    comments.get(at).copied().unwrap_or_default()
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
    let document = block.document().map_err(|error| wrong(error.to_string()))?;
    let value = Value::deserialize(document).map_err(|error| wrong(error.to_string()))?;
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

/// What is wrong with the scope of a block: where it stands, it cannot be about that. It stands above a `package`, an
/// `import`, a `rule` or nothing.
pub(super) fn misplaced(block: &Block, stands_above: &str, entry: bool) -> Option<String> {
    let (wanted, scope) = match block.scope.as_deref() {
        None if matches!(stands_above, "package" | "rule") => return None,
        Some(scope @ ("rule" | "document")) => ("rule", scope),
        Some(scope @ ("package" | "subpackages")) => ("package", scope),
        other => {
            let scope = other.unwrap_or(stands_above);
            let known = "'rule', 'document', 'package', or 'subpackages'";
            return Some(format!("invalid annotation scope '{scope}'. Use one of {known}"));
        }
    };
    if wanted != stands_above {
        return Some(format!("annotation scope '{scope}' must be applied to {wanted} (have {stands_above})"));
    }
    (entry && matches!(scope, "rule" | "subpackages"))
        .then(|| format!("annotation entrypoint applied to non-document or package scope '{scope}'"))
}

/// Reports the scopes of which a path has more than one block.
pub(super) fn redeclared<'a>(
    files: impl Iterator<Item = (&'a Source, &'a FileAnnotations)>,
    errors: &mut Vec<CompileError>,
) {
    let mut first = BTreeMap::new();
    for (source, file) in files {
        for (scope, path, span) in &file.once {
            let place = format!("{}:{}", source.name, source.row(span.start));
            match first.entry((*scope, path)) {
                Entry::Vacant(entry) => {
                    entry.insert(place);
                }
                Entry::Occupied(before) => {
                    let message = format!("{scope} annotation redeclared: {}", before.get());
                    errors.push(CompileError::at(source, *span, CompileCode::Type, message));
                }
            }
        }
    }
}

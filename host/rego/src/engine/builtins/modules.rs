//! `rego.parse_module`.

use regorus::Value;

use super::errors::BuiltinError;
use super::operands::{some, string};
use super::types::{OBJECT, Type};
use super::{Builtin, Outcome, builtin, limits};
use crate::engine::documents::take;
use crate::engine::module_syntax::module_syntax;

pub(super) const TABLE: &[Builtin] =
    &[builtin!("rego.parse_module"(file: Type::String, text: Type::String) -> OBJECT => parse_module)];

fn parse_module(file: &Value, text: &Value) -> Outcome {
    let (file, text) = (string(file, 1)?, string(text, 2)?);
    if text.len() > limits::MODULE_BYTES {
        return Err(BuiltinError::limit("the module is too large"));
    }
    let tree = module_syntax(file, text).ok_or_else(|| BuiltinError::failed("the text is no module"))?;
    some(take(tree).map_err(|error| BuiltinError::failed(error.to_string()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_is_wrong_or_too_large_has_no_tree() {
        let parsed = |text: &str| parse_module(&"a.rego".into(), &text.into());
        assert!(parsed("package a").unwrap().is_some());
        assert!(!parsed("package").unwrap_err().halt);
        assert!(parsed(&" ".repeat(limits::MODULE_BYTES + 1)).unwrap_err().halt);
    }
}

//! `json.marshal`, `json.marshal_with_options`, `json.unmarshal`, `json.is_valid`.

use regorus::Value;
use serde_json::value::RawValue;

use super::errors::BuiltinError;
use super::json_text::{Layout, compact, read, write};
use super::operands::{characters, object, some, text};
use super::scope::Scope;
use super::term::{kind, term};
use super::types::{ANY, Type};
use super::{Builtin, Outcome, builtin};
use crate::engine::documents::values_in;
use crate::engine::limits::TEXT_PART;

const OPTIONS: Type = Type::Object { fixed: &[], rest: Some((&Type::String, &ANY)) };

pub(super) const TABLE: &[Builtin] = &[
    builtin!("json.marshal"(value: ANY) -> Type::String => |value: &Value| text(compact(value)?)),
    builtin!("json.marshal_with_options"(value: ANY, options: OPTIONS) -> Type::String => marshal_with_options),
    builtin!("json.unmarshal"(whole: Type::String) -> ANY => scoped unmarshal),
    builtin!("json.is_valid"(whole: Type::String) -> Type::Boolean => is_valid),
];

fn marshal_with_options(value: &Value, options: &Value) -> Outcome {
    let (mut prefix, mut indent) = ("", "\t");
    let (mut wanted, mut pretty) = (None, false);
    for (key, option) in object(options, 2)?.iter_sorted() {
        let Value::String(name) = key else {
            let what = format!("failed to stringify key {}: must be string but got {}", term(key), kind(key));
            return Err(BuiltinError::operand(2, what));
        };
        let slot = match (&**name, option) {
            ("pretty", Value::Bool(flag)) => {
                wanted = Some(*flag);
                continue;
            }
            ("pretty", _) => return Err(BuiltinError::operand(2, "key \"pretty\" failed cast to bool")),
            ("prefix", _) => &mut prefix,
            ("indent", _) => &mut indent,
            (other, _) => {
                return Err(BuiltinError::operand(2, format_args!("object contained unknown key \"{other}\"")));
            }
        };
        let Value::String(text) = option else {
            let what = format!("key \"{name}\" failed cast to string: must be string but got {}", kind(option));
            return Err(BuiltinError::operand(2, what));
        };
        *slot = text;
        pretty = true;
    }
    if !wanted.unwrap_or(pretty) {
        return text(compact(value)?);
    }
    let mut out = prefix.to_owned();
    write(&mut out, value, Some(&Layout { prefix, indent }), 0)?;
    text(out)
}

/// Everything in the result is new; the scope gets at least the number of its parts.
fn unmarshal(scope: &mut Scope<'_>, whole: &Value) -> Outcome {
    let text = characters(whole, 1)?;
    scope.copied = values_in(&text).saturating_add(text.len() / TEXT_PART);
    read(&text).map(Some)
}

fn is_valid(whole: &Value) -> Outcome {
    some(matches!(whole, Value::String(text) if serde_json::from_str::<&RawValue>(text).is_ok()))
}

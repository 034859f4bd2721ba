//! `yaml.marshal`, `yaml.unmarshal`, `yaml.is_valid`. Reading is assay's one YAML reader; writing is block style with
//! sorted keys.

use regorus::Value;

use super::errors::BuiltinError;
use super::json_text::{fields, from_json, quote};
use super::operands::{some, string, text, too_long, too_many};
use super::order::sorted;
use super::term::number_text;
use super::types::{ANY, Type};
use super::{Builtin, Outcome, builtin, limits};

pub(super) const TABLE: &[Builtin] = &[
    builtin!("yaml.marshal"(value: ANY) -> Type::String => marshal),
    builtin!("yaml.unmarshal"(whole: Type::String) -> ANY => |whole: &Value| read(string(whole, 1)?).map(Some)),
    builtin!("yaml.is_valid"(whole: Type::String) -> Type::Boolean => is_valid),
];

fn is_valid(whole: &Value) -> Outcome {
    let Value::String(text) = whole else { return some(false) };
    match read(text) {
        // A limit is no answer, and not the answer that the text is invalid.
        Err(error) if error.halt => Err(error),
        read => some(read.is_ok()),
    }
}

fn read(whole: &str) -> Result<Value, BuiltinError> {
    // Each value but the first stands behind one of these.
    let mark = |byte: &u8| matches!(byte, b'[' | b'{' | b',' | b':' | b'-' | b'\n');
    if whole.len() > limits::ELEMENTS && whole.bytes().filter(mark).count() > limits::ELEMENTS {
        return Err(too_many());
    }
    from_json(assay_model::yaml::parse(whole).map_err(|error| BuiltinError::failed(format!("yaml: {error}")))?)
}

fn marshal(value: &Value) -> Outcome {
    let mut out = String::new();
    write(&mut out, value, 0, Place::Line)?;
    if !out.ends_with('\n') {
        out.push('\n');
    }
    text(out)
}

/// Where a value is written: a collection goes on there, or on lines of its own.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// At the start of a line, indented already.
    Line,
    /// Behind `key:`.
    Key,
    /// Behind `- `.
    Item,
}

fn write(out: &mut String, value: &Value, indent: usize, place: Place) -> Result<(), BuiltinError> {
    if indent > limits::NESTING * 2 {
        return Err(BuiltinError::limit(format!("the value is nested more than {} levels deep", limits::NESTING)));
    }
    if out.len() > limits::TEXT_BYTES {
        return Err(too_long());
    }
    match value {
        Value::Array(array) if !array.is_empty() => list(out, array.iter().collect(), indent, place),
        Value::Set(set) if !set.is_empty() => list(out, sorted(set.iter()), indent, place),
        Value::Object(object) if !object.is_empty() => {
            for (at, (key, value)) in fields(object)?.into_iter().enumerate() {
                start(out, indent, place, at);
                scalar(out, &key, indent);
                out.push(':');
                // Lists stand as far to the left as their key.
                let inner = if elements(value) { indent } else { indent + 2 };
                write(out, value, inner, Place::Key)?;
            }
            Ok(())
        }
        other => {
            if place == Place::Key {
                out.push(' ');
            }
            match other {
                Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
                Value::Number(_) => out.push_str(&number_text(other)),
                Value::String(text) => scalar(out, text, indent),
                Value::Array(_) | Value::Set(_) => out.push_str("[]"),
                Value::Object(_) => out.push_str("{}"),
                Value::Null | Value::Undefined => out.push_str("null"),
            }
            Ok(())
        }
    }
}

fn elements(value: &Value) -> bool {
    matches!(value, Value::Array(_) | Value::Set(_))
}

fn list(out: &mut String, elements: Vec<&Value>, indent: usize, place: Place) -> Result<(), BuiltinError> {
    for (at, element) in elements.into_iter().enumerate() {
        start(out, indent, place, at);
        out.push_str("- ");
        write(out, element, indent + 2, Place::Item)?;
    }
    Ok(())
}

/// Begins the line of an entry; the first one behind `- ` or at a line's start is there already.
fn start(out: &mut String, indent: usize, place: Place, at: usize) {
    if at == 0 && place != Place::Key {
        return;
    }
    out.push('\n');
    out.push_str(&" ".repeat(indent));
}

fn scalar(out: &mut String, text: &str, indent: usize) {
    let odd = |letter: char| letter.is_control() && letter != '\n';
    if text.chars().any(odd) || text.trim_matches('\n').is_empty() && !text.is_empty() {
        quote(out, text);
    } else if text.contains('\n') && !text.starts_with([' ', '\n']) {
        block(out, text, indent);
    } else if text.contains('\n') || looks_typed(text) {
        quote(out, text);
    } else if needs_quotes(text) {
        out.push('\'');
        out.push_str(&text.replace('\'', "''"));
        out.push('\'');
    } else {
        out.push_str(text);
    }
}

/// A text of several lines behind `|`.
fn block(out: &mut String, text: &str, indent: usize) {
    let body = text.trim_end_matches('\n');
    out.push_str(match text.len() - body.len() {
        0 => "|-",
        1 => "|",
        _ => "|+",
    });
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        out.push('\n');
        if !line.is_empty() {
            out.push_str(&" ".repeat(indent.max(2)));
            out.push_str(line);
        }
    }
}

/// Without quotes the text would be read as something else.
fn looks_typed(text: &str) -> bool {
    const WORDS: [&str; 15] =
        ["", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", ".inf", "-.inf", ".nan", "<<"];
    WORDS.contains(&text.to_lowercase().as_str())
        || text.replace('_', "").parse::<f64>().is_ok()
        || ["0x", "0o", "0b"].iter().any(|base| text.starts_with(base))
        || (text.len() >= 8 && text.starts_with(|letter: char| letter.is_ascii_digit()) && dated(text))
}

/// `2001-01-01`, which older readers take for a time.
fn dated(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let digits = |part: Option<&str>, length: usize| {
        part.is_some_and(|part| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    digits(parts.next(), 4)
        && parts.next().is_some_and(|part| part.len() <= 2)
        && parts.next().is_some_and(|part| part.starts_with(|letter: char| letter.is_ascii_digit()))
}

fn needs_quotes(text: &str) -> bool {
    let first = text.chars().next().unwrap_or(' ');
    let indicator =
        matches!(first, ',' | '[' | ']' | '{' | '}' | '#' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`')
            || (matches!(first, '-' | '?' | ':') && text.chars().nth(1).is_none_or(|next| next == ' '));
    indicator
        || text.starts_with("---")
        || text.starts_with("...")
        || text.starts_with(' ')
        || text.ends_with([' ', ':'])
        || text.contains(": ")
        || text.contains(" #")
        || text.starts_with('=')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, yaml: &str) {
        let value = Value::from_json_str(json).unwrap();
        assert_eq!(marshal(&value).unwrap().unwrap(), Value::from(yaml));
        assert_eq!(read(yaml).unwrap(), value);
    }

    #[test]
    fn a_document_is_written_in_block_style_and_reads_back() {
        check(
            r#"[{"foo": [1, 2, {"a": {}}], "bar": "x"}, [], ["a", ["b"]]]"#,
            "- bar: x\n  foo:\n  - 1\n  - 2\n  - a: {}\n- []\n- - a\n  - - b\n",
        );
        check(
            r#"{"a": "true", "b": "a: b", "c": "one\ntwo\n", "d": "", "e": null, "f": 1.5, "g": {"h": "1"}}"#,
            "a: \"true\"\nb: 'a: b'\nc: |\n  one\n  two\nd: \"\"\ne: null\nf: 1.5\ng:\n  h: \"1\"\n",
        );
    }
}

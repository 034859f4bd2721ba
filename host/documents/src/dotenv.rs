//! Lines of `NAME=VALUE`.

use serde_json::{Map, Value};

/// Lines of `NAME=VALUE` or `NAME: VALUE`, with `export` before them or not. Values are strings; in single quotes they
/// stand as they are, elsewhere `$NAME` and `${NAME}` stand for a value of an earlier line. In double quotes they may
/// have several lines.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    let mut found = Map::new();
    let (mut rest, mut number) = (text, 0);
    while !rest.is_empty() {
        number += 1;
        let wrong = || format!("line {number} is not `NAME=VALUE`");
        let (line, next) = rest.split_once('\n').unwrap_or((rest, ""));
        let begin = line.trim_start();
        if begin.is_empty() || begin.starts_with('#') {
            rest = next;
            continue;
        }
        let begin = begin.strip_prefix("export ").unwrap_or(begin);
        let separator = begin.find(['=', ':']).ok_or_else(wrong)?;
        let (name, value) = begin.split_at(separator);
        let value = value.strip_prefix('=').or_else(|| value.strip_prefix(": ")).ok_or_else(wrong)?.trim_start();
        let name = name.trim();
        let is_name = |character: char| character.is_ascii_alphanumeric() || "_.".contains(character);
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(wrong());
        }
        let value = if value.starts_with('"') {
            // It goes on to its closing quote, wherever that is.
            let whole = rest.get(line.len() - value.len() + 1..).unwrap_or_default();
            let (value, after) = in_quotes(whole).ok_or_else(wrong)?;
            let (line, after) = after.split_once('\n').unwrap_or((after, ""));
            rest = is_over(line).then_some(after).ok_or_else(wrong)?;
            number += value.matches('\n').count();
            expanded(&value, &found)
        } else {
            rest = next;
            match value.strip_prefix('\'') {
                Some(value) => {
                    let (value, after) = value.split_once('\'').ok_or_else(wrong)?;
                    is_over(after).then(|| value.to_owned()).ok_or_else(wrong)?
                }
                None => expanded(value.split('#').next().unwrap_or_default().trim_end(), &found),
            }
        };
        found.insert(name.to_owned(), Value::String(value));
    }
    Ok(Value::Object(found))
}

fn is_over(rest: &str) -> bool {
    let rest = rest.trim_start();
    rest.is_empty() || rest.starts_with('#')
}

/// The text up to a closing double quote, and what follows it. An escaped `$` stays so. None where it is not closed.
fn in_quotes(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return Some((value, characters.as_str())),
            '\\' => match characters.next()? {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                '$' => value.push_str("\\$"),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

/// A name that no earlier line has is the empty text.
fn expanded(value: &str, known: &Map<String, Value>) -> String {
    let mut made = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('$') {
        if let Some(before) = before.strip_suffix('\\') {
            made.push_str(before);
            made.push('$');
            rest = after;
            continue;
        }
        made.push_str(before);
        let length =
            |text: &str| text.find(|one: char| !one.is_ascii_alphanumeric() && one != '_').unwrap_or(text.len());
        let (name, next) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some(found) => found,
            None => after.split_at(length(after)),
        };
        if name.is_empty() {
            made.push('$');
        }
        made.push_str(known.get(name).and_then(Value::as_str).unwrap_or_default());
        rest = next;
    }
    made + rest
}

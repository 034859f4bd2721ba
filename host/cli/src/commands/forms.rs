//! [`Form`]: what a document is written in, by the name of its file, and how it is read.
//!
//! Names and readings are conftest's, as far as the forms go: JSON, YAML, TOML and dotenv.

use assay_model::yaml;
use camino::Utf8Path;
use serde_json::{Map, Value};

use crate::error::Unusable;

/// What a document is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Yaml,
    Toml,
    /// Lines of `NAME=VALUE`.
    Dotenv,
}

impl Form {
    /// The names that `--parser` takes.
    pub(crate) const NAMES: [(&'static str, Self); 4] =
        [("json", Self::Json), ("yaml", Self::Yaml), ("toml", Self::Toml), ("dotenv", Self::Dotenv)];

    /// The form of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, form)| form)
    }

    /// The form of a file. One whose name has no end, such as a pipe's, is taken for YAML, which JSON is, too.
    pub(crate) fn of_file(path: &Utf8Path) -> Option<Self> {
        let name = path.file_name().unwrap_or_default().to_ascii_lowercase();
        // As in Go, `.env` is an end without a name before it.
        let (first, end) = name.rsplit_once('.').unwrap_or((&name, ""));
        match end {
            _ if name.starts_with("dockerfile") && (first == name || name.starts_with("dockerfile.")) => None,
            _ if name.starts_with(".env.") => Some(Self::Dotenv),
            "env" | "dotenv" => Some(Self::Dotenv),
            "json" => Some(Self::Json),
            "yaml" | "yml" | "" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            _ => None,
        }
    }

    /// The documents of a text, each of which is judged by itself. A list alone is as many as it has items.
    pub(crate) fn read(self, text: &str) -> Result<Vec<Value>, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut documents = match self {
            Self::Json => vec![serde_json::from_str(text).map_err(|error| error.to_string())?],
            Self::Yaml => {
                let each = parts(text).iter().map(|part| yaml::parse(part)).collect::<Result<Vec<_>, _>>();
                each.map_err(|error| error.to_string())?
            }
            Self::Toml => vec![toml_value(text.parse().map_err(|error: toml::de::Error| error.to_string())?)?],
            Self::Dotenv => vec![dotenv(text)?],
        };
        match documents.as_mut_slice() {
            [Value::Array(items)] => Ok(std::mem::take(items)),
            _ => Ok(documents),
        }
    }
}

/// The form of a file, or why there is none.
pub(crate) fn form_of(path: &Utf8Path) -> Result<Form, Unusable> {
    Form::of_file(path).ok_or_else(|| {
        Unusable::new(format!("`{path}` is neither JSON, YAML, TOML nor dotenv by its name"))
            .hint("documents end with .json, .yaml, .yml, .toml or .env")
    })
}

/// The documents of a YAML stream: a line that begins with `---` begins one, wherever it stands. As in conftest, one that
/// says nothing counts, unless nothing at all stands before the first such line or after the last.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for line in text.split_inclusive('\n') {
        let rest = line.strip_prefix("---");
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace)) {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push_str(line);
        }
    }
    // Directives belong to what follows them.
    let is_directive = |line: &str| line.is_empty() || line.starts_with('%') || line.starts_with('#');
    if parts.len() > 1 && parts.first().is_some_and(|first| first.is_empty() || is_directives(first, is_directive)) {
        let first = parts.remove(0);
        if let Some(second) = parts.first_mut() {
            second.insert_str(0, &first);
        }
    }
    if parts.len() > 1 && parts.last().is_some_and(|last| last == "---") {
        parts.pop();
    }
    parts
}

fn is_directives(part: &str, is_directive: impl Fn(&str) -> bool) -> bool {
    part.starts_with('%') && part.lines().all(|line| is_directive(line.trim_end()))
}

/// Dates are texts, and without a zone in UTC, as in conftest. What JSON cannot hold is an error.
fn toml_value(table: toml::Table) -> Result<Value, String> {
    fn value(from: toml::Value) -> Result<Value, String> {
        Ok(match from {
            toml::Value::String(text) => text.into(),
            toml::Value::Integer(number) => number.into(),
            toml::Value::Float(number) => {
                let number = serde_json::Number::from_f64(number);
                Value::Number(number.ok_or("a number is not finite, which JSON cannot hold")?)
            }
            toml::Value::Boolean(is_so) => is_so.into(),
            toml::Value::Datetime(moment) => {
                let date = moment.date.map_or_else(|| "0000-01-01".to_owned(), |date| date.to_string());
                let time = moment.time.map_or_else(|| "00:00:00".to_owned(), |time| time.to_string());
                let zone = moment.offset.map_or_else(|| "Z".to_owned(), |offset| offset.to_string());
                format!("{date}T{time}{zone}").into()
            }
            toml::Value::Array(items) => items.into_iter().map(value).collect::<Result<Vec<_>, _>>()?.into(),
            toml::Value::Table(table) => object(table)?,
        })
    }
    fn object(table: toml::Table) -> Result<Value, String> {
        let entries = table.into_iter().map(|(name, inner)| Ok((name, value(inner)?)));
        Ok(Value::Object(entries.collect::<Result<Map<_, _>, String>>()?))
    }
    object(table)
}

/// Lines of `NAME=VALUE` or `NAME: VALUE`, with `export` before them or not. Values are texts; in single quotes they
/// stand as they are, elsewhere `$NAME` and `${NAME}` stand for a value of an earlier line. In double quotes they may
/// have several lines.
fn dotenv(text: &str) -> Result<Value, String> {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_stream_is_as_many_documents_as_it_holds_and_a_list_as_many_as_its_items() {
        for (text, form, want) in [
            ("a: 1", Form::Yaml, vec![json!({"a": 1})]),
            ("---\na: 1\n---\nb: |\n  ---x\n", Form::Yaml, vec![json!({"a": 1}), json!({"b": "---x\n"})]),
            // As conftest has it, what says nothing is a document, too.
            ("# c\n---\na: 1\n---\n", Form::Yaml, vec![Value::Null, json!({"a": 1}), Value::Null]),
            ("a: 1\n---", Form::Yaml, vec![json!({"a": 1})]),
            ("%YAML 1.2\n---\na: 1\n", Form::Yaml, vec![json!({"a": 1})]),
            ("- 1\n---\n- 2\n", Form::Yaml, vec![json!([1]), json!([2])]),
            ("- 1\n- 2\n", Form::Yaml, vec![json!(1), json!(2)]),
            ("", Form::Yaml, vec![Value::Null]),
            ("[1, {\"a\": 2}]", Form::Json, vec![json!(1), json!({"a": 2})]),
            ("\u{feff}{}", Form::Json, vec![json!({})]),
            ("[]", Form::Json, vec![]),
            (
                "a = 1\n[b]\nc = [2.5, true]\nd = 2020-01-02T03:04:05Z\n",
                Form::Toml,
                vec![json!({"a": 1, "b": {"c": [2.5, true], "d": "2020-01-02T03:04:05Z"}})],
            ),
            (
                "a = 2020-01-02\nb = 03:04:05\nc = 2020-01-02T03:04:05.5+02:00\n",
                Form::Toml,
                vec![
                    json!({"a": "2020-01-02T00:00:00Z", "b": "0000-01-01T03:04:05Z", "c": "2020-01-02T03:04:05.5+02:00"}),
                ],
            ),
            (
                "A=1\nB=\"one\ntwo \\$A $A\" # c\nC=\\$A\n  D = '\"'",
                Form::Dotenv,
                vec![json!({"A": "1", "B": "one\ntwo $A 1", "C": "$A", "D": "\""})],
            ),
            (
                "# c\nA=1\nexport B=\"x \\\"$A\\\"\\n\" # d\nC='q $A'\nD: $A-${B}$ # e\nE=\nF=a#b\n",
                Form::Dotenv,
                vec![json!({"A": "1", "B": "x \"1\"\n", "C": "q $A", "D": "1-x \"1\"\n$", "E": "", "F": "a"})],
            ),
        ] {
            assert_eq!(form.read(text), Ok(want), "{text:?}");
        }
        for (text, form) in [
            ("a: 1", Form::Json),
            ("a: [", Form::Yaml),
            ("a = inf", Form::Toml),
            ("a = ", Form::Toml),
            ("A", Form::Dotenv),
            ("A B=1", Form::Dotenv),
            ("A:1", Form::Dotenv),
            ("A='x' y", Form::Dotenv),
            ("A=\"x\" y", Form::Dotenv),
            ("A='x", Form::Dotenv),
            ("A=\"x\\", Form::Dotenv),
        ] {
            assert!(form.read(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_name_of_a_file_tells_its_form() {
        for (name, want) in [
            ("a.json", Some(Form::Json)),
            ("a.JSON", Some(Form::Json)),
            ("d/a.b.yml", Some(Form::Yaml)),
            ("a", Some(Form::Yaml)),
            ("-", Some(Form::Yaml)),
            ("a.toml", Some(Form::Toml)),
            (".env", Some(Form::Dotenv)),
            (".env.prod", Some(Form::Dotenv)),
            ("a.env", Some(Form::Dotenv)),
            ("a.txt", None),
            (".gitignore", None),
            ("Dockerfile", None),
            ("dockerfile.debug", None),
            ("dockerfiles.yaml", Some(Form::Yaml)),
        ] {
            assert_eq!(Form::of_file(Utf8Path::new(name)), want, "{name}");
        }
    }
}

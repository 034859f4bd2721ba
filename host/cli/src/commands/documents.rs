//! [`Documents`]: JSON and YAML documents that policies judge by themselves, read from files or given as text.

use std::io::Read as _;

use assay_model::{limits, yaml};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use crate::{error::Unusable, files::read_text};

/// The ends of names of files that are read.
const ENDS: [&str; 3] = ["json", "yaml", "yml"];

/// The largest document: the size that `ec`'s server takes.
const DOCUMENT_BYTES: u64 = 80 << 20;

/// Documents of one file. A list is as many documents as it has items, as for conftest.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Documents {
    /// The name in reports.
    pub(crate) name: String,
    /// Each is judged by itself.
    pub(crate) values: Vec<Value>,
}

/// What an argument names: one file, or the files of a folder, or the text of a document itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    File(Utf8PathBuf),
    /// A file that is read as `json` or `yaml` whatever its name.
    FileAs(Utf8PathBuf, String),
    Text(String),
}

impl Named {
    /// Looks where an argument leads. A folder stands for the JSON and YAML files that are directly in it.
    pub(crate) fn of(argument: &str) -> Result<Vec<Self>, Unusable> {
        let path = Utf8Path::new(argument);
        if path.is_dir() {
            return in_folder(path);
        }
        let is_text = argument.trim_start().starts_with('{')
            || (!path.exists() && matches!(yaml::parse(argument), Ok(Value::Object(_))));
        Ok(vec![if is_text { Self::Text(argument.to_owned()) } else { Self::File(path.to_owned()) }])
    }

    /// The name in reports.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::File(path) | Self::FileAs(path, _) => path.as_str(),
            Self::Text(text) => text,
        }
    }

    /// Reads the documents; `-` is standard input. The error is what is wrong with them.
    pub(crate) fn read(&self) -> Result<Documents, Unusable> {
        let text = match self {
            Self::Text(text) => text.clone(),
            Self::File(path) | Self::FileAs(path, _) if path == "-" => {
                let mut text = String::new();
                std::io::stdin()
                    .take(DOCUMENT_BYTES)
                    .read_to_string(&mut text)
                    .map_err(|error| Unusable::new(format!("standard input cannot be read: {error}")))?;
                text
            }
            Self::FileAs(path, _) => read_text(path, "input", DOCUMENT_BYTES)?,
            Self::File(path) => {
                let known = path.extension().is_none_or(|end| ENDS.contains(&end.to_ascii_lowercase().as_str()));
                if !known {
                    return Err(Unusable::new(format!("`{path}` is neither JSON nor YAML by its name"))
                        .hint("documents end with .json, .yaml or .yml"));
                }
                read_text(path, "input", DOCUMENT_BYTES)?
            }
        };
        let is_json = match self {
            Self::File(path) => path.extension() == Some("json"),
            Self::FileAs(_, parser) => parser == "json",
            Self::Text(_) => false,
        };
        let values = parse(&text, is_json).map_err(|why| Unusable::new(format!("`{}`: {why}", shown(self.name()))))?;
        Ok(Documents { name: self.name().to_owned(), values })
    }
}

fn in_folder(folder: &Utf8Path) -> Result<Vec<Named>, Unusable> {
    let unreadable = |error: std::io::Error| Unusable::new(format!("`{folder}` cannot be read: {error}"));
    let mut paths = Vec::new();
    for entry in folder.read_dir_utf8().map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.into_path();
        if path.is_file() && path.extension().is_some_and(|end| ENDS.contains(&end)) {
            paths.push(path);
        }
        if paths.len() > limits::SOURCE_FILES {
            return Err(Unusable::new(format!("`{folder}` holds more than {} files", limits::SOURCE_FILES)));
        }
    }
    if paths.is_empty() {
        return Err(Unusable::new(format!("the folder `{folder}` holds no JSON or YAML file"))
            .hint("files in folders below it are not looked at"));
    }
    paths.sort();
    Ok(paths.into_iter().map(Named::File).collect())
}

/// The documents of a text. JSON is YAML, but what says that it is JSON must be.
fn parse(text: &str, is_json: bool) -> Result<Vec<Value>, String> {
    let documents = if is_json {
        vec![serde_json::from_str(text).map_err(|error| error.to_string())?]
    } else {
        let parts = parts(text);
        parts.iter().map(|part| yaml::parse(part)).collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?
    };
    let mut values = Vec::new();
    for document in documents {
        match document {
            Value::Array(items) => values.extend(items),
            other => values.push(other),
        }
    }
    // A stream may end with an empty document; a document alone is taken as it is.
    if values.len() > 1 {
        values.retain(|value| !value.is_null());
    }
    Ok(values)
}

/// The documents of a YAML stream: a line that begins with `---` begins one, wherever it stands.
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
    let says_something =
        |part: &String| part.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    if parts.len() > 1 && parts.first().is_some_and(|first| !says_something(first)) {
        parts.remove(0);
    }
    parts
}

fn shown(name: &str) -> String {
    name.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_stream_is_as_many_documents_as_it_holds_and_a_list_as_many_as_its_items() {
        for (text, is_json, want) in [
            ("a: 1", false, vec![json!({"a": 1})]),
            ("# c\n---\na: 1\n---\nb: |\n  ---x\n---\n", false, vec![json!({"a": 1}), json!({"b": "---x\n"})]),
            ("[1, {\"a\": 2}]", true, vec![json!(1), json!({"a": 2})]),
            ("- 1\n- 2\n", false, vec![json!(1), json!(2)]),
            ("{}", true, vec![json!({})]),
            ("", false, vec![Value::Null]),
        ] {
            assert_eq!(parse(text, is_json).unwrap(), want, "{text:?}");
        }
        assert!(parse("a: 1", true).is_err(), "a file that ends with .json is JSON");
        assert!(parse("a: [", false).is_err());
    }

    #[test]
    fn an_argument_is_a_file_a_folder_or_the_document_itself() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        assert!(Named::of(folder.as_str()).is_err(), "nothing is judged in an empty folder");
        for name in ["b.yaml", "a.json", "c.txt"] {
            fs_err::write(folder.join(name), "{}").unwrap();
        }
        let names: Vec<_> = Named::of(folder.as_str()).unwrap();
        assert_eq!(names, [Named::File(folder.join("a.json")), Named::File(folder.join("b.yaml"))]);
        assert_eq!(Named::of("{\"a\":1}").unwrap(), [Named::Text("{\"a\":1}".to_owned())]);
        assert_eq!(Named::of("a: 1").unwrap(), [Named::Text("a: 1".to_owned())]);
        assert_eq!(Named::of("none.json").unwrap(), [Named::File("none.json".into())]);
        assert!(Named::File("none.json".into()).read().is_err());
        assert!(Named::File(folder.join("c.txt")).read().is_err());
    }
}

//! [`documents`]: files taken out of an image or a blob, as the values that rules see.
//!
//! `ec` skips a file that is not YAML, and accepts duplicate keys. If skipped, what a rule forbids could be in a
//! file that it never sees. So what `ec` reads and this program does not is an error of the component, and so is every
//! unreadable file where files are evidence.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    error::{ErrorCode, EvaluationError},
    limits,
    memory::Memory,
    yaml,
};

/// What becomes of a file that is neither YAML nor JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It is an error: each file is evidence.
    Refused,
    /// It is skipped, as in `ec`, where a policy requests files of any kind.
    LeftOut,
}

/// Reads each file as YAML or JSON, the first document of each, within the memory that all of them may take.
///
/// `place` is what sentences call the image or blob.
///
/// # Errors
/// A file cannot be read, or they are too large together.
pub fn documents(
    place: &str,
    files: &BTreeMap<String, Vec<u8>>,
    broken: Broken,
) -> Result<BTreeMap<String, Value>, EvaluationError> {
    let memory = Memory::of(limits::IMAGE_FILES_MEMORY);
    let mut documents = BTreeMap::new();
    for (name, bytes) in files {
        let read = match std::str::from_utf8(bytes) {
            Ok(text) => {
                yaml::parse_first_within(text, &memory).map_err(|error| (error.is_refusal(), error.to_string()))
            }
            Err(_) => Err((false, "it is not valid UTF-8".to_owned())),
        };
        if broken == Broken::LeftOut && matches!(read, Err((false, _))) {
            continue;
        }
        let document = read.map_err(|(_, why)| {
            let code = if memory.is_exhausted() { ErrorCode::TooLarge } else { ErrorCode::Malformed };
            EvaluationError::new(code, format!("the file `{name}` of {place} cannot be read as YAML or JSON: {why}"))
                .hint("fix the file, or remove it from the image")
        })?;
        documents.insert(name.clone(), document);
    }
    Ok(documents)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(files: &[(&str, &[u8])]) -> Result<BTreeMap<String, Value>, EvaluationError> {
        let files = files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
        documents("r.test/app", &files, Broken::Refused)
    }

    #[test]
    fn each_file_is_its_first_document() {
        let files: [(&str, &[u8]); 5] = [
            ("a.json", br#"{"a": [1, 2.0]}"#),
            ("b.yaml", b"b: yes it is\n"),
            ("c.yaml", b"---\nkind: C\n---\nkind: D\n"),
            ("e.yaml", b""),
            ("f", b"just text"),
        ];
        let got = serde_json::to_value(read(&files).unwrap()).unwrap();
        let want = json!({"a.json": {"a": [1, 2]}, "b.yaml": {"b": "yes it is"}, "c.yaml": {"kind": "C"}, "e.yaml": null, "f": "just text"});
        assert_eq!(got.to_string().replace("2.0", "2"), want.to_string());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_an_error_and_not_left_out() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for bad in [&b"d: [1"[..], b"\xff", b"a: 1\na: 2", br#"{"a":1,"a":2}"#, br#"{"a":1} x"#, deep.as_bytes()] {
            let error = read(&[("a.yaml", b"a: 1"), ("b.yaml", bad)]).unwrap_err();
            assert_eq!(error.code, ErrorCode::Malformed);
            assert!(error.message.starts_with("the file `b.yaml` of r.test/app cannot be read"), "{error}");
        }
        let left_out = |bad: &[u8]| documents("r", &[("b".to_owned(), bad.to_vec())].into(), Broken::LeftOut);
        for bad in [&b"d: [1"[..], b"\xff", b"{} x"] {
            assert!(left_out(bad).unwrap().is_empty());
        }
        for read_by_ec in [&b"a: 1\na: 2"[..], br#"{"a":1,"a":2}"#, deep.as_bytes()] {
            assert!(left_out(read_by_ec).is_err());
        }
    }

    #[test]
    fn files_have_one_budget_of_memory_together() {
        let dense = format!("[{}1]", "1,".repeat(400_000)).into_bytes();
        assert!(read(&[("a.json", &dense)]).is_ok());
        let error = read(&[("a.json", &dense), ("b.json", &dense), ("c.yaml", &dense)]).unwrap_err();
        assert_eq!(error.code, ErrorCode::TooLarge);
    }
}

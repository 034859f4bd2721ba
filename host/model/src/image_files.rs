//! [`documents`]: files taken out of an image or a blob, as the values that rules see.
//!
//! `ec` leaves out a file that is no YAML, and reads one with a key twice. Left out, what a rule forbids could stand in a
//! file that it never sees, so here such a file is an error of the component.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    failure::{ErrorCode, NoAnswer},
    limits,
    memory::Memory,
    yaml,
};

/// Reads each file as YAML or JSON, the first document of each, within the memory that all of them may take.
///
/// `place` is what sentences call the image or blob.
///
/// # Errors
/// A file cannot be read, or they are too large together.
pub fn documents(place: &str, files: &BTreeMap<String, Vec<u8>>) -> Result<BTreeMap<String, Value>, NoAnswer> {
    let memory = Memory::of(limits::IMAGE_FILES_MEMORY);
    let mut documents = BTreeMap::new();
    for (name, bytes) in files {
        let read = std::str::from_utf8(bytes)
            .map_err(|_| "it is not UTF-8 text".to_owned())
            .and_then(|text| yaml::parse_first_within(text, &memory).map_err(|error| error.to_string()));
        let document = read.map_err(|why| {
            let code = if memory.is_exhausted() { ErrorCode::TooLarge } else { ErrorCode::Malformed };
            NoAnswer::new(code, format!("the file `{name}` of {place} cannot be read as YAML or JSON: {why}"))
                .hint("mend the file, or take it out of the image")
        })?;
        documents.insert(name.clone(), document);
    }
    Ok(documents)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(files: &[(&str, &[u8])]) -> Result<BTreeMap<String, Value>, NoAnswer> {
        let files = files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
        documents("r.test/app", &files)
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
    }

    #[test]
    fn files_have_one_budget_of_memory_together() {
        let dense = format!("[{}1]", "1,".repeat(400_000)).into_bytes();
        assert!(read(&[("a.json", &dense)]).is_ok());
        let error = read(&[("a.json", &dense), ("b.json", &dense), ("c.yaml", &dense)]).unwrap_err();
        assert_eq!(error.code, ErrorCode::TooLarge);
    }
}

//! [`Exchange`]: a request of a plugin and its response, as a cassette records them: a JSON document a line.

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use crate::limited_file::read_text;

/// A cassette: what one job exchanged with a service.
const CASSETTE_BYTES: u64 = 64 << 20;

/// A request and its response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// The request.
    pub request: RecordedRequest,
    /// The response.
    pub response: RecordedResponse,
}

/// A request. Secrets are not in it: the host puts them in later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedRequest {
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedResponse {
    /// The status.
    pub status: u16,
    /// The headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body, text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
}

/// Reads a cassette.
///
/// # Errors
/// One sentence: the file cannot be read, or one of its lines is not an exchange.
pub fn read_cassette(file: &Utf8Path) -> Result<Vec<Exchange>, String> {
    let text = read_text(file, CASSETTE_BYTES).map_err(|error| error.to_string())?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            serde_json::from_str(line).map_err(|error| format!("line {} of {file} is no exchange: {error}", at + 1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cassette_has_an_exchange_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = Utf8Path::from_path(folder.path()).unwrap().join("c.jsonl");
        let line = r#"{"request":{"method":"GET","url":"https://a/"},"response":{"status":200,"body":"x"}}"#;
        fs_err::write(&file, format!("{line}\n\n{line}\n")).unwrap();
        let read = read_cassette(&file).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(serde_json::to_string(read.first().unwrap()).unwrap(), line);
        fs_err::write(&file, "{}\n").unwrap();
        assert!(read_cassette(&file).unwrap_err().starts_with("line 1 of "));
    }
}

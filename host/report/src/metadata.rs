//! [`shown_metadata`]: which of a finding's metadata is shown. Without `--info` only the fields that tools match on are.

use std::collections::BTreeMap;

use assay_gocompat::json;
use assay_model::finding::Finding;
use serde_json::Value;

/// What remains without `--info`.
const ALWAYS: [&str; 3] = ["code", "effective_on", "term"];

/// The metadata of a finding that is shown, in the order of their keys.
pub(crate) fn shown_metadata(finding: &Finding, info: bool) -> BTreeMap<&str, Value> {
    let shown = finding.metadata.iter().filter(|(key, _)| info || ALWAYS.contains(&key.as_str()));
    shown.map(|(key, value)| (key.as_str(), json::sorted(value))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn without_info_only_code_date_and_term_remain() {
        let finding = Finding::new("a.b", "m")
            .with("title", "T")
            .with("term", json!(["x"]))
            .with("effective_on", "2099-01-01T00:00:00Z")
            .with("extra", json!({"z": 1, "a": 2}));
        let keys = |info| shown_metadata(&finding, info).into_keys().collect::<Vec<_>>();
        assert_eq!(keys(false), ["code", "effective_on", "term"]);
        assert_eq!(keys(true), ["code", "effective_on", "extra", "term", "title"]);
        assert_eq!(shown_metadata(&finding, true)["extra"].to_string(), r#"{"a":2,"z":1}"#);
    }
}

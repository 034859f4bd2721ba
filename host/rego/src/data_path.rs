//! [`written`]: paths below `data` as Rego writes them.

/// Words that are no plain part of a path.
const KEYWORDS: [&str; 15] = [
    "as", "contains", "default", "else", "every", "false", "if", "import", "in", "not", "null", "package", "some",
    "true", "with",
];

/// A path below `data` as Rego writes it: `data.a["b-c"]`.
pub(crate) fn written<'a>(path: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = "data".to_owned();
    for part in path {
        let plain = part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && part.chars().all(|each| each.is_ascii_alphanumeric() || each == '_')
            && !KEYWORDS.contains(&part);
        text.push_str(&if plain { format!(".{part}") } else { format!("[{part:?}]") });
    }
    text
}

/// The name of a package without `data` in front.
pub(crate) fn written_name(path: &[String]) -> String {
    written(path.iter().map(String::as_str)).trim_start_matches("data").trim_start_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_are_no_names_are_quoted() {
        assert_eq!(written(["a", "b-c", "d_1", "if"]), "data.a[\"b-c\"].d_1[\"if\"]");
        assert_eq!(written([]), "data");
    }
}

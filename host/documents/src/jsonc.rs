//! JSON with comments: `//`, `#` and `/* */`. As in conftest, a comma at the end of a list stays an error.

use serde_json::Value;

/// Reads a document.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            let end = end_of_text(rest);
            plain.push_str(rest.get(..end).unwrap_or_default());
            rest = rest.get(end..).unwrap_or_default();
        } else if rest.starts_with("//") || first == '#' {
            rest = rest.find('\n').and_then(|at| rest.get(at..)).unwrap_or_default();
        } else if rest.starts_with("/*") {
            let end = rest.get(2..).and_then(|inner| inner.find("*/")).ok_or("a comment is not closed")?;
            // Lines keep their numbers.
            let (comment, after) = rest.split_at_checked(end + 4).unwrap_or((rest, ""));
            plain.push(' ');
            plain.extend(comment.chars().filter(|one| *one == '\n'));
            rest = after;
        } else {
            plain.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    serde_json::from_str(&plain).map_err(|error| error.to_string())
}

/// Where a text in quotes ends, behind the last one.
fn end_of_text(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn comments_are_left_out_and_nothing_else() {
        let text = "{ // c\n \"a\": \"x // y \\\" # z\", /* m\n */ \"b\": [1, 2], # h\n \"c\": 1.5 }\n// end";
        assert_eq!(read(text), Ok(json!({"a": "x // y \" # z", "b": [1, 2], "c": 1.5})));
        for text in ["{\"a\": 1,}", "{ /* ", "[1 / 2]", "", "\"a", "{\"a\": 1} x"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read("{ /* a\n b */ x").unwrap_err().contains("line 2"));
    }
}

//! INI as conftest reads it (`go-ini`): an object for each section, values as numbers, booleans and strings.
//!
//! What precedes the first section is ignored, as there.

use assay_gocompat::yaml_words;
use serde_json::{Map, Value};

use crate::numbers::number;

/// The section of what stands before the first.
const FIRST: &str = "DEFAULT";

/// Reads a document.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    let mut lines = Lines { rest: text, number: 0 };
    let mut sections: Map<String, Value> = Map::new();
    let (mut section, mut unnamed) = (FIRST.to_owned(), 1);
    while let Some(line) = lines.next() {
        let line = line.trim_start();
        let at = lines.number;
        let wrong = |what: &str| format!("{what} in line {at}");
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(inner) = line.strip_prefix('[') {
            let (name, _) = inner.rsplit_once(']').ok_or_else(|| wrong("a section is not closed"))?;
            if name.is_empty() {
                return Err(wrong("a section has no name"));
            }
            section = name.to_owned();
            unnamed = 1;
            sections.entry(section.clone()).or_insert_with(|| Value::Object(Map::new()));
            continue;
        }
        let (name, rest) = key(line).map_err(wrong)?;
        let name = if name == "-" {
            unnamed += 1;
            format!("#{}", unnamed - 1)
        } else {
            name.to_owned()
        };
        let value = typed(&lines.value(rest).map_err(wrong)?).map_err(wrong)?;
        let fields = sections.entry(section.clone()).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(fields) = fields {
            fields.insert(name, value);
        }
    }
    sections.remove(FIRST);
    Ok(Value::Object(sections))
}

/// The name of a value, which may stand in quotes, and what follows the `=`.
fn key(line: &str) -> Result<(&str, &str), &'static str> {
    let no_value = "there is neither a section nor `name = value`";
    let quote = ["\"\"\"", "\"", "`"].into_iter().find(|quote| line.starts_with(quote));
    if let Some(quote) = quote.filter(|quote| quote.len() == 1 || line.len() > 6) {
        let inner = line.get(quote.len()..).unwrap_or_default();
        let (name, after) = inner.split_once(quote).ok_or("a name is not closed")?;
        let at = after.find(['=', ':']).ok_or(no_value)?;
        return Ok((name.trim(), after.get(at + 1..).unwrap_or_default()));
    }
    let at = line.find(['=', ':']).ok_or(no_value)?;
    if at == 0 {
        return Err("a value has no name");
    }
    Ok((line.get(..at).unwrap_or_default().trim(), line.get(at + 1..).unwrap_or_default()))
}

struct Lines<'t> {
    rest: &'t str,
    number: usize,
}

impl<'t> Lines<'t> {
    /// The next line, with its end.
    fn next(&mut self) -> Option<&'t str> {
        if self.rest.is_empty() {
            return None;
        }
        self.number += 1;
        let end = self.rest.find('\n').map_or(self.rest.len(), |at| at + 1);
        let (line, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        Some(line)
    }

    /// A value, which may go on in lines that follow.
    fn value(&mut self, line: &str) -> Result<String, &'static str> {
        let line = line.trim_start();
        let quote = ["\"\"\"", "`"].into_iter().find(|quote| line.starts_with(quote));
        if let Some(quote) = quote.filter(|quote| quote.len() == 1 || line.len() > 3) {
            let inner = line.get(quote.len()..).unwrap_or_default();
            if let Some((value, _)) = inner.rsplit_once(quote) {
                return Ok(value.to_owned());
            }
            let mut value = inner.to_owned();
            while let Some(next) = self.next() {
                if let Some((end, _)) = next.rsplit_once(quote) {
                    value.push_str(end);
                    return Ok(value);
                }
                value.push_str(next);
            }
            return Err("a value is not closed");
        }
        let line = line.trim();
        if let Some(begin) = line.strip_suffix('\\') {
            let mut value = begin.to_owned();
            while let Some(next) = self.next().map(str::trim).filter(|next| !next.is_empty()) {
                value.push_str(next);
                match value.strip_suffix('\\') {
                    Some(more) => value.truncate(more.len()),
                    None => break,
                }
            }
            return Ok(value);
        }
        let value = line.find(['#', ';']).map_or(line, |at| line.get(..at).unwrap_or_default().trim());
        let inside = |quote: char| {
            let inner = value.strip_prefix(quote)?.strip_suffix(quote)?;
            (!inner.contains(quote)).then_some(inner)
        };
        Ok(inside('\'').or_else(|| inside('"')).unwrap_or(value).to_owned())
    }
}

/// A number and a boolean as Go reads them.
fn typed(text: &str) -> Result<Value, &'static str> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if ["inf", "infinity", "nan"].iter().any(|word| unsigned.eq_ignore_ascii_case(word)) {
        return Err("a number is not finite, which JSON cannot hold,");
    }
    let is_number = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-' | b'_'));
    if is_number
        && let Some(plain) = yaml_words::between_digits(text)
        && let Some(value) = number(&plain)
    {
        return Ok(value);
    }
    Ok(match text {
        "t" | "T" | "TRUE" | "true" | "True" => Value::Bool(true),
        "f" | "F" | "FALSE" | "false" | "False" => Value::Bool(false),
        text => Value::from(text),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_read_as_conftest_reads_them() {
        let text = "; c\nroot = 1\n[a]\nn=1\nf = 1.50\nt=true\nyes = yes\nT = t\ns = \"quoted\"\nq = 'sq ; x'\nc = v ; comment\n\
                    h = v#x\ncol: v\ncont = a \\\n  b\nref = %(n)s\nml = \"\"\"a\nb\"\"\"\nhex = 0x10\nempty =\n- = auto\n\
                    us = 1_000\n`bq` = `a;b`\n[a.b]\nk = 1\n[a]\nz = 2\n[DEFAULT]\nd = 1\n";
        let want = json!({
            "a": {
                "#1": "auto", "T": true, "bq": "a;b", "c": "v", "col": "v", "cont": "a b", "empty": "", "f": 1.5, "h": "v",
                "hex": "0x10", "ml": "a\nb", "n": 1, "q": "'sq", "ref": "%(n)s", "s": "quoted", "t": true, "us": 1000,
                "yes": "yes", "z": 2,
            },
            "a.b": {"k": 1},
        });
        assert_eq!(read(text), Ok(want));
        for text in ["[a", "[]", "x", "= 1", "[a]\nb = inf", "a = `x", "\"a = 1"] {
            assert!(read(text).unwrap_err().contains("line "), "{text}");
        }
    }
}

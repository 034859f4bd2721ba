//! Values of flags in the forms of `ec`, whose flags are read by Go's `pflag`.

use std::ffi::OsStr;

use clap::{Arg, Command, builder::TypedValueParser, error::ErrorKind};

/// A boolean that is false when its value is empty.
pub(crate) const FALSE: Bool = Bool { when_empty: false };
/// A boolean that is true when its value is empty.
pub(crate) const TRUE: Bool = Bool { when_empty: true };

/// Reads a boolean as Go's `strconv.ParseBool` does. An empty value counts as none at all: pipelines pass those.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bool {
    when_empty: bool,
}

/// A boolean in the words of Go.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

impl TypedValueParser for Bool {
    type Value = bool;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<bool, clap::Error> {
        let text = value.to_string_lossy();
        if text.is_empty() {
            return Ok(self.when_empty);
        }
        parse_bool(&text).ok_or_else(|| {
            let flag = argument.map(ToString::to_string).unwrap_or_default();
            let message = format!("`{text}` of `{flag}` is neither true nor false");
            clap::Error::raw(ErrorKind::InvalidValue, message + "\n").with_cmd(command)
        })
    }
}

const BARE_QUOTE: &str = "a quote stands inside a value that does not begin with one";
const OPEN_QUOTE: &str = "a quoted value does not end with its quote";

/// Takes the values of a repeatable flag apart, each of which may hold several. As in `pflag` they are a line of CSV:
/// a value with commas is put in quotes, in which two quotes stand for one. The error ends a sentence.
pub(crate) fn slice(values: &[String]) -> Result<Vec<String>, &'static str> {
    let mut items = Vec::new();
    for value in values.iter().filter(|value| !value.is_empty()) {
        let mut rest = Some(value.as_str());
        while let Some(text) = rest {
            let (item, after) = field(text)?;
            items.push(item);
            rest = after;
        }
    }
    Ok(items)
}

/// The first field of a line, and what follows its comma.
fn field(text: &str) -> Result<(String, Option<&str>), &'static str> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let (item, after) = text.split_once(',').map_or((text, None), |(item, after)| (item, Some(after)));
        return if item.contains('"') { Err(BARE_QUOTE) } else { Ok((item.to_owned(), after)) };
    };
    let mut item = String::new();
    loop {
        let (part, after) = rest.split_once('"').ok_or(OPEN_QUOTE)?;
        item.push_str(part);
        if let Some(more) = after.strip_prefix('"') {
            item.push('"');
            rest = more;
            continue;
        }
        return match after.strip_prefix(',') {
            Some(next) => Ok((item, Some(next))),
            None if after.is_empty() => Ok((item, None)),
            None => Err(OPEN_QUOTE),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_those_of_go() {
        for (text, want) in [("true", Some(true)), ("T", Some(true)), ("0", Some(false)), ("yes", None), ("tRUE", None)]
        {
            assert_eq!(parse_bool(text), want, "{text}");
        }
    }

    #[test]
    fn values_are_taken_apart_as_a_line_of_csv() {
        type Row<'a> = (&'a [&'a str], Result<&'a [&'a str], &'a str>);
        #[rustfmt::skip]
        let table: &[Row<'_>] = &[
            (&[], Ok(&[])),
            (&["", ""], Ok(&[])),
            (&["a,b", "c"], Ok(&["a", "b", "c"])),
            (&["a,", ",b"], Ok(&["a", "", "", "b"])),
            (&["\"a,b\",c"], Ok(&["a,b", "c"])),
            (&["\"say \"\"a\"\"\""], Ok(&["say \"a\""])),
            (&["a\"b"], Err(BARE_QUOTE)),
            (&["\"a"], Err(OPEN_QUOTE)),
            (&["\"a\"b"], Err(OPEN_QUOTE)),
        ];
        for (values, want) in table {
            let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
            let got = slice(&values);
            let got = got.as_ref().map(|items| items.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(got, want.as_ref().map(|items| items.to_vec()), "{values:?}");
        }
    }
}

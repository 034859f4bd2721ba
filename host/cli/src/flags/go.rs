//! Values of flags in the forms of `ec`, whose flags are read by Go's `pflag`.

use std::ffi::OsStr;

use clap::{Arg, ArgAction, Command, builder::TypedValueParser, error::ErrorKind};

/// A boolean that is false when its value is empty.
pub(crate) const FALSE: Bool = Bool { when_empty: false };
/// A boolean that is true when its value is empty.
pub(crate) const TRUE: Bool = Bool { when_empty: true };

/// Reads a boolean as Go's `strconv.ParseBool` does. An empty value counts as none at all: pipelines pass those.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bool {
    when_empty: bool,
}

/// A boolean as Go writes it.
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
            let message = format!("`{text}` of `{flag}` is not a boolean");
            clap::Error::raw(ErrorKind::InvalidValue, message + "\n").with_cmd(command)
        })
    }
}

/// A command line read as `pflag` reads one, with all its commands: every flag that is on or off takes `=BOOL` as well,
/// and of a flag that is given twice the last one counts.
pub(crate) fn as_pflag(command: Command) -> Command {
    let with_value = |flag: Arg| match flag.get_action() {
        ArgAction::SetTrue => flag
            .action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .default_value("false")
            .default_missing_value("true")
            .hide_default_value(true)
            .value_name("BOOL")
            .value_parser(FALSE),
        _ => flag,
    };
    command.args_override_self(true).mut_args(with_value).mut_subcommands(as_pflag)
}

/// An integer as Go parses it: `0x10`, `0b10`, `0o10`, `010` and `1_000` are read as in Go source code.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, rest) = match (lower.get(..2), lower.strip_prefix('0')) {
        (Some("0x"), _) => (16, lower.get(2..)?),
        (Some("0o"), _) => (8, lower.get(2..)?),
        (Some("0b"), _) => (2, lower.get(2..)?),
        (_, Some(rest)) if !rest.is_empty() => (8, rest),
        _ => (10, lower.as_str()),
    };
    // An underscore stands between two digits, or between a base prefix and a digit.
    let rest = if rest.len() < lower.len() { rest.strip_prefix('_').unwrap_or(rest) } else { rest };
    let is_digit = |part: &str| !part.is_empty() && part.chars().all(|digit| digit.is_digit(base));
    if !rest.split('_').all(is_digit) {
        return None;
    }
    let number = i64::from_str_radix(&rest.replace('_', ""), base).ok()?;
    Some(if negative { -number } else { number })
}

/// A number that counts something.
pub(crate) fn count(text: &str) -> Result<u32, String> {
    let number = integer(text).ok_or_else(|| "expected a number".to_owned())?;
    u32::try_from(number).map_err(|_| format!("expected a number from 0 to {}", u32::MAX))
}

const BARE_QUOTE: &str = "bare quote in an unquoted value";
const OPEN_QUOTE: &str = "unterminated quoted value";

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
    fn whole_numbers_are_those_of_go() {
        for (text, want) in [
            ("7", Some(7)),
            ("0", Some(0)),
            ("-3", Some(-3)),
            ("+3", Some(3)),
            ("0x2", Some(2)),
            ("0XfF", Some(255)),
            ("0b101", Some(5)),
            ("0o17", Some(15)),
            ("017", Some(15)),
            ("1_000", Some(1000)),
            ("0x_2", Some(2)),
            ("0_7", Some(7)),
            ("_1", None),
            ("1_", None),
            ("1__0", None),
            ("0x", None),
            ("08", None),
            ("", None),
            ("-", None),
            ("+-1", None),
            ("1.0", None),
            (" 1", None),
            ("9223372036854775808", None),
            ("é1", None),
        ] {
            assert_eq!(integer(text), want, "{text}");
        }
        assert_eq!(count("0x3c"), Ok(60));
        assert!(count("-1").is_err() && count("4294967296").is_err());
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

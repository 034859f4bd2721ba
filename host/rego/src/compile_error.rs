//! [`CompileError`]: why modules do not compile, each error with its location.

use std::fmt;

use crate::engine::StackError;

/// A position in a policy file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One thing that is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where, as far as it is known.
    pub location: Option<Location>,
    /// What, without a full stop.
    pub message: String,
    /// What OPA adds on lines of their own, such as the types that do not fit.
    pub details: Box<[String]>,
    /// The class of the problem as OPA names it, such as `rego_type_error`; none for what OPA does not look at.
    pub code: Option<&'static str>,
    /// The line of the policy file that the place is in, as far as it is known.
    pub line: Option<String>,
}

impl Problem {
    /// A problem without a class of OPA.
    #[must_use]
    pub fn new(location: Option<Location>, message: impl Into<String>) -> Self {
        Self { location, message: message.into(), details: Box::default(), code: None, line: None }
    }

    /// The same at a location.
    #[must_use]
    pub fn at(location: Location, message: impl Into<String>) -> Self {
        Self::new(Some(location), message)
    }

    /// The message and what the details add to it, in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        // The others repeat a reference and mark a part of it.
        let is_said = |line: &&str| ["have", "want", "left", "right"].iter().any(|word| line.starts_with(word));
        let said = self.details.iter().map(|line| line.trim()).filter(is_said);
        std::iter::once(self.message.as_str()).chain(said).collect::<Vec<_>>().join(", ")
    }

    /// The problem as Go programs with OPA in them print it.
    fn in_opa_words(&self) -> String {
        let mut text = String::new();
        if let Some(location) = &self.location {
            text.push_str(&format!("{}:{}: ", location.file, location.line));
        }
        if let Some(code) = self.code {
            text.push_str(&format!("{code}: "));
        }
        text.push_str(&self.message);
        let source = self.line.as_deref().filter(|line| self.is_parse_error() && !line.trim().is_empty());
        if let (Some(location), Some(line)) = (&self.location, source) {
            text.push_str(&format!("\n\t{}\n\t{}", line.trim(), caret(line, location.column)));
        }
        self.details.iter().for_each(|line| text.push_str(&format!("\n\t{line}")));
        text
    }

    fn is_parse_error(&self) -> bool {
        self.code == Some("rego_parse_error")
    }

    /// When OPA looks for such a problem: it reports only those of the first pass that finds any.
    fn pass(&self) -> u8 {
        let begins = |text: &str| self.message.starts_with(text);
        match self.code {
            Some("rego_parse_error") => 0,
            Some("rego_compile_error") => 1,
            Some("rego_type_error") if begins("undefined function") || self.message.ends_with("arity mismatch") => 2,
            Some("rego_unsafe_var_error") => 3,
            Some("rego_recursion_error") => 4,
            _ => 5,
        }
    }
}

/// A caret under a column of a line that is shown without its indentation.
#[must_use]
pub fn caret(line: &str, column: u32) -> String {
    let indent = line.len() - line.trim_start().len();
    let before = line.get(indent..(column as usize).saturating_sub(1)).unwrap_or_default();
    // A tab stays one, so that the caret stands where it belongs.
    let space = |character| if character == '\t' { '\t' } else { ' ' };
    let mut text: String = before.chars().map(space).collect();
    text.push('^');
    text
}

impl fmt::Display for Problem {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(to, "{location}: {}", self.sentence()),
            None => to.write_str(&self.sentence()),
        }
    }
}

/// Why sources do not become a policy.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The text is wrong. The first problem stands in the sentence, the others follow on lines of their own.
    #[error("the policy does not compile: {}", listed(.0))]
    Problems(Vec<Problem>),
    /// Nothing can ever deny or warn.
    #[error("the policy holds no `deny` or `warn` rule, so it could not find any violation ({files} files read)")]
    NoRules {
        /// How many files were read.
        files: usize,
    },
    /// A bug in assay, or an error of the system.
    #[error("the policy could not be compiled: {0}")]
    Fault(String),
}

impl CompileError {
    /// What a person can do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Problems(_) => "policies are Rego v1, as of OPA 1.0",
            Self::NoRules { .. } => "write rules like `deny contains result if { … }`",
            Self::Fault(_) => "please report it",
        }
    }

    /// The problems as Go programs with OPA in them print them, those of OPA's first pass that finds any; nothing where OPA
    /// finds none.
    #[must_use]
    pub fn in_opa_words(&self) -> Option<String> {
        let Self::Problems(problems) = self else { return None };
        let opa = || problems.iter().filter(|problem| problem.code.is_some());
        let first = opa().map(Problem::pass).min()?;
        let shown: Vec<_> = opa().filter(|problem| problem.pass() == first).collect();
        let during = if shown.iter().all(|problem| problem.is_parse_error()) { " during loading" } else { "" };
        let lines: Vec<_> = shown.iter().map(|problem| problem.in_opa_words()).collect();
        Some(match lines.as_slice() {
            [one] => format!("1 error occurred{during}: {one}"),
            more => format!("{} errors occurred{during}:\n{}", more.len(), more.join("\n")),
        })
    }
}

impl From<StackError> for CompileError {
    fn from(error: StackError) -> Self {
        Self::Fault(error.to_string())
    }
}

fn listed(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caret_stands_under_its_column() {
        for (line, column, want) in
            [("x := y", 6, "     ^"), ("\tx := y", 7, "     ^"), ("\ta\tb", 4, " \t^"), ("é = y", 6, "    ^")]
        {
            assert_eq!(caret(line, column), want, "{line} {column}");
        }
    }

    #[test]
    fn problems_in_the_words_of_opa_are_those_of_its_first_pass_with_their_details() {
        let at = |line, message: &str, code, details: &[&str]| Problem {
            code: Some(code),
            line: Some("\tp := x".to_owned()),
            details: details.iter().map(|line| (*line).to_owned()).collect(),
            ..Problem::at(Location { file: "a.rego".to_owned(), line, column: 7 }, message)
        };
        let opa = |problems: &[Problem]| CompileError::Problems(problems.to_vec()).in_opa_words().unwrap();
        let types = at(2, "match error", "rego_type_error", &["left  : number", "right : string"]);
        let reference = at(3, "undefined ref: data.a.b", "rego_type_error", &["data.a.b", "^^^^^^", "have: number"]);
        assert_eq!(types.to_string(), "a.rego:2:7: match error, left  : number, right : string");
        assert_eq!(reference.to_string(), "a.rego:3:7: undefined ref: data.a.b, have: number");
        assert_eq!(
            opa(&[types.clone(), reference]),
            "2 errors occurred:\na.rego:2: rego_type_error: match error\n\tleft  : number\n\tright : string\n\
             a.rego:3: rego_type_error: undefined ref: data.a.b\n\tdata.a.b\n\t^^^^^^\n\thave: number"
        );
        let unsafe_x = at(4, "var x is unsafe", "rego_unsafe_var_error", &[]);
        assert_eq!(opa(&[types, unsafe_x]), "1 error occurred: a.rego:4: rego_unsafe_var_error: var x is unsafe");
        let parse = at(5, "unexpected `x`", "rego_parse_error", &[]);
        let text = "1 error occurred during loading: a.rego:5: rego_parse_error: unexpected `x`\n\tp := x\n\t     ^";
        assert_eq!(opa(&[parse]), text);
        assert_eq!(CompileError::NoRules { files: 1 }.in_opa_words(), None);
    }
}

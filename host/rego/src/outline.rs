//! [`Outline`]: what the rest of the crate needs to know of a parsed module.
//!
//! It is plain data: the evaluator makes it from its own syntax tree, and no one else looks at that tree.

use crate::compile_error::Place;

/// One policy file.
#[derive(Debug)]
pub(crate) struct Outline {
    /// The file's name in messages.
    pub(crate) file: String,
    /// The package's path without `data`.
    pub(crate) package: Vec<String>,
    /// The line of the `package` statement.
    pub(crate) package_line: u32,
    /// The imports.
    pub(crate) imports: Vec<Import>,
    /// The rules and functions in the order of the file, each definition by itself.
    pub(crate) rules: Vec<RuleOutline>,
}

/// An `import` statement.
#[derive(Debug)]
pub(crate) struct Import {
    /// The imported path, such as `data`, `lib`.
    pub(crate) path: Vec<String>,
    /// The name by which the module refers to it.
    pub(crate) alias: String,
    /// Its line.
    pub(crate) line: u32,
}

/// One definition of a rule or function.
#[derive(Debug)]
pub(crate) struct RuleOutline {
    /// The path below the package; `deny`, or `a`, `b` for a head `a.b contains x`.
    pub(crate) path: Vec<String>,
    /// How many arguments it takes, where it is a function.
    pub(crate) arguments: Option<usize>,
    /// True for `default` definitions.
    pub(crate) is_default: bool,
    /// Where it starts.
    pub(crate) place: Place,
    /// The text of `code` where the body says `result := {"code": "…", …}`.
    pub(crate) code: Option<String>,
    /// The calls in its head and bodies.
    pub(crate) calls: Vec<Call>,
    /// The paths that stand behind `with … as`; some are functions that are called in place of others.
    pub(crate) replacements: Vec<Vec<String>>,
    /// The names that are used and that nothing in the rule gives a value, each with its first place. They may be
    /// rules, imports, or the result of a call.
    pub(crate) free: Vec<(String, Place)>,
}

/// A call of a function or built-in.
#[derive(Debug)]
pub(crate) struct Call {
    /// The function's path as written.
    pub(crate) path: Vec<String>,
    /// How many arguments it gets.
    pub(crate) arguments: usize,
    /// The names in the last argument, which get a value when there is one argument more than the function takes.
    pub(crate) last: Vec<String>,
    /// Where it stands.
    pub(crate) place: Place,
}

impl Outline {
    /// The package's name in reports, such as `lib.time`.
    pub(crate) fn package_name(&self) -> String {
        self.package.join(".")
    }
}

impl RuleOutline {
    /// The rule's name, where this definition can give it a value that is asked by name.
    pub(crate) fn entry_name(&self) -> Option<&str> {
        match self.path.as_slice() {
            [name] if self.arguments.is_none() && !self.is_default => Some(name),
            _ => None,
        }
    }
}

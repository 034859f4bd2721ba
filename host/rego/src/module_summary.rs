//! [`ModuleSummary`]: what others need to know of a parsed module.
//!
//! It is plain data: the engine makes it from its own syntax tree, and no one else looks at that tree.

use std::sync::{Arc, OnceLock};

use assay_model::yaml::{self, TextError};
use serde_json::Value;

use crate::compile_error::Location;

/// One policy file.
#[derive(Debug)]
pub struct ModuleSummary {
    /// The file's name in messages.
    pub file: String,
    /// The package's path without `data`.
    pub package: Vec<String>,
    /// The line of the `package` statement.
    pub package_line: u32,
    /// The `# METADATA` blocks, in order.
    pub blocks: Vec<Metadata>,
    /// The imports.
    pub imports: Vec<Import>,
    /// The rules and functions in the order of the file, each definition by itself.
    pub rules: Vec<RuleSummary>,
}

/// A `# METADATA` block: comment lines that begin in the first column.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// The line of `# METADATA`, from 1.
    pub first: u32,
    /// The block's last line.
    pub last: u32,
    /// The lines behind the first without their `#`.
    pub yaml: String,
    /// What they say. Copies of a block share it, as all that is made of policies reads the same blocks.
    document: Arc<OnceLock<Result<Value, TextError>>>,
}

impl Metadata {
    /// A block of these lines.
    #[must_use]
    pub fn new(first: u32, last: u32, yaml: String) -> Self {
        Self { first, last, yaml, document: Arc::default() }
    }

    /// What the block says.
    ///
    /// # Errors
    /// It is not YAML.
    pub fn document(&self) -> Result<&Value, &TextError> {
        self.document.get_or_init(|| yaml::parse(&self.yaml)).as_ref()
    }
}

/// An `import` statement.
#[derive(Debug)]
pub struct Import {
    /// Its line.
    pub line: u32,
}

/// One definition of a rule or function.
#[derive(Debug)]
pub struct RuleSummary {
    /// The path below the package; `deny`, or `a`, `b` for a head `a.b contains x`.
    pub path: Vec<String>,
    /// True for functions.
    pub is_function: bool,
    /// What it gives is an object of the cases of a test, by their keys: `test_x[case] if`, `test_x["a"] := true`.
    pub has_cases: bool,
    /// True for `default` definitions.
    pub is_default: bool,
    /// Where it starts.
    pub location: Location,
    /// What its value or element is where the text shows that, and where that is none of a text, an object, a variable and
    /// a call.
    pub non_result_value: Option<&'static str>,
    /// The text of `code` where the body says `result := {"code": "…", …}`.
    pub code: Option<String>,
}

impl ModuleSummary {
    /// The package's name in reports, such as `lib.time`.
    #[must_use]
    pub fn package_name(&self) -> String {
        self.package.join(".")
    }
}

impl RuleSummary {
    /// The rule's name, where this definition can give it a value that is looked up by name. `deny.k := "no"` gives
    /// `deny` one, too, which is not a set of results.
    #[must_use]
    pub fn entry_name(&self) -> Option<&str> {
        match self.path.as_slice() {
            [name, ..] if !self.is_function && !self.is_default => Some(name),
            _ => None,
        }
    }
}

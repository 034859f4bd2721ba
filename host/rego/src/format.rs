//! [`format_module`]: a policy file as `opa fmt` writes it.

use crate::{
    compile_error::{CompileError, Problem},
    engine::{self, Source, with_large_stack},
    format_options::FormatOptions,
};

/// The text of the policy file `name` as `opa fmt` writes it. What was formatted once stays as it is.
///
/// # Errors
/// Everything that is not Rego of the language that is read, or that the one to write does not allow.
pub fn format_module(name: &str, text: &str, options: FormatOptions) -> Result<String, CompileError> {
    let source = Source::new(name.to_owned(), text.to_owned());
    let formatted = with_large_stack(|| engine::format_module(&source, options))?;
    formatted.map_err(|errors| CompileError::Problems(errors.into_iter().map(Problem::from).collect()))
}

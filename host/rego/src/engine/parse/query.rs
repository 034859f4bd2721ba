//! [`parse_query`]: the text of a query.

use super::{Kind, Parser, tokens};
use crate::engine::ast::Literal;
use crate::engine::error::CompileError;
use crate::engine::lex::Tokens;
use crate::engine::span::Source;

/// Reads the literals of a query.
///
/// # Errors
/// Everything that is not Rego, with its places.
pub(crate) fn parse_query(source: &Source, file: u32) -> Result<Vec<Literal>, Vec<CompileError>> {
    let Tokens { tokens, .. } = tokens(source, file)?;
    let mut parser = Parser::new(source, &tokens);
    match parser.body(Kind::End) {
        Ok(body) if parser.errors.is_empty() => Ok(body),
        _ => Err(parser.errors),
    }
}

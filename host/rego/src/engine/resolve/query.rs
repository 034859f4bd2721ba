//! [`resolve_query`]: the names of a query, for the cases of OPA.

use super::{Globals, Resolver};
use crate::compile_options::CompileOptions;
use crate::engine::ast::{Literal, Name};
use crate::engine::error::CompileError;
use crate::engine::ir::{Lit, Slot, SlotInfo};
use crate::engine::modules::Tree;
use crate::engine::span::Source;

/// A resolved query: its literals, its variables, and those a caller sees.
pub(crate) struct QueryIr {
    pub body: Vec<Lit>,
    pub slots: Vec<SlotInfo>,
    pub named: Vec<(Name, Slot)>,
}

/// Resolves a query in the names of a package and its imports.
pub(crate) fn resolve_query(body: &[Literal], source: &Source, tree: &Tree, errors: &mut Vec<CompileError>) -> QueryIr {
    let globals = Globals::new();
    let mut resolver = Resolver {
        tree,
        source,
        globals: &globals,
        annotations: None,
        options: CompileOptions::default(),
        used: &[],
        slots: Vec::new(),
        uses: Vec::new(),
        locals: Vec::new(),
        scopes: Vec::new(),
        met: Vec::new(),
        sound: errors.len(),
        errors,
    };
    resolver.open(body, &[]);
    let mut lits = Vec::new();
    resolver.literals(body, &mut lits);
    let mut named = resolver.close();
    named.retain(|(name, _)| !name.starts_with('_'));
    QueryIr { body: lits, slots: resolver.slots, named }
}

//! [`resolve_query`]: the names of a query.

use super::names::builtin;
use super::{Globals, Resolver};
use crate::compile_options::CompileOptions;
use crate::engine::ast::{Literal, Module, Name};
use crate::engine::builtins::HostFunction;
use crate::engine::error::CompileError;
use crate::engine::ir::{ALONE, Lit, Slot, SlotInfo};
use crate::engine::rule_tree::RuleTree;
use crate::engine::span::Source;
use crate::engine::work::Work;

/// A resolved query: its literals, its variables, and those a caller sees.
pub(crate) struct QueryIr {
    pub body: Vec<Lit>,
    pub slots: Vec<SlotInfo>,
    pub named: Vec<(Name, Slot)>,
}

/// Resolves a query in the names of the package and the imports of a file, if one is given.
pub(crate) fn resolve_query(
    body: &[Literal],
    source: &Source,
    tree: &RuleTree,
    within: Option<&Module>,
    options: CompileOptions,
    work: &Work,
    errors: &mut Vec<CompileError>,
) -> QueryIr {
    let globals = within.map_or_else(Globals::default, |module| Globals::of(tree, module));
    let mut resolver = Resolver {
        tree,
        source,
        globals: &globals,
        annotations: None,
        options: CompileOptions { strict: false, ..options },
        // As in OPA a query may call what is deprecated.
        v0: true,
        used: &[],
        slots: Vec::new(),
        uses: Vec::new(),
        first_met: Vec::new(),
        outside: Vec::new(),
        binds_nothing: false,
        ignores: false,
        in_template: 0,
        in_templates: Vec::new(),
        negated: false,
        called: Vec::new(),
        unshared: Vec::new(),
        head_from: None,
        inner_head_from: None,
        unit: ALONE,
        units: 0,
        locals: Vec::new(),
        scopes: Vec::new(),
        met: Vec::new(),
        sound: errors.len(),
        work,
        errors,
    };
    resolver.open(body, &[]);
    let mut lits = Vec::new();
    resolver.literals(body, &mut lits);
    let mut named = resolver.close();
    named.retain(|(name, _)| &**name != "_");
    QueryIr { body: lits, slots: resolver.slots, named }
}

/// How many arguments a built-in function takes.
pub(crate) fn arity(name: &str, functions: &'static [HostFunction]) -> Option<usize> {
    builtin(name, functions).map(|found| found.arity)
}

//! [`Policy`]: compiled policies, made of [`Files`], with what queries and tests need to know of their rules. [`Compiled`] is what
//! of it is evaluated.

use std::collections::BTreeMap;
use std::ops::Deref;

use regorus::Value;

use super::annotations::{Annotations, metadata};
use super::ast::Module;
use super::compiled::Compiled;
use super::dependencies::Dependencies;
use super::error::{CompileCode, CompileError};
use super::ir::NodeId;
use super::limits::COMPILE_ERRORS;
use super::module_summaries::summarize;
use super::observers::{Lines, lines};
use super::parse::parse_with;
use super::plan::plan;
use super::resolve::resolve;
use super::rule_tree::{Kind, RuleTree, build};
use super::span::{Source, Span};
use super::stack::{StackError, parallel_map};
use super::types::{Schemas, check};
use super::work::Work;
use crate::{
    compile_options::CompileOptions,
    module_summary::{Metadata, ModuleSummary},
    sources::PolicyFile,
};

/// Policy files that are Rego, each by itself.
pub(crate) struct Files {
    sources: Vec<Source>,
    modules: Vec<Module>,
    /// The METADATA blocks of each.
    metadata: Vec<Vec<Metadata>>,
    options: CompileOptions,
}

/// Compiled rules with their data, and what else is known of them: for queries and tests.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) compiled: Compiled,
    pub(super) tree: RuleTree,
    pub(super) dependencies: Dependencies,
    /// What it was compiled with.
    pub(super) options: CompileOptions,
    /// What the functions among the tests take and give.
    pub(super) signatures: BTreeMap<NodeId, String>,
}

impl Deref for Policy {
    type Target = Compiled;

    fn deref(&self) -> &Compiled {
        &self.compiled
    }
}

impl Files {
    /// Parses policy files.
    ///
    /// # Errors
    /// Everything that is not Rego, in the order of files and rows.
    pub(crate) fn parse(files: Vec<PolicyFile>, options: CompileOptions) -> Result<Self, Vec<CompileError>> {
        let versions: Vec<_> = files.iter().map(|file| file.v0.unwrap_or(options.v0)).collect();
        let sources: Vec<_> = files.into_iter().map(|file| Source::new(file.name, file.text)).collect();
        let mut errors = Vec::new();
        let mut modules = Vec::with_capacity(sources.len());
        let parsed = parallel_map(&sources, |at, source| {
            let v0 = versions.get(at).copied().unwrap_or(options.v0);
            parse_with(source, u32::try_from(at).unwrap_or(u32::MAX), v0, options.capabilities)
        });
        for module in parsed.unwrap_or_else(|error| vec![Err(vec![fault(&sources, &error)])]) {
            match module {
                Ok(module) => modules.push(module),
                Err(mut found) => errors.append(&mut found),
            }
        }
        if !errors.is_empty() {
            return Err(sorted(errors));
        }
        let metadata = modules.iter().zip(&sources).map(|(module, source)| metadata(module, source)).collect();
        Ok(Self { sources, modules, metadata, options })
    }

    /// What stands in each file, with its text, in the files' order.
    pub(crate) fn module_summaries(&self) -> Vec<(ModuleSummary, &str)> {
        let all = self.modules.iter().zip(&self.sources).zip(&self.metadata);
        all.map(|((module, source), blocks)| (summarize(module, source, blocks.clone()), source.text.as_str()))
            .collect()
    }

    /// The lines of each file that coverage counts, in the files' order.
    pub(crate) fn lines(&self) -> Vec<Lines> {
        self.modules.iter().zip(&self.sources).map(|(module, source)| lines(module, source)).collect()
    }

    /// Compiles the files together with their data.
    ///
    /// # Errors
    /// Everything that does not fit together, in the order of files and rows.
    pub(crate) fn compile(self, data: Value) -> Result<Policy, Vec<CompileError>> {
        let Self { sources, modules, metadata, options } = self;
        let work = Work::until(options.deadline);
        let mut errors = Vec::new();
        let (tree, places) = build(&modules, &sources, &mut errors);
        let annotations = Annotations::read(&modules, &sources, &metadata, &mut errors);
        let rules = resolve(&modules, &sources, &tree, &places, &annotations, options, &work, &mut errors);
        let planned = plan(&tree, &rules, &sources, &work, &mut errors);
        // Rules with an error are left out of the later passes, so that each error is reported once.
        let schemas = options
            .schemas
            .map_or_else(Schemas::default, |set| Schemas::read(set, &modules, &sources, &annotations, &mut errors));
        let signatures = check(&tree, &rules, &planned.1, &sources, &schemas, &work, &mut errors);
        if let Some(over) = work.over() {
            // What was found until then may be wrong: passes left out what the later ones need.
            return Err(vec![at_first(&sources, over.message())]);
        }
        if !errors.is_empty() {
            return Err(sorted(errors));
        }
        let (program, dependencies) = planned;
        Ok(Policy { compiled: Compiled::new(sources, program, data), tree, dependencies, options, signatures })
    }
}

impl Policy {
    /// The rules that stand where the data has a value, as errors in the order of files and rows: OPA's tools refuse them.
    pub(crate) fn data_conflicts(&self) -> Vec<CompileError> {
        let mut errors = Vec::new();
        for (id, node) in self.tree.nodes.iter().enumerate() {
            let is_rule = node.kind != Kind::Package;
            if is_rule && has_value(self.data(), &node.path) {
                let path: Vec<_> =
                    node.path.iter().filter_map(|part| part.as_string().ok()).map(|part| &**part).collect();
                let message = format!("conflicting rule for data path {} found", path.join("/"));
                let span = NodeId::try_from(id).ok().and_then(|id| self.program().node(id)).map(|node| node.span);
                if let Some(source) = span.and_then(|span| self.sources().get(span.file as usize)) {
                    errors.push(CompileError::at(source, span.unwrap_or_default(), CompileCode::Compile, message));
                }
            }
        }
        sorted(errors)
    }
}

/// Whether data has a value at a path or in place of a step to it. An empty object is none.
fn has_value(data: &Value, path: &[Value]) -> bool {
    let mut at = data;
    for step in path {
        let Value::Object(fields) = at else { return true };
        let Some(below) = fields.get(step) else { return false };
        at = below;
    }
    !matches!(at, Value::Object(fields) if fields.is_empty())
}

/// The parser could not be run; reported at the first file.
fn fault(sources: &[Source], error: &StackError) -> CompileError {
    at_first(sources, error.to_string())
}

/// An error of the compilation as a whole; reported at the first file.
pub(super) fn at_first(sources: &[Source], message: String) -> CompileError {
    let empty = Source::new(String::new(), String::new());
    let first = sources.first().unwrap_or(&empty);
    CompileError::at(first, Span::default(), CompileCode::Compile, message)
}

pub(super) fn sorted(mut errors: Vec<CompileError>) -> Vec<CompileError> {
    errors.sort();
    errors.dedup();
    errors.truncate(COMPILE_ERRORS);
    errors
}

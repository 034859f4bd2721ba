//! [`Policy`]: compiled rules and their data; made of [`Files`] and evaluated with [`Policy::evaluate`].
//!
//! A policy never changes and is shared between threads; each query owns its memo and its frames.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use regorus::Value;

use super::annotations::Annotations;
use super::ast::Module;
use super::builtins::{Caches, Host, Scope};
use super::dependencies::Dependencies;
use super::error::{CompileCode, CompileError, EvalCode, EvalError};
use super::eval::{Eval, EvalLimits, PersistentCache, Printed, deep, placed};
use super::ir::NodeId;
use super::limits::COMPILE_ERRORS;
use super::module_summaries::summarize;
use super::observers::{Lines, lines};
use super::parse::parse_with;
use super::plan::plan;
use super::program::Program;
use super::resolve::resolve;
use super::rule_tree::{Kind, RuleTree, build};
use super::span::{Source, Span};
use super::stack::{StackError, parallel_map, with_large_stack};
use super::types::{Schemas, check};
use super::work::Work;
use crate::{
    compile_error::Location, compile_options::CompileOptions, module_summary::ModuleSummary, sources::PolicyFile,
};

/// Policy files that are Rego, each by itself.
pub(crate) struct Files {
    sources: Vec<Source>,
    modules: Vec<Module>,
    options: CompileOptions,
}

/// Compiled rules with their data.
#[derive(Debug)]
pub(crate) struct Policy {
    sources: Vec<Source>,
    pub(super) tree: RuleTree,
    program: Program,
    pub(super) dependencies: Dependencies,
    data: Value,
    /// What it was compiled with.
    pub(super) options: CompileOptions,
    pub(super) workers: Workers,
    /// What the functions among the tests take and give.
    pub(super) signatures: BTreeMap<NodeId, String>,
}

/// What evaluations leave for the next: compiled patterns, and values that are the same in every query. Each evaluation
/// has one to itself, so that threads wait for each other only to take one and to give it back.
#[derive(Default)]
pub(super) struct Workers(Mutex<Vec<Worker>>);

/// What one evaluation at a time has to itself.
#[derive(Default)]
pub(super) struct Worker {
    pub(super) caches: Caches,
    pub(super) persistent: PersistentCache,
}

impl Workers {
    pub(super) fn take(&self) -> Worker {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    pub(super) fn give(&self, worker: Worker) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
    }
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Workers").finish_non_exhaustive()
    }
}

/// What one evaluation is given.
#[derive(Clone)]
pub(crate) struct EvalOptions<'a> {
    /// The document called `input`; without one, references to it are undefined.
    pub input: Option<Value>,
    /// The data that rules see, instead of the policy's.
    pub data: Option<Value>,
    /// Serves the `ec.*` functions.
    pub host: &'a dyn Host,
    /// When to stop.
    pub limits: EvalLimits<'a>,
    /// An error of a built-in function ends the query instead of making the expression undefined.
    pub strict_builtin_errors: bool,
    /// The time, in nanoseconds since 1970.
    pub now_ns: i64,
    /// What random functions draw from.
    pub seed: u64,
}

/// What an evaluation gives.
#[derive(Clone, Debug, Default)]
pub(crate) struct RuleValues {
    /// One value for each path, none where it is undefined.
    pub values: Vec<Option<Value>>,
    /// What `print` and `trace` wrote.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "an evaluation discards prints; the tests of the evaluator record them")
    )]
    pub prints: Vec<Printed>,
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
        if errors.is_empty() { Ok(Self { sources, modules, options }) } else { Err(sorted(errors)) }
    }

    /// What stands in each file, with its text, in the files' order.
    pub(crate) fn module_summaries(&self) -> Vec<(ModuleSummary, &str)> {
        let all = self.modules.iter().zip(&self.sources);
        all.map(|(module, source)| (summarize(module, source), source.text.as_str())).collect()
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
        let Self { sources, modules, options } = self;
        let work = Work::until(options.deadline);
        let mut errors = Vec::new();
        let (tree, places) = build(&modules, &sources, &mut errors);
        let annotations = Annotations::read(&modules, &sources, &mut errors);
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
        Ok(Policy { sources, tree, program, dependencies, data, options, workers: Workers::default(), signatures })
    }
}

impl Policy {
    /// The full name of a rule or function, and where it is defined first.
    pub(crate) fn named(&self, id: NodeId) -> (String, Option<Location>) {
        let Some(node) = self.program.node(id) else { return (String::new(), None) };
        let location = self.sources.get(node.span.file as usize).map(|source| {
            let (line, column) = source.line_column(node.span.start);
            Location { file: source.name.clone(), line, column }
        });
        (node.name.clone(), location)
    }

    /// The rules that stand where the data has a value, as errors in the order of files and rows: OPA's tools refuse them.
    pub(crate) fn data_conflicts(&self) -> Vec<CompileError> {
        let mut errors = Vec::new();
        for (id, node) in self.tree.nodes.iter().enumerate() {
            let is_rule = node.kind != Kind::Package;
            if is_rule && has_value(&self.data, &node.path) {
                let path: Vec<_> =
                    node.path.iter().filter_map(|part| part.as_string().ok()).map(|part| &**part).collect();
                let message = format!("conflicting rule for data path {} found", path.join("/"));
                let span = NodeId::try_from(id).ok().and_then(|id| self.program.node(id)).map(|node| node.span);
                if let Some(source) = span.and_then(|span| self.sources.get(span.file as usize)) {
                    errors.push(CompileError::at(source, span.unwrap_or_default(), CompileCode::Compile, message));
                }
            }
        }
        sorted(errors)
    }

    /// The files, in their order.
    pub(crate) fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The values of rules by their paths below `data`, in the paths' order, all in one query; none for one that is
    /// undefined or not there.
    ///
    /// # Errors
    /// [`EvalError`] if the evaluation failed: a conflict, a limit, an error of the host.
    pub(crate) fn evaluate(&self, paths: &[Vec<String>], options: &EvalOptions<'_>) -> Result<RuleValues, EvalError> {
        on_large_stack(|| {
            if options.strict_builtin_errors || options.data.is_some() {
                // What is undefined elsewhere is an error here; what other data gives must not be remembered for these.
                return self.values(paths, options, &mut Worker::default());
            }
            let mut worker = self.workers.take();
            let values = self.values(paths, options, &mut worker);
            self.workers.give(worker);
            values
        })
    }

    fn values(
        &self,
        paths: &[Vec<String>],
        options: &EvalOptions<'_>,
        worker: &mut Worker,
    ) -> Result<RuleValues, EvalError> {
        let mut eval = self.eval(options, worker);
        let mut values = Vec::with_capacity(paths.len());
        let mut parts = 0;
        for path in paths {
            let value = match self.tree.find(path.iter().map(String::as_str)) {
                Some(node) => eval.value(node, Span::default()).map_err(|error| *error)?,
                None => None,
            };
            if let Some(value) = &value {
                eval.result(value, &mut parts, Span::default()).map_err(|error| *error)?;
            }
            values.push(value);
        }
        Ok(RuleValues { values, prints: eval.prints })
    }

    /// The policy's data with values placed at paths, for [`EvalOptions::data`]; it shares all the rest. None where all of them are
    /// there already.
    pub(crate) fn data_with(&self, values: Vec<(&[&str], Value)>) -> Option<Value> {
        let mut data = None;
        for (path, value) in values {
            let path: Vec<Value> = path.iter().copied().map(Value::from).collect();
            let before = data.as_ref().unwrap_or(&self.data);
            if deep(before, &path) != Some(&value) {
                data = Some(placed(Some(before.clone()), &path, value));
            }
        }
        data
    }

    pub(super) fn eval<'p>(&'p self, options: &'p EvalOptions<'p>, worker: &'p mut Worker) -> Eval<'p> {
        let Worker { caches, persistent } = worker;
        persistent.set_clock(options.now_ns);
        let scope = Scope { now_ns: options.now_ns, seed: options.seed, caches, host: options.host, copied: 0 };
        let data = options.data.as_ref().unwrap_or(&self.data);
        let mut eval = Eval::new(&self.program, &self.sources, data, options.input.clone(), scope, persistent);
        eval.strict = options.strict_builtin_errors;
        eval.limits = options.limits;
        eval
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

/// Runs on a thread with a known stack: the depth limit must be reached before its end.
pub(super) fn on_large_stack<T: Send>(work: impl FnOnce() -> Result<T, EvalError> + Send) -> Result<T, EvalError> {
    with_large_stack(work)
        .unwrap_or_else(|error| Err(EvalError { code: EvalCode::Fault, message: error.to_string(), location: None }))
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

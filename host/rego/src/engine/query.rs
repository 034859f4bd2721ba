//! [`Query`]: a query of a policy, written in Rego. [`Policy::prepare`] compiles it, [`Policy::query`] evaluates it.
//!
//! As in `opa eval`, each expression of a query has a value: that of the term it is, or else `true`. An expression that
//! stands alone and has one result may be false; of more than one, each must hold.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use regorus::Value;

use super::ast::{Call, Literal, LiteralKind, Module, Name, Term, TermKind};
use super::compiled::{EvalOptions, Worker, on_large_stack};
use super::error::{CompileCode, CompileError, EvalError};
use super::eval::{ControlFlow, Eval, Printed};
use super::ir::{NodeId, Slot};
use super::observers::{Observations, Observers, TraceOptions};
use super::parse::{parse, parse_query};
use super::plan::{QueryPlan, plan_query};
use super::policy::{Policy, at_first, sorted};
use super::resolve::{arity, resolve_query};
use super::span::{QUERY, Source, Span};
use super::work::Work;

/// The variables of one result by name.
pub(crate) type Bindings = BTreeMap<String, Value>;

/// A prepared query; it belongs to the policy that prepared it.
pub(crate) struct Query {
    plan: QueryPlan,
    source: Source,
    expressions: Vec<Expression>,
}

/// An expression of a query.
pub(crate) struct Expression {
    /// As it is written.
    pub text: String,
    /// Its row and column, from 1.
    pub location: (u32, u32),
    /// The variable that takes its value; none for one that is just true.
    value: Option<Slot>,
}

/// One result of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Solution {
    /// The value of each expression.
    pub values: Vec<Value>,
    /// The variables of the query by name.
    pub bindings: Vec<(Name, Value)>,
}

/// The result of a query.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub found: Vec<Solution>,
    pub prints: Vec<Printed>,
    pub observations: Observations,
}

/// The names a query may use beside full paths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// The package whose rules it may call by name, such as `lib.time`.
    pub package: Option<String>,
    /// Imports, such as `data.lib.time as t`.
    pub imports: Vec<String>,
}

impl Query {
    pub(crate) fn expressions(&self) -> &[Expression] {
        &self.expressions
    }
}

impl Policy {
    /// Compiles a query against this policy.
    ///
    /// # Errors
    /// Everything that is wrong with its text.
    pub(crate) fn prepare(&self, text: &str) -> Result<Query, Vec<CompileError>> {
        self.prepare_with(text, &Names::default())
    }

    /// The same for a query that uses more names than full paths.
    ///
    /// # Errors
    /// Everything that is wrong with its text, or with the names.
    pub(crate) fn prepare_with(&self, text: &str, names: &Names) -> Result<Query, Vec<CompileError>> {
        let source = Source::new(String::new(), text.to_owned());
        let context = context(names)?;
        let mut body = parse_query(&source, QUERY)?;
        let mut expressions: Vec<_> = body.iter().map(|literal| expression(literal, &source)).collect();
        let captured = self.capture(&mut body);
        let mut errors = Vec::new();
        let work = Work::until(None);
        let query = resolve_query(&body, &source, &self.tree, context.as_ref(), self.options, &work, &mut errors);
        if !errors.is_empty() {
            return Err(sorted(errors));
        }
        let slot = |name: &Name| query.named.iter().find(|(known, _)| known == name).map(|(_, slot)| *slot);
        for (expression, name) in expressions.iter_mut().zip(&captured) {
            expression.value = name.as_ref().and_then(slot);
        }
        let mut plan =
            plan_query(query, &self.tree, &self.dependencies, std::slice::from_ref(&source), &work, &mut errors);
        if let Some(over) = work.over() {
            return Err(vec![at_first(std::slice::from_ref(&source), over.message())]);
        }
        // A variable of ours is as unbound as the one whose value it takes.
        errors.retain(|error| !error.message.starts_with("var $"));
        if !errors.is_empty() {
            return Err(sorted(errors));
        }
        plan.named.retain(|(name, _)| !captured.iter().flatten().any(|captured| captured == name));
        Ok(Query { plan, source, expressions })
    }

    /// Lets a variable of its own take the value of each expression that has one; gives the variables' names.
    fn capture(&self, body: &mut Vec<Literal>) -> Vec<Option<Name>> {
        // The value of an expression that must hold is looked at behind it.
        let must_hold = body.len() > 1 || body.iter().any(searches);
        let mut looked_at = Vec::new();
        let mut names = Vec::with_capacity(body.len());
        for (at, literal) in body.iter_mut().enumerate() {
            let LiteralKind::Expr(term) = &literal.kind else {
                names.push(None);
                continue;
            };
            if !self.has_value(term) {
                names.push(None);
                continue;
            }
            let span = term.span;
            // No name in a text holds this character.
            let name: Name = format!("${at}").into();
            let variable = Term { kind: TermKind::Var(name.clone()), span };
            let call = Call {
                name: vec!["eq".into()],
                args: vec![term.clone(), variable.clone()],
                name_span: span,
                operator: true,
            };
            literal.kind = LiteralKind::Expr(Term { kind: TermKind::Call(call.into()), span });
            if must_hold {
                looked_at.push(Literal { kind: LiteralKind::Expr(variable), with: Vec::new(), span });
            }
            names.push(Some(name));
        }
        body.append(&mut looked_at);
        names
    }

    /// Whether an expression gives a value: `a = b`, `a := b`, `print(a)` and a call that takes its result as its last
    /// argument do not.
    fn has_value(&self, term: &Term) -> bool {
        let TermKind::Call(call) = &term.kind else { return true };
        let name: Vec<&str> = call.name.iter().map(|part| &**part).collect();
        if call.operator {
            return !matches!(name.as_slice(), ["assign" | "eq"]);
        }
        if name == ["print"] {
            return false;
        }
        let of_policy = match name.split_first() {
            Some((&"data", rest)) => self.tree.find(rest.iter().copied()).and_then(|id| self.tree.node(id)),
            _ => None,
        };
        of_policy
            .map(|node| node.arity)
            .or_else(|| arity(&name.join("."), self.options.functions))
            .is_none_or(|wants| call.args.len() <= wants)
    }

    /// Evaluates a prepared query; gives the variables of each result.
    ///
    /// # Errors
    /// [`EvalError`] if the evaluation failed: a conflict, a limit, an error of the host.
    pub(crate) fn query(&self, query: &Query, options: &EvalOptions<'_>) -> Result<Vec<Bindings>, EvalError> {
        let results = self.query_observed(query, options, &TraceOptions::default()).map_err(|failed| failed.0)?;
        let named =
            |found: Solution| found.bindings.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
        Ok(results.found.into_iter().map(named).collect())
    }

    /// Evaluates a prepared query, and notes what is to be watched.
    ///
    /// # Errors
    /// [`EvalError`] if the evaluation failed, with the observations until then.
    pub(crate) fn query_observed(
        &self,
        query: &Query,
        options: &EvalOptions<'_>,
        observe: &TraceOptions,
    ) -> Result<Results, Box<(EvalError, Observations)>> {
        let mut observations = Observations::default();
        let results = on_large_stack(|| self.run(query, options, observe, &mut observations));
        match results {
            Ok(results) => Ok(Results { observations, ..results }),
            Err(error) => Err(Box::new((error, observations))),
        }
    }

    /// Evaluates a prepared query repeatedly, for as long as `time` and at most `most` times; returns the time of each.
    ///
    /// # Errors
    /// [`EvalError`] if the evaluation failed.
    pub(crate) fn measure(
        &self,
        query: &Query,
        options: &EvalOptions<'_>,
        time: Duration,
        most: usize,
    ) -> Result<Vec<Duration>, EvalError> {
        on_large_stack(|| {
            let mut times = Vec::new();
            let started = Instant::now();
            while times.is_empty() || (started.elapsed() < time && times.len() < most) {
                let began = Instant::now();
                self.run(query, options, &TraceOptions::default(), &mut Observations::default())?;
                times.push(began.elapsed());
            }
            Ok(times)
        })
    }

    fn run(
        &self,
        query: &Query,
        options: &EvalOptions<'_>,
        observe: &TraceOptions,
        observations: &mut Observations,
    ) -> Result<Results, EvalError> {
        let mut worker = Worker::default();
        let mut eval = self.eval(options, &mut worker);
        let observers = observe.observers(&query.source, &query.plan.steps);
        eval.observe(observers.clone());
        let frame = eval.frame(query.plan.slots);
        let mut found = Vec::new();
        let mut parts = 0;
        let done = eval.run(frame, &query.plan.steps, &mut |eval: &mut Eval<'_>| {
            let value = |slot: Option<Slot>| slot.map_or(Value::Bool(true), |slot| eval.slot(frame, slot).clone());
            let one = Solution {
                values: query.expressions.iter().map(|expression| value(expression.value)).collect(),
                bindings: query.plan.named.iter().map(|(name, slot)| (name.clone(), value(Some(*slot)))).collect(),
            };
            for value in one.values.iter().chain(one.bindings.iter().map(|(_, value)| value)) {
                eval.result(value, &mut parts, Span::default())?;
            }
            found.push(one);
            Ok(ControlFlow::More)
        });
        *observations = Observers::finish(observers, &mut eval);
        let prints = std::mem::take(&mut eval.prints);
        done.map_err(|error| *error)?;
        Ok(Results { found, prints, observations: Observations::default() })
    }

    /// The value of one definition of a rule; `at` counts the definitions that are not defaults, in the order of files and
    /// rows, and none is the default.
    ///
    /// # Errors
    /// [`EvalError`] if the evaluation failed.
    pub(crate) fn definition(
        &self,
        path: &[String],
        at: Option<usize>,
        options: &EvalOptions<'_>,
        observe: &TraceOptions,
    ) -> (Result<Option<Value>, EvalError>, Vec<Printed>, Observations) {
        let nowhere = Source::new(String::new(), String::new());
        // What lasts from one evaluation to the next would not be seen.
        let pooled = !observe.is_anything();
        let mut worker = if pooled { self.workers.take() } else { Worker::default() };
        let mut eval = self.eval(options, &mut worker);
        let observers = observe.observers(&nowhere, &[]);
        eval.observe(observers.clone());
        let node: Option<NodeId> = self.tree.find(path.iter().map(String::as_str));
        let value = match node {
            Some(node) => eval.definition(node, at),
            None => Ok(None),
        };
        let observations = Observers::finish(observers, &mut eval);
        let prints = std::mem::take(&mut eval.prints);
        drop(eval);
        if pooled {
            self.workers.give(worker);
        }
        (value.map_err(|error| *error), prints, observations)
    }

    /// The cases that one definition of a test `test_x[case]` reaches, whether they hold or not.
    ///
    /// # Errors
    /// [`EvalError`] if the evaluation failed.
    pub(crate) fn cases(
        &self,
        path: &[String],
        at: usize,
        options: &EvalOptions<'_>,
    ) -> Result<BTreeSet<Vec<Value>>, EvalError> {
        let mut worker = self.workers.take();
        let mut eval = self.eval(options, &mut worker);
        let node = self.tree.find(path.iter().map(String::as_str));
        let cases = node.map_or_else(|| Ok(BTreeSet::new()), |node| eval.cases(node, at));
        drop(eval);
        self.workers.give(worker);
        cases.map_err(|error| *error)
    }

    /// What kind of function stands at a path, in OPA's words; none for another rule.
    pub(crate) fn signature(&self, path: &[String]) -> Option<&str> {
        let node = self.tree.find(path.iter().map(String::as_str))?;
        self.signatures.get(&node).map(String::as_str)
    }
}

fn expression(literal: &Literal, source: &Source) -> Expression {
    let end = literal.with.last().map_or(literal.span, |with| with.value.span);
    let text = source.slice(literal.span.to(end)).trim_end().to_owned();
    Expression { text, location: source.line_column(literal.span.start), value: None }
}

/// Whether a literal may have more than one result: it declares or uses a variable of its own.
fn searches(literal: &Literal) -> bool {
    fn in_term(term: &Term) -> bool {
        match &term.kind {
            TermKind::Ref(reference) => {
                in_term(&reference.head) || reference.path.iter().any(|part| is_free(part) || in_term(part))
            }
            TermKind::Array(items) | TermKind::Set(items) => items.iter().any(in_term),
            TermKind::Object(items) => items.iter().any(|(key, value)| in_term(key) || in_term(value)),
            TermKind::Call(call) => call.args.iter().any(in_term),
            _ => false,
        }
    }
    fn is_free(term: &Term) -> bool {
        matches!(&term.kind, TermKind::Var(name) if !matches!(&**name, "data" | "input"))
    }
    match &literal.kind {
        LiteralKind::Expr(term) => in_term(term),
        LiteralKind::Not(_) => false,
        LiteralKind::Some(_) | LiteralKind::SomeIn { .. } | LiteralKind::Every { .. } => true,
    }
}

/// A file with only the package and the imports of a query.
fn context(names: &Names) -> Result<Option<Module>, Vec<CompileError>> {
    if names.package.is_none() && names.imports.is_empty() {
        return Ok(None);
    }
    let package = names.package.as_deref().unwrap_or("query");
    let mut text = format!("package {package}\n");
    for import in &names.imports {
        text.push_str(&format!("import {import}\n"));
    }
    let source = Source::new("--package, --import".to_owned(), text);
    let module = parse(&source, QUERY, false)?;
    match module.rules.first() {
        Some(rule) => {
            let message = "a package and imports are wanted here, and nothing else";
            Err(vec![CompileError::at(&source, Span { file: QUERY, ..rule.span }, CompileCode::Parse, message)])
        }
        None => Ok(Some(module)),
    }
}

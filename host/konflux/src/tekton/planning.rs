//! [`plan_pipeline`]: a pipeline with its parameters becomes tasks of a plan.
//!
//! Parameters and `$(context.*)` are filled in here, once; a value is never read for references again. What only results
//! can give stays as a reference.

use std::collections::BTreeMap;

use super::{
    check::before,
    pipeline::{ParamKind, Pipeline, PipelineTask, RawValue, TASKS, Target},
    variable::{ParamPart, Variable, variables},
};
use crate::{
    issue::{Issues, short},
    plan::{
        ListItem, Matrix, ParamPlan, Piece, ResultPart, ResultPlan, ResultRef, Section, TaskPlan, Template, When, Work,
        late::{MATRIX_CELLS, cells_of, combinations, known_lists},
    },
};

/// Bytes of all texts of a scenario's plan: a parameter of a megabyte that ten thousand tasks take would be ten gigabytes.
/// The SNAPSHOT parameter is stored once and does not count.
pub const PLAN_BYTES: usize = 16 << 20;

/// The parameter that every pipeline is given.
pub const SNAPSHOT: &str = "SNAPSHOT";

/// What `$(context.*)` stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The run's name, for `pipelineRun.name`.
    pub run: String,
    /// The run's ID, for `pipelineRun.uid`.
    pub uid: String,
    /// The namespace, for `pipelineRun.namespace`.
    pub namespace: String,
    /// The pipeline's name, for `pipeline.name`.
    pub pipeline: String,
}

/// Tasks and results of a pipeline with the values that are given. What is wrong is noted, and then the plan is not to be
/// used.
#[must_use]
pub fn plan_pipeline(
    pipeline: &Pipeline,
    given: &[(String, RawValue)],
    context: &Context,
    issues: &mut Issues,
) -> (Vec<TaskPlan>, Vec<ResultPlan>) {
    let params = bind(pipeline, given, issues);
    let mut filler = Filler { params: &params, context, bytes: 0, retries: 0, is_full: false };
    if pipeline.tasks.is_empty() {
        issues.error("spec.tasks", "required", "the pipeline has no tasks, so it would test nothing", "");
    }
    let mut tasks: Vec<TaskPlan> = Vec::with_capacity(pipeline.tasks.len());
    for task in &pipeline.tasks {
        tasks.extend(plan_task(task, &mut filler, issues));
        if tasks.len() > TASKS {
            issues.error(
                "spec.tasks",
                "limit",
                format!("the pipeline has more than {TASKS} tasks with its matrices"),
                "",
            );
            break;
        }
    }
    let result = |(name, value): &(String, RawValue)| ResultPlan {
        name: name.clone(),
        value: filler.param(value, "spec.results", issues),
    };
    let results = pipeline.results.iter().map(result).collect();
    (tasks, results)
}

/// The value of a parameter.
enum Bound {
    Snapshot,
    Raw(RawValue),
}

/// Each declared parameter with its value.
fn bind(pipeline: &Pipeline, given: &[(String, RawValue)], issues: &mut Issues) -> BTreeMap<String, Bound> {
    let by_name = given.iter().find(|(name, _)| name == SNAPSHOT).map(|(_, value)| Bound::Raw(value.clone()));
    let mut bound = BTreeMap::from([(SNAPSHOT.to_owned(), by_name.unwrap_or(Bound::Snapshot))]);
    for (at, param) in pipeline.params.iter().enumerate().filter(|(_, param)| param.name != SNAPSHOT) {
        let path = format!("spec.params[{at}]");
        let value = given.iter().rev().find(|(name, _)| *name == param.name).map(|(_, value)| value);
        let Some(value) = value.or(param.default.as_ref()) else {
            let message = format!("the parameter `{}` has no value", short(&param.name));
            issues.error(path, "missing-param", message, "give it in the scenario's `params`, or add a default");
            continue;
        };
        if param.kind.is_some_and(|kind| kind != value.kind()) {
            let message = format!(
                "the parameter `{}` is {}, and is given {}",
                short(&param.name),
                in_words(param.kind.unwrap_or(ParamKind::Text)),
                in_words(value.kind())
            );
            issues.error(path, "param-type", message, "");
        }
        bound.insert(param.name.clone(), Bound::Raw(value.clone()));
    }
    // A run's parameters reach an embedded pipeline even where it does not declare them.
    for (name, value) in given {
        bound.entry(name.clone()).or_insert_with(|| Bound::Raw(value.clone()));
    }
    bound
}

const fn in_words(kind: ParamKind) -> &'static str {
    match kind {
        ParamKind::Text => "a string",
        ParamKind::List => "a list",
        ParamKind::Object => "an object",
    }
}

fn plan_task(task: &PipelineTask, filler: &mut Filler<'_>, issues: &mut Issues) -> Vec<TaskPlan> {
    let path = task.path.as_str();
    filler.retries = task.retries;
    let work = match &task.target {
        Target::Plugin(name) => Work::Plugin { name: name.clone() },
        Target::PluginImage(image) => Work::PluginImage { image: image.clone() },
        Target::Steps(what) => Work::Tekton { what: what.clone() },
    };
    let when = |(at, when): (usize, &super::pipeline::RawWhen)| When {
        input: filler.text(&when.input, &format!("{path}.when[{at}].input"), issues),
        is_in: when.is_in,
        values: filler.list(&when.values, &format!("{path}.when[{at}].values"), issues),
    };
    let when = task.when.iter().enumerate().map(when).collect();
    // The parameters of a task that only Tekton runs are nobody's here.
    let params = match work {
        Work::Tekton { .. } => Vec::new(),
        Work::Plugin { .. } | Work::PluginImage { .. } => {
            let param = |(name, value): &(String, RawValue)| {
                (name.clone(), filler.param(value, &format!("{path}.params.{}", short(name)), issues))
            };
            task.params.iter().map(param).collect()
        }
    };
    let plan = TaskPlan {
        name: task.name.clone(),
        pipeline_task: task.name.clone(),
        cell: None,
        section: task.section,
        after: if task.section == Section::Finally { Vec::new() } else { before(task).into_iter().collect() },
        when,
        params,
        matrix: None,
        retries: task.retries,
        timeout: task.timeout,
        on_error: task.on_error,
        work,
    };
    if task.section == Section::Tasks && uses_status(&plan) {
        issues.error(path, "status", "only a finally task can take the status of tasks", "move it to `finally`");
    }
    if task.matrix.is_empty() && task.include.is_empty() {
        return vec![plan];
    }
    with_matrix(task, plan, filler, issues)
}

fn with_matrix(task: &PipelineTask, plan: TaskPlan, filler: &mut Filler<'_>, issues: &mut Issues) -> Vec<TaskPlan> {
    let path = format!("{}.matrix", task.path);
    let mut params = Vec::new();
    for (name, value) in &task.matrix {
        let place = format!("{path}.{}", short(name));
        let items = match filler.param(value, &place, issues) {
            ParamPlan::List(items) => items,
            ParamPlan::WholeObject(reference) => vec![ListItem::Spread(reference)],
            ParamPlan::Text(_) | ParamPlan::Object(_) => {
                issues.error(place, "matrix", "a parameter of a matrix is a list", "");
                continue;
            }
        };
        params.push((name.clone(), items));
    }
    let include = task
        .include
        .iter()
        .map(|fields| fields.iter().map(|(name, value)| (name.clone(), filler.text(value, &path, issues))).collect());
    let matrix = Matrix { params, include: include.collect() };
    let Some((params, include)) = known_lists(&matrix) else {
        return vec![TaskPlan { matrix: Some(Box::new(matrix)), ..plan }];
    };
    match combinations(&params, &include) {
        Some(cells) if cells.is_empty() => {
            issues.error(path, "matrix", "the matrix has no combination, so the task would never run", "");
            Vec::new()
        }
        Some(cells) => cells_of(&plan, cells),
        None => {
            let message = format!("the matrix has more than the {MATRIX_CELLS} combinations allowed");
            issues.error(path, "matrix", message, "split the task");
            Vec::new()
        }
    }
}

fn uses_status(task: &TaskPlan) -> bool {
    let is_status = |template: &Template| {
        let status = |piece: &Piece| matches!(piece, Piece::Status { .. } | Piece::Reason { .. } | Piece::AllStatus);
        template.pieces.iter().any(status)
    };
    let in_list = |items: &[ListItem]| items.iter().any(|item| matches!(item, ListItem::One(one) if is_status(one)));
    let in_param = |param: &ParamPlan| match param {
        ParamPlan::Text(template) => is_status(template),
        ParamPlan::List(items) => in_list(items),
        ParamPlan::Object(fields) => fields.values().any(is_status),
        ParamPlan::WholeObject(_) => false,
    };
    task.params.iter().any(|(_, param)| in_param(param))
        || task.when.iter().any(|when| is_status(&when.input) || in_list(&when.values))
}

/// Fills parameters and contexts into texts.
struct Filler<'a> {
    params: &'a BTreeMap<String, Bound>,
    context: &'a Context,
    bytes: usize,
    retries: u32,
    is_full: bool,
}

impl Filler<'_> {
    fn param(&mut self, value: &RawValue, path: &str, issues: &mut Issues) -> ParamPlan {
        match value {
            RawValue::Text(text) => match whole(text) {
                Some(Whole::Param(name)) => match self.params.get(&name) {
                    Some(Bound::Raw(RawValue::List(items))) => {
                        let items = items.iter().map(|item| ListItem::One(Template::of(item.as_str())));
                        let items: Vec<_> = items.collect();
                        self.charge_list(&items, path, issues);
                        ParamPlan::List(items)
                    }
                    Some(Bound::Raw(RawValue::Object(fields))) => {
                        let field = |(name, value): (&String, &String)| (name.clone(), Template::of(value.as_str()));
                        let bytes = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
                        self.charge(bytes, path, issues);
                        ParamPlan::Object(fields.iter().map(field).collect())
                    }
                    _ => {
                        let message = format!("`$(params.{}[*])` is neither a list nor an object", short(&name));
                        issues.error(path, "param-type", message, "");
                        ParamPlan::Text(Template::default())
                    }
                },
                Some(Whole::Result(reference)) => ParamPlan::WholeObject(Box::new(reference)),
                None => ParamPlan::Text(self.text(text, path, issues)),
            },
            RawValue::List(items) => ParamPlan::List(self.list(items, path, issues)),
            RawValue::Object(fields) => {
                let field = |(name, value): (&String, &String)| (name.clone(), self.text(value, path, issues));
                ParamPlan::Object(fields.iter().map(field).collect())
            }
        }
    }

    fn list(&mut self, items: &[String], path: &str, issues: &mut Issues) -> Vec<ListItem> {
        let mut out = Vec::new();
        for item in items {
            match whole(item) {
                Some(Whole::Result(reference)) => out.push(ListItem::Spread(Box::new(reference))),
                Some(Whole::Param(name)) => match self.params.get(&name) {
                    Some(Bound::Raw(RawValue::List(items))) => {
                        let items = items.iter().map(|item| ListItem::One(Template::of(item.as_str())));
                        out.extend(items);
                    }
                    _ => {
                        let message = format!("`$(params.{}[*])` is not a list", short(&name));
                        issues.error(path, "param-type", message, "");
                    }
                },
                None => out.push(ListItem::One(self.text(item, path, issues))),
            }
            if self.is_full {
                break;
            }
        }
        self.charge_list(&out, path, issues);
        out
    }

    fn text(&mut self, text: &str, path: &str, issues: &mut Issues) -> Template {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut from = 0;
        for found in variables(text) {
            if self.is_full {
                break;
            }
            // A reference inside what was replaced already.
            if found.start < from {
                continue;
            }
            let piece = match found.variable {
                Variable::Param(name, part) => self.of_param(&name, part, path, issues),
                Variable::Context(name) => self.of_context(&name).map(Piece::Text),
                Variable::Result(reference) => match reference.part {
                    ResultPart::All => {
                        let message = "`[*]` of a result stands alone in a value or an item of a list";
                        issues.error(path, "result", message, "name an item: `[0]`");
                        None
                    }
                    _ => Some(Piece::Result(Box::new(reference))),
                },
                Variable::Status(task) => Some(Piece::Status { task }),
                Variable::Reason(task) => Some(Piece::Reason { task }),
                Variable::AllStatus => Some(Piece::AllStatus),
                // What is not known here stays as it is, as in Tekton.
                Variable::Other(_) => continue,
            };
            if let Some(before) = text.get(from..found.start) {
                push(&mut pieces, before);
            }
            match piece {
                Some(Piece::Text(text)) => {
                    self.charge(text.len(), path, issues);
                    push(&mut pieces, &text);
                }
                Some(piece) => pieces.push(piece),
                None => {}
            }
            from = found.end;
        }
        let rest = text.get(from..).unwrap_or_default();
        self.charge(rest.len(), path, issues);
        push(&mut pieces, rest);
        // Most have one piece, and a plan may have many thousands of them.
        pieces.shrink_to_fit();
        Template { pieces }
    }

    fn of_param(&self, name: &str, part: ParamPart, path: &str, issues: &mut Issues) -> Option<Piece> {
        let mut wrong = |message: String, suggestion: &str| {
            issues.error(path, "param-type", message, suggestion);
            None
        };
        let (bound, key) = match (self.params.get(name), name.split_once('.')) {
            (Some(bound), _) => (bound, None),
            (None, Some((object, key))) if self.params.contains_key(object) => (self.params.get(object)?, Some(key)),
            (None, _) => {
                let message = format!("there is no parameter `{}`", short(name));
                issues.error(path, "unknown-param", message, "declare it in the pipeline's `params`");
                return None;
            }
        };
        match (bound, key, part) {
            (Bound::Snapshot, None, ParamPart::Whole) => Some(Piece::Snapshot),
            (Bound::Raw(RawValue::Text(text)), None, ParamPart::Whole) => Some(Piece::Text(text.clone())),
            (Bound::Raw(RawValue::List(items)), None, ParamPart::Item(at)) => {
                let item = usize::try_from(at).ok().and_then(|at| items.get(at));
                match item {
                    Some(item) => Some(Piece::Text(item.clone())),
                    None => wrong(format!("the parameter `{}` has no item {at}", short(name)), ""),
                }
            }
            (Bound::Raw(RawValue::Object(fields)), Some(key), ParamPart::Whole) => match fields.get(key) {
                Some(value) => Some(Piece::Text(value.clone())),
                None => wrong(format!("the parameter `{}` has no key of that name", short(name)), ""),
            },
            (_, _, ParamPart::All) => {
                wrong(format!("`$(params.{}[*])` stands alone in a value or an item of a list", short(name)), "")
            }
            _ => {
                wrong(format!("the parameter `{}` is not used by its type", short(name)), "use `[0]`, `[*]` or `.key`")
            }
        }
    }

    fn of_context(&self, name: &str) -> Option<String> {
        let context = self.context;
        Some(match name {
            "pipelineRun.name" => context.run.clone(),
            "pipelineRun.uid" => context.uid.clone(),
            "pipelineRun.namespace" => context.namespace.clone(),
            "pipeline.name" => context.pipeline.clone(),
            "pipelineTask.retries" => self.retries.to_string(),
            // Contexts of containers have no meaning here.
            _ => return None,
        })
    }

    fn charge_list(&mut self, items: &[ListItem], path: &str, issues: &mut Issues) {
        let bytes = items.iter().map(|item| match item {
            ListItem::One(template) => template.literal().map_or(0, |text| text.len()) + 32,
            ListItem::Spread(_) => 0,
        });
        self.charge(bytes.sum(), path, issues);
    }

    /// What would not fit in the plan is reported once.
    fn charge(&mut self, bytes: usize, path: &str, issues: &mut Issues) {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > PLAN_BYTES && !self.is_full {
            self.is_full = true;
            let message = format!("the values of all tasks together have more than {PLAN_BYTES} bytes");
            issues.error(path, "plan-size", message, "give large values as files or by SNAPSHOT");
        }
    }
}

fn push(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(last)) => last.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

enum Whole {
    Param(String),
    Result(ResultRef),
}

/// A text that is nothing but `$(….[*])`.
fn whole(text: &str) -> Option<Whole> {
    let found = variables(text).next().filter(|found| found.start == 0 && found.end == text.len())?;
    match found.variable {
        Variable::Param(name, ParamPart::All) => Some(Whole::Param(name)),
        Variable::Result(reference) if reference.part == ResultPart::All => Some(Whole::Result(reference)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

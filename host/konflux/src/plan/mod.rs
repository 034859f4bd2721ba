//! [`RunPlan`]: everything that a run will do, decided before anything starts.
//!
//! A plan is data that can be stored and read back. What cannot be known before tasks have ended stays in it as a reference
//! to a result or a status ([`Piece`]), which [`late`] fills in: values never become templates again, so a Snapshot that
//! contains `$(tasks.a.results.b)` stays what it is.

pub mod late;
mod run;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use run::{PlanError, PlanRequest, find_pipeline, pipeline_of_text, plan_run, snapshot_id, snapshot_param};

/// The version of stored plans. Another version is refused by its reader.
pub const PLAN_VERSION: u32 = 1;

/// The scenarios of one Snapshot, and how each is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPlan {
    /// [`PLAN_VERSION`].
    pub version: u32,
    /// What is tested.
    pub snapshot: PlannedSnapshot,
    /// In the order of their names.
    pub scenarios: Vec<ScenarioPlan>,
    /// Scenarios that were imported and do not run, in the order of their names.
    pub skipped: Vec<SkippedScenario>,
}

/// The Snapshot of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedSnapshot {
    /// Its name; empty when it has none.
    pub name: String,
    /// `sha256:…` of its canonical document.
    pub id: String,
    /// The SNAPSHOT parameter: its spec as JSON. It is stored once, whatever the number of tasks that take it.
    pub param: String,
}

/// A scenario that does not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedScenario {
    /// Its name.
    pub name: String,
    /// One sentence.
    pub reason: String,
}

/// One scenario: a pipeline with its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioPlan {
    /// Its name.
    pub name: String,
    /// Whether its failure does not fail the run.
    pub optional: bool,
    /// Scenarios that end before this one starts (`testGraph`).
    pub after: Vec<Predecessor>,
    /// The three time limits together; each fits the others.
    pub timeouts: Timeouts,
    /// Tasks and finally tasks, in the order of the pipeline.
    pub tasks: Vec<TaskPlan>,
    /// Results of the pipeline, in its order.
    pub results: Vec<ResultPlan>,
    /// The components that it looks at, where it states them; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,
}

/// A scenario before another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Predecessor {
    /// Its name.
    pub name: String,
    /// Whether the later one is not started when this one does not pass.
    pub fail_fast: bool,
}

/// Time limits in milliseconds; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeouts {
    /// All of the pipeline.
    pub pipeline: Option<u64>,
    /// Its tasks together.
    pub tasks: Option<u64>,
    /// Its finally tasks together.
    #[serde(rename = "finally")]
    pub finally_tasks: Option<u64>,
}

/// One task of a pipeline, or one cell of a task with a matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskPlan {
    /// Unique in the scenario: the name in the pipeline, and `NAME-N` for cell N of a matrix.
    pub name: String,
    /// The name in the pipeline, which [`after`](Self::after) and references use.
    pub pipeline_task: String,
    /// Which cell of the matrix it is.
    pub cell: Option<u32>,
    /// When it runs.
    pub section: Section,
    /// Pipeline tasks that end before it starts: `runAfter` and the tasks whose results it takes.
    pub after: Vec<String>,
    /// All of them must hold, else the task is skipped.
    pub when: Vec<When>,
    /// Parameters by name, in the order of the pipeline.
    pub params: Vec<(String, ParamPlan)>,
    /// A matrix whose lists are results, so that its cells are known later; see [`late::expand`].
    pub matrix: Option<Box<Matrix>>,
    /// Attempts after the first one.
    pub retries: u32,
    /// The limit of one attempt in milliseconds; `None` is no limit of its own.
    pub timeout: Option<u64>,
    /// What its failure means for the pipeline.
    pub on_error: OnError,
    /// What is run.
    pub work: Work,
}

/// When a task runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// In its place in the graph.
    Tasks,
    /// After all tasks have ended, however they did.
    Finally,
}

/// What a failed task means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    /// No further task starts, and the pipeline fails.
    StopAndFail,
    /// The pipeline goes on as if it had passed.
    Continue,
}

/// What a task is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// A plugin by its name in `plugins.toml`.
    Plugin {
        /// The name.
        name: String,
    },
    /// A plugin in a registry, by digest.
    PluginImage {
        /// `REPOSITORY@sha256:…`.
        image: String,
    },
    /// Container steps, which only Tekton runs: a plan with one is refused before anything starts.
    Tekton {
        /// What it refers to, for the message.
        what: String,
    },
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// The value that is looked for.
    pub input: Template,
    /// Whether it must be among the values, or must not.
    pub is_in: bool,
    /// The values.
    pub values: Vec<ListItem>,
}

/// A result of the pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultPlan {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: ParamPlan,
}

/// A parameter's value before results are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParamPlan {
    /// A string.
    Text(Template),
    /// A list.
    List(Vec<ListItem>),
    /// An object of strings.
    Object(BTreeMap<String, Template>),
    /// A whole result that is an object: `$(tasks.t.results.r[*])`.
    WholeObject(Box<ResultRef>),
}

/// An item of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListItem {
    /// One string.
    One(Template),
    /// All items of a result that is a list: `$(tasks.t.results.r[*])`.
    Spread(Box<ResultRef>),
}

/// A string with references.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template {
    /// Its parts in order.
    pub pieces: Vec<Piece>,
}

/// A part of a string.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Piece {
    /// Itself.
    Text(String),
    /// The SNAPSHOT parameter.
    Snapshot,
    /// A result of a task, which few pieces are.
    Result(Box<ResultRef>),
    /// How a task ended, `$(tasks.NAME.status)`: `Succeeded`, `Failed` or `None`.
    Status {
        /// Its name in the pipeline.
        task: String,
    },
    /// Why a task ended, `$(tasks.NAME.reason)`.
    Reason {
        /// Its name in the pipeline.
        task: String,
    },
    /// How all tasks ended, `$(tasks.status)`: `Succeeded`, `Failed`, `Completed` or `None`.
    AllStatus,
}

/// A reference to a result of a task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ResultRef {
    /// The task's name in the pipeline.
    pub task: String,
    /// The result's name.
    pub result: String,
    /// Which part of it.
    pub part: ResultPart,
}

/// Which part of a result.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResultPart {
    /// All of a string.
    Whole,
    /// Item N of a list.
    Item(u32),
    /// A key of an object.
    Key(String),
    /// All of a list or object, `[*]`.
    All,
}

/// A matrix: every combination of its lists, and the included ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matrix {
    /// Lists by parameter.
    pub params: Vec<(String, Vec<ListItem>)>,
    /// Parameters that are added to the combinations that they fit, or make a combination of their own.
    pub include: Vec<Vec<(String, Template)>>,
}

impl Template {
    /// A string without references.
    #[must_use]
    pub fn of(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { pieces: if text.is_empty() { Vec::new() } else { vec![Piece::Text(text)] } }
    }

    /// The string, where nothing of it is a reference.
    #[must_use]
    pub fn literal(&self) -> Option<String> {
        let mut text = String::new();
        for piece in &self.pieces {
            let Piece::Text(part) = piece else { return None };
            text.push_str(part);
        }
        Some(text)
    }
}

impl ScenarioPlan {
    /// The tasks that only Tekton can run. A run with one is refused before anything starts.
    pub fn tekton_tasks(&self) -> impl Iterator<Item = &TaskPlan> {
        self.tasks.iter().filter(|task| matches!(task.work, Work::Tekton { .. }))
    }

    /// The names of all results that something in the scenario refers to, whatever the task. Nobody requests others while it
    /// goes on.
    #[must_use]
    pub fn result_names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for task in &self.tasks {
            for when in &task.when {
                note_text(&when.input, &mut names);
                note_items(&when.values, &mut names);
            }
            task.params.iter().for_each(|(_, value)| note_param(value, &mut names));
            if let Some(matrix) = &task.matrix {
                matrix.params.iter().for_each(|(_, items)| note_items(items, &mut names));
                matrix.include.iter().flatten().for_each(|(_, value)| note_text(value, &mut names));
            }
        }
        self.results.iter().for_each(|result| note_param(&result.value, &mut names));
        names
    }
}

fn note_param(param: &ParamPlan, names: &mut BTreeSet<String>) {
    match param {
        ParamPlan::Text(template) => note_text(template, names),
        ParamPlan::List(items) => note_items(items, names),
        ParamPlan::Object(fields) => fields.values().for_each(|template| note_text(template, names)),
        ParamPlan::WholeObject(reference) => drop(names.insert(reference.result.clone())),
    }
}

fn note_items(items: &[ListItem], names: &mut BTreeSet<String>) {
    for item in items {
        match item {
            ListItem::One(template) => note_text(template, names),
            ListItem::Spread(reference) => drop(names.insert(reference.result.clone())),
        }
    }
}

fn note_text(template: &Template, names: &mut BTreeSet<String>) {
    for piece in &template.pieces {
        if let Piece::Result(reference) = piece {
            names.insert(reference.result.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_that_a_scenario_refers_to_is_named() {
        let reference =
            |result: &str| ResultRef { task: "a".to_owned(), result: result.to_owned(), part: ResultPart::Whole };
        let text =
            |result: &str| Template { pieces: vec![Piece::Snapshot, Piece::Result(Box::new(reference(result)))] };
        let task = TaskPlan {
            name: "b".to_owned(),
            pipeline_task: "b".to_owned(),
            cell: None,
            section: Section::Tasks,
            after: Vec::new(),
            when: vec![When { input: text("when"), is_in: true, values: vec![ListItem::One(text("value"))] }],
            params: vec![
                ("text".to_owned(), ParamPlan::Text(text("text"))),
                ("list".to_owned(), ParamPlan::List(vec![ListItem::Spread(Box::new(reference("list")))])),
                ("object".to_owned(), ParamPlan::Object([("k".to_owned(), text("field"))].into())),
                ("whole".to_owned(), ParamPlan::WholeObject(Box::new(reference("whole")))),
            ],
            matrix: Some(Box::new(Matrix {
                params: vec![("m".to_owned(), vec![ListItem::One(text("matrix"))])],
                include: vec![vec![("i".to_owned(), text("include"))]],
            })),
            retries: 0,
            timeout: None,
            on_error: OnError::Continue,
            work: Work::Plugin { name: "p".to_owned() },
        };
        let scenario = ScenarioPlan {
            name: "s".to_owned(),
            optional: false,
            after: Vec::new(),
            timeouts: Timeouts::default(),
            tasks: vec![task],
            results: vec![ResultPlan { name: "r".to_owned(), value: ParamPlan::Text(text("result")) }],
            components: Vec::new(),
        };
        let names: Vec<_> = scenario.result_names().into_iter().collect();
        assert_eq!(names, ["field", "include", "list", "matrix", "result", "text", "value", "when", "whole"]);
    }
}

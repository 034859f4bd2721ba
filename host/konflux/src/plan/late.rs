//! What is known only while a run goes on: [`fill`] puts results into parameters, [`holds`] decides conditions, [`expand`]
//! makes the cells of a matrix whose lists are results.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ListItem, Matrix, ParamPlan, Piece, ResultPart, ResultRef, TaskPlan, Template, When};

/// Cells of one matrix: Tekton's default, and a task of a million cells would fill the memory.
pub const MATRIX_CELLS: usize = 256;

/// The value of a result or a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A string.
    Text(String),
    /// A list of strings.
    List(Vec<String>),
    /// An object of strings.
    Object(BTreeMap<String, String>),
}

/// What a scenario knows so far. A scheduler implements it over its record.
pub trait Known {
    /// The result of a task, by its name in the pipeline; of a task with a matrix, the list of the cells' results. `None`
    /// when the task has ended without it.
    fn result(&self, task: &str, result: &str) -> Option<Value>;
    /// `Succeeded`, `Failed` or `None` of a task.
    fn status(&self, task: &str) -> String;
    /// Why a task ended.
    fn reason(&self, task: &str) -> String;
    /// `Succeeded`, `Failed`, `Completed` or `None` of all tasks.
    fn all_status(&self) -> String;
    /// The SNAPSHOT parameter.
    fn snapshot(&self) -> &str;
}

/// Why a value cannot be had. Tekton skips a task whose results are missing, and so does a scheduler; the other kinds are
/// errors of the pipeline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LateError {
    /// The task has ended without the result.
    #[error("task `{task}` has no result `{result}`")]
    Missing {
        /// Its name in the pipeline.
        task: String,
        /// The result's name.
        result: String,
    },
    /// A list is used as a string, or the other way round.
    #[error("the result `{result}` of task `{task}` is {found}, not {wanted}")]
    Kind {
        /// Its name in the pipeline.
        task: String,
        /// The result's name.
        result: String,
        /// What it is.
        found: &'static str,
        /// What was needed.
        wanted: &'static str,
    },
    /// More than [`MATRIX_CELLS`].
    #[error("the matrix has more than {MATRIX_CELLS} combinations")]
    TooManyCells,
}

/// The value of a parameter.
///
/// # Errors
/// A result is missing or of another kind.
pub fn fill(param: &ParamPlan, known: &dyn Known) -> Result<Value, LateError> {
    Ok(match param {
        ParamPlan::Text(template) => Value::Text(text(template, known)?),
        ParamPlan::List(items) => Value::List(list(items, known)?),
        ParamPlan::Object(fields) => {
            let field = |(key, value): (&String, &Template)| Ok((key.clone(), text(value, known)?));
            Value::Object(fields.iter().map(field).collect::<Result<_, LateError>>()?)
        }
        ParamPlan::WholeObject(reference) => match whole(reference, known)? {
            // A whole result takes the form that it has.
            value @ (Value::Object(_) | Value::List(_)) => value,
            Value::Text(_) => return Err(kind(reference, "a string", "a list or an object")),
        },
    })
}

/// A string with its references filled in.
///
/// # Errors
/// A result is missing or of another kind.
pub fn text(template: &Template, known: &dyn Known) -> Result<String, LateError> {
    let mut out = String::new();
    for piece in &template.pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Snapshot => out.push_str(known.snapshot()),
            Piece::Result(reference) => out.push_str(&string_of(reference, known)?),
            Piece::Status { task } => out.push_str(&known.status(task)),
            Piece::Reason { task } => out.push_str(&known.reason(task)),
            Piece::AllStatus => out.push_str(&known.all_status()),
        }
    }
    Ok(out)
}

/// Whether a condition holds.
///
/// # Errors
/// A result is missing or of another kind.
pub fn holds(when: &When, known: &dyn Known) -> Result<bool, LateError> {
    let input = text(&when.input, known)?;
    Ok(list(&when.values, known)?.contains(&input) == when.is_in)
}

/// The cells of a task with a matrix that was not expanded before; the task itself when it has none.
///
/// # Errors
/// A result is missing or of another kind, or there are too many cells.
pub fn expand(task: &TaskPlan, known: &dyn Known) -> Result<Vec<TaskPlan>, LateError> {
    let Some(matrix) = &task.matrix else { return Ok(vec![task.clone()]) };
    let params = matrix.params.iter().map(|(name, items)| Ok((name.clone(), list(items, known)?)));
    let params = params.collect::<Result<Vec<_>, LateError>>()?;
    let include = matrix.include.iter().map(|fields| {
        fields
            .iter()
            .map(|(name, value)| Ok((name.clone(), text(value, known)?)))
            .collect::<Result<Vec<_>, LateError>>()
    });
    let include = include.collect::<Result<Vec<_>, _>>()?;
    let cells = combinations(&params, &include).ok_or(LateError::TooManyCells)?;
    Ok(cells_of(task, cells))
}

/// The tasks of a matrix whose combinations are known.
pub(crate) fn cells_of(task: &TaskPlan, cells: Vec<Vec<(String, String)>>) -> Vec<TaskPlan> {
    let cell = |(at, values): (usize, Vec<(String, String)>)| {
        let mut task = TaskPlan {
            name: format!("{}-{at}", task.pipeline_task),
            cell: u32::try_from(at).ok(),
            matrix: None,
            ..task.clone()
        };
        for (name, value) in values {
            let value = ParamPlan::Text(Template::of(value));
            match task.params.iter_mut().find(|(known, _)| *known == name) {
                Some((_, old)) => *old = value,
                None => task.params.push((name, value)),
            }
        }
        task
    };
    cells.into_iter().enumerate().map(cell).collect()
}

/// All combinations of a matrix, as Tekton makes them: an included one is added to each combination whose values it does
/// not contradict and shares a parameter with, else it is one of its own. `None` for more than [`MATRIX_CELLS`].
pub(crate) fn combinations(
    params: &[(String, Vec<String>)],
    include: &[Vec<(String, String)>],
) -> Option<Vec<Vec<(String, String)>>> {
    let count = params.iter().try_fold(1_usize, |count, (_, items)| count.checked_mul(items.len()));
    if count? > MATRIX_CELLS || include.len() > MATRIX_CELLS {
        return None;
    }
    let mut cells: Vec<Vec<(String, String)>> = if params.is_empty() { Vec::new() } else { vec![Vec::new()] };
    for (name, items) in params {
        cells = cells
            .into_iter()
            .flat_map(|cell| {
                items.iter().map(move |item| {
                    let mut cell = cell.clone();
                    cell.push((name.clone(), item.clone()));
                    cell
                })
            })
            .collect();
    }
    let made = cells.len();
    for extra in include {
        let names_param = extra.iter().any(|(name, _)| params.iter().any(|(known, _)| known == name));
        let mut fits_one = false;
        for cell in cells.iter_mut().take(made) {
            let agrees = extra.iter().all(|(name, value)| {
                let own = params.iter().any(|(known, _)| known == name);
                !own || cell.iter().any(|(known, old)| known == name && old == value)
            });
            if agrees {
                fits_one = true;
                for (name, value) in extra {
                    match cell.iter_mut().find(|(known, _)| known == name) {
                        Some((_, old)) => old.clone_from(value),
                        None => cell.push((name.clone(), value.clone())),
                    }
                }
            }
        }
        if !fits_one && (names_param || made == 0) {
            cells.push(extra.clone());
        }
    }
    (cells.len() <= MATRIX_CELLS).then_some(cells)
}

/// The lists and the included combinations of a matrix whose values are known.
pub(crate) type KnownLists = (Vec<(String, Vec<String>)>, Vec<Vec<(String, String)>>);

/// The lists of a matrix, where they are known before anything runs.
pub(crate) fn known_lists(matrix: &Matrix) -> Option<KnownLists> {
    let literal = |item: &ListItem| match item {
        ListItem::One(template) => template.literal(),
        ListItem::Spread(_) => None,
    };
    let params = matrix
        .params
        .iter()
        .map(|(name, items)| items.iter().map(literal).collect::<Option<Vec<_>>>().map(|items| (name.clone(), items)));
    let include = matrix.include.iter().map(|fields| {
        fields
            .iter()
            .map(|(name, value)| value.literal().map(|value| (name.clone(), value)))
            .collect::<Option<Vec<_>>>()
    });
    Some((params.collect::<Option<_>>()?, include.collect::<Option<_>>()?))
}

fn list(items: &[ListItem], known: &dyn Known) -> Result<Vec<String>, LateError> {
    let mut out = Vec::new();
    for item in items {
        match item {
            ListItem::One(template) => out.push(text(template, known)?),
            ListItem::Spread(reference) => match whole(reference, known)? {
                Value::List(items) => out.extend(items),
                Value::Text(_) => return Err(kind(reference, "a string", "a list")),
                Value::Object(_) => return Err(kind(reference, "an object", "a list")),
            },
        }
    }
    Ok(out)
}

fn whole(reference: &ResultRef, known: &dyn Known) -> Result<Value, LateError> {
    known.result(&reference.task, &reference.result).ok_or_else(|| missing(reference))
}

fn string_of(reference: &ResultRef, known: &dyn Known) -> Result<String, LateError> {
    match (&reference.part, whole(reference, known)?) {
        (ResultPart::Whole, Value::Text(text)) => Ok(text),
        (ResultPart::Item(at), Value::List(items)) => {
            let at = usize::try_from(*at).unwrap_or(usize::MAX);
            items.get(at).cloned().ok_or_else(|| missing(reference))
        }
        (ResultPart::Key(key), Value::Object(fields)) => fields.get(key).cloned().ok_or_else(|| missing(reference)),
        (ResultPart::Item(_), Value::Text(_)) => Err(kind(reference, "a string", "a list")),
        (ResultPart::Item(_), Value::Object(_)) => Err(kind(reference, "an object", "a list")),
        (ResultPart::Key(_), Value::Text(_)) => Err(kind(reference, "a string", "an object")),
        (ResultPart::Key(_), Value::List(_)) => Err(kind(reference, "a list", "an object")),
        (_, Value::List(_)) => Err(kind(reference, "a list", "a string")),
        (_, Value::Object(_)) => Err(kind(reference, "an object", "a string")),
        (ResultPart::All, Value::Text(_)) => Err(kind(reference, "a string", "a list or an object")),
    }
}

fn missing(reference: &ResultRef) -> LateError {
    LateError::Missing { task: reference.task.clone(), result: reference.result.clone() }
}

fn kind(reference: &ResultRef, found: &'static str, wanted: &'static str) -> LateError {
    LateError::Kind { task: reference.task.clone(), result: reference.result.clone(), found, wanted }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Done;

    impl Known for Done {
        fn result(&self, task: &str, result: &str) -> Option<Value> {
            match (task, result) {
                ("a", "text") => Some(Value::Text("$(tasks.a.results.list)".to_owned())),
                ("a", "list") => Some(Value::List(vec!["x".to_owned(), "y".to_owned()])),
                ("a", "object") => Some(Value::Object(BTreeMap::from([("k".to_owned(), "v".to_owned())]))),
                _ => None,
            }
        }
        fn status(&self, _: &str) -> String {
            "Succeeded".to_owned()
        }
        fn reason(&self, _: &str) -> String {
            "Succeeded".to_owned()
        }
        fn all_status(&self) -> String {
            "Completed".to_owned()
        }
        fn snapshot(&self) -> &str {
            "{}"
        }
    }

    fn reference(result: &str, part: ResultPart) -> ResultRef {
        ResultRef { task: "a".to_owned(), result: result.to_owned(), part }
    }

    fn strings(items: &[&[(&str, &str)]]) -> Vec<Vec<(String, String)>> {
        items.iter().map(|cell| cell.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()).collect()
    }

    #[test]
    fn references_are_filled_in_once_and_values_are_no_templates() {
        let template = Template {
            pieces: vec![
                Piece::Text("<".to_owned()),
                Piece::Result(Box::new(reference("text", ResultPart::Whole))),
                Piece::Result(Box::new(reference("list", ResultPart::Item(1)))),
                Piece::Result(Box::new(reference("object", ResultPart::Key("k".to_owned())))),
                Piece::Snapshot,
                Piece::AllStatus,
                Piece::Status { task: "a".to_owned() },
            ],
        };
        assert_eq!(text(&template, &Done).unwrap(), "<$(tasks.a.results.list)yv{}CompletedSucceeded");
        let list = ParamPlan::List(vec![
            ListItem::Spread(Box::new(reference("list", ResultPart::All))),
            ListItem::One(Template::of("z")),
        ]);
        assert_eq!(fill(&list, &Done).unwrap(), Value::List(["x", "y", "z"].map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_result_that_is_missing_or_of_another_kind_is_named() {
        for (part, result, says) in [
            (ResultPart::Whole, "none", "task `a` has no result `none`"),
            (ResultPart::Item(7), "list", "task `a` has no result `list`"),
            (ResultPart::Whole, "list", "the result `list` of task `a` is a list, not a string"),
            (ResultPart::Key("k".to_owned()), "text", "the result `text` of task `a` is a string, not an object"),
        ] {
            let template = Template { pieces: vec![Piece::Result(Box::new(reference(result, part)))] };
            assert_eq!(text(&template, &Done).unwrap_err().to_string(), says);
        }
    }

    #[test]
    fn a_condition_compares_strings() {
        let when = |is_in, value: &str| When {
            input: Template { pieces: vec![Piece::Result(Box::new(reference("list", ResultPart::Item(0))))] },
            is_in,
            values: vec![ListItem::One(Template::of(value))],
        };
        for (is_in, value, want) in [(true, "x", true), (true, "y", false), (false, "x", false), (false, "y", true)] {
            assert_eq!(holds(&when(is_in, value), &Done).unwrap(), want, "{is_in} {value}");
        }
    }

    #[test]
    fn combinations_are_made_as_tekton_makes_them() {
        let lists = [
            ("os".to_owned(), vec!["linux".to_owned(), "mac".to_owned()]),
            ("go".to_owned(), vec!["1".to_owned(), "2".to_owned()]),
        ];
        let extra = strings(&[&[("os", "linux"), ("flags", "-x")], &[("all", "y")], &[("os", "bsd"), ("go", "9")]]);
        let cells = combinations(&lists, &extra).unwrap();
        assert_eq!(
            cells,
            strings(&[
                &[("os", "linux"), ("go", "1"), ("flags", "-x"), ("all", "y")],
                &[("os", "linux"), ("go", "2"), ("flags", "-x"), ("all", "y")],
                &[("os", "mac"), ("go", "1"), ("all", "y")],
                &[("os", "mac"), ("go", "2"), ("all", "y")],
                &[("os", "bsd"), ("go", "9")],
            ])
        );
        assert_eq!(combinations(&[], &extra).unwrap().len(), 3);
        assert_eq!(combinations(&[("a".to_owned(), Vec::new())], &[]).unwrap().len(), 0);
    }

    #[test]
    fn a_matrix_of_a_million_cells_is_refused_before_it_is_made() {
        let list: Vec<_> = (0..1000).map(|n| n.to_string()).collect();
        assert_eq!(combinations(&[("a".to_owned(), list.clone()), ("b".to_owned(), list)], &[]), None);
        let most: Vec<_> = (0..MATRIX_CELLS).map(|n| n.to_string()).collect();
        assert_eq!(combinations(&[("a".to_owned(), most.clone())], &[]).unwrap().len(), MATRIX_CELLS);
        assert_eq!(combinations(&[("a".to_owned(), most)], &strings(&[&[("a", "x")]])), None);
    }
}

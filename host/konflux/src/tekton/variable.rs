//! [`variables`]: the references `$(…)` of a text.

use crate::plan::{ResultPart, ResultRef};

/// A reference in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    /// `$(params.NAME)`; the name may have a key of an object behind a dot.
    Param(String, ParamPart),
    /// `$(tasks.TASK.results.NAME)`.
    Result(ResultRef),
    /// `$(tasks.TASK.status)`.
    Status(String),
    /// `$(tasks.TASK.reason)`.
    Reason(String),
    /// `$(tasks.status)`.
    AllStatus,
    /// `$(context.NAME)`, such as `pipelineRun.name`.
    Context(String),
    /// Something else that begins like one of Tekton's, such as a workspace or a result of a finally task.
    Other(String),
}

/// Which part of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParamPart {
    Whole,
    Item(u32),
    All,
}

/// A reference with its place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) variable: Variable,
}

/// The references of a text in order. What a shell would run, `$(date)`, is none.
pub(crate) fn variables(text: &str) -> impl Iterator<Item = Found> + '_ {
    text.match_indices("$(").filter_map(|(start, open)| {
        let from = start + open.len();
        let rest = text.get(from..)?;
        // No reference is longer; a script may have thousands of openings without an end.
        let end = rest.bytes().take(LENGTH).position(|byte| byte == b')')?;
        let variable = read(rest.get(..end)?)?;
        Some(Found { start, end: from + end + 1, variable })
    })
}

const LENGTH: usize = 1_000;

const ROOTS: [&str; 6] = ["tasks", "context", "workspaces", "finally", "results", "steps"];

fn read(inside: &str) -> Option<Variable> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "._-[]*'\"/".contains(character);
    if !inside.chars().all(is_plain) {
        return None;
    }
    if let Some(rest) = inside.strip_prefix("params") {
        let (name, part) = named(rest)?;
        return Some(match part {
            Part::Whole => Variable::Param(name, ParamPart::Whole),
            Part::Item(at) => Variable::Param(name, ParamPart::Item(at)),
            Part::All => Variable::Param(name, ParamPart::All),
        });
    }
    let (root, rest) = inside.split_once('.')?;
    if !ROOTS.contains(&root) {
        return None;
    }
    match root {
        "context" => Some(Variable::Context(rest.to_owned())),
        "tasks" => Some(of_task(rest).unwrap_or_else(|| Variable::Other(inside.to_owned()))),
        _ => Some(Variable::Other(inside.to_owned())),
    }
}

fn of_task(rest: &str) -> Option<Variable> {
    if rest == "status" {
        return Some(Variable::AllStatus);
    }
    let (task, rest) = rest.split_once('.')?;
    match rest {
        "status" => return Some(Variable::Status(task.to_owned())),
        "reason" => return Some(Variable::Reason(task.to_owned())),
        _ => {}
    }
    let (name, part) = named(rest.strip_prefix("results")?)?;
    let (result, part) = match part {
        Part::Item(at) => (name, ResultPart::Item(at)),
        Part::All => (name, ResultPart::All),
        // A result's name has no dots of its own, unless it stands in quotes.
        Part::Whole => match name.split_once('.').filter(|_| rest.starts_with("results.")) {
            Some((name, key)) => (name.to_owned(), ResultPart::Key(key.to_owned())),
            None => (name, ResultPart::Whole),
        },
    };
    Some(Variable::Result(ResultRef { task: task.to_owned(), result, part }))
}

enum Part {
    Whole,
    Item(u32),
    All,
}

/// `.NAME`, `["NAME"]` or `['NAME']`, each with `[N]` or `[*]` behind it or not.
fn named(rest: &str) -> Option<(String, Part)> {
    let (name, behind) = match rest.strip_prefix('.') {
        Some(rest) => {
            let end = rest.find('[').unwrap_or(rest.len());
            rest.split_at_checked(end)?
        }
        None => {
            let rest = rest.strip_prefix('[')?;
            let quote = rest.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
            let rest = rest.get(1..)?;
            let (name, behind) = rest.split_once(quote)?;
            (name, behind.strip_prefix(']')?)
        }
    };
    let begins_well = name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_');
    if !begins_well || name.contains(['[', ']', '*', '\'', '"', '/']) {
        return None;
    }
    let part = match behind {
        "" => Part::Whole,
        "[*]" => Part::All,
        other => Part::Item(other.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?),
    };
    Some((name.to_owned(), part))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_of_a_reference_is_read() {
        let result =
            |name: &str, part| Variable::Result(ResultRef { task: "t".to_owned(), result: name.to_owned(), part });
        for (text, want) in [
            ("$(params.a)", Some(Variable::Param("a".to_owned(), ParamPart::Whole))),
            ("$(params.a-b.c)", Some(Variable::Param("a-b.c".to_owned(), ParamPart::Whole))),
            ("$(params['a.b'])", Some(Variable::Param("a.b".to_owned(), ParamPart::Whole))),
            ("$(params[\"a\"][*])", Some(Variable::Param("a".to_owned(), ParamPart::All))),
            ("$(params.a[2])", Some(Variable::Param("a".to_owned(), ParamPart::Item(2)))),
            ("$(tasks.t.results.r)", Some(result("r", ResultPart::Whole))),
            ("$(tasks.t.results.r.k)", Some(result("r", ResultPart::Key("k".to_owned())))),
            ("$(tasks.t.results['r.k'])", Some(result("r.k", ResultPart::Whole))),
            ("$(tasks.t.results.r[*])", Some(result("r", ResultPart::All))),
            ("$(tasks.t.results.r[0])", Some(result("r", ResultPart::Item(0)))),
            ("$(tasks.t.status)", Some(Variable::Status("t".to_owned()))),
            ("$(tasks.t.reason)", Some(Variable::Reason("t".to_owned()))),
            ("$(tasks.status)", Some(Variable::AllStatus)),
            ("$(context.pipelineRun.name)", Some(Variable::Context("pipelineRun.name".to_owned()))),
            ("$(workspaces.w.path)", Some(Variable::Other("workspaces.w.path".to_owned()))),
            ("$(date)", None),
            ("$(params.a b)", None),
            ("$(params)", None),
            ("$(params.)", None),
            ("$(params.a", None),
            ("${params.a}", None),
        ] {
            let found = variables(text).next();
            assert_eq!(found.as_ref().map(|found| &found.variable), want.as_ref(), "{text}");
            if let Some(found) = found {
                assert_eq!((found.start, found.end), (0, text.len()), "{text}");
            }
        }
        let inner: Vec<_> = variables("$(echo $(params.x)) $(params.y)").map(|found| found.start).collect();
        assert_eq!(inner, [7, 20]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[$()a-z.\\[\\]'\"*0-9é]{0,40}") {
            for found in variables(&text) {
                prop_assert!(text.get(found.start..found.end).is_some());
            }
        }
    }
}

//! [`check`]: what the evaluator would notice only when it is too late: calls of nothing, and endless recursion.
//!
//! A call of a function that does not exist would be an error only of the image whose rule gets that far; a function
//! that calls itself would use up the stack. OPA refuses both when it compiles.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    builtin,
    compile_error::{Place, Problem},
    engine,
    outline::Outline,
};

/// A function's path below `data`.
type Function = Vec<String>;

/// Built-ins that policies call and that cannot be answered yet, with their number of arguments.
pub(crate) type Unavailable = BTreeMap<String, usize>;

/// The first parts of OPA's built-in names. What begins so and is unknown here may be a built-in all the same.
const FAMILIES: [&str; 26] = [
    "array",
    "base64",
    "base64url",
    "bits",
    "crypto",
    "glob",
    "graph",
    "graphql",
    "hex",
    "http",
    "internal",
    "io",
    "json",
    "net",
    "numbers",
    "object",
    "opa",
    "providers",
    "rand",
    "regex",
    "rego",
    "semver",
    "strings",
    "time",
    "units",
    "uuid",
];

/// Problems of the modules, or the calls that can be compiled but not answered.
pub(crate) fn check(modules: &[Outline]) -> Result<Unavailable, Vec<Problem>> {
    let functions: BTreeSet<Function> = modules
        .iter()
        .flat_map(|module| module.rules.iter().filter(|rule| rule.is_function).map(|rule| full(module, &rule.path)))
        .collect();
    let mut problems = Vec::new();
    let mut unavailable = Unavailable::new();
    for module in modules {
        for call in module.rules.iter().flat_map(|rule| &rule.calls) {
            let name = call.path.join(".");
            if resolve(module, &call.path, &functions).is_some()
                || engine::is_builtin(&name)
                || builtin::is_available(&name)
            {
                continue;
            }
            let family =
                call.path.first().is_some_and(|first| call.path.len() > 1 && FAMILIES.contains(&first.as_str()));
            if family || builtin::is_planned(&name) {
                unavailable.insert(name, call.arguments);
            } else {
                problems.push(Problem::at(call.place.clone(), format!("the function `{name}` does not exist")));
            }
        }
    }
    problems.extend(recursion(modules, &functions));
    if problems.is_empty() { Ok(unavailable) } else { Err(problems) }
}

fn full(module: &Outline, path: &[String]) -> Function {
    module.package.iter().chain(path).cloned().collect()
}

/// The function that a path means in a module.
fn resolve(module: &Outline, path: &[String], functions: &BTreeSet<Function>) -> Option<Function> {
    let (first, rest) = path.split_first()?;
    let imported = module.imports.iter().find(|import| import.alias == *first);
    let candidates = [
        imported.and_then(|import| import.path.strip_prefix(&["data".to_owned()])).map(|path| [path, rest].concat()),
        (first == "data").then(|| rest.to_vec()),
        Some(full(module, path)),
    ];
    candidates.into_iter().flatten().find(|path| functions.contains(path))
}

struct Node {
    place: Place,
    calls: BTreeSet<Function>,
}

/// One problem for the functions that call themselves, whatever lies between.
fn recursion(modules: &[Outline], functions: &BTreeSet<Function>) -> Option<Problem> {
    let mut nodes: BTreeMap<Function, Node> = BTreeMap::new();
    for module in modules {
        for rule in module.rules.iter().filter(|rule| rule.is_function) {
            let node = nodes
                .entry(full(module, &rule.path))
                .or_insert_with(|| Node { place: rule.place.clone(), calls: BTreeSet::new() });
            let paths = rule.calls.iter().map(|call| &call.path).chain(&rule.replacements);
            node.calls.extend(paths.filter_map(|path| resolve(module, path, functions)));
        }
    }
    let circle = circle(&nodes)?;
    let place = circle.first().and_then(|function| nodes.get(*function)).map(|node| node.place.clone());
    let names: Vec<_> = circle.iter().chain(circle.first()).map(|function| function.join(".")).collect();
    let message = format!("a function calls itself, which Rego does not allow: {}", names.join(" calls "));
    Some(Problem { place, message })
}

/// Functions of which each calls the next and the last the first.
fn circle(nodes: &BTreeMap<Function, Node>) -> Option<Vec<&Function>> {
    // Functions that call nothing left are taken away until there are none; what stays leads into a circle.
    let mut left: BTreeMap<&Function, usize> = nodes.iter().map(|(name, node)| (name, node.calls.len())).collect();
    let mut callers: BTreeMap<&Function, Vec<&Function>> = BTreeMap::new();
    for (name, node) in nodes {
        for callee in &node.calls {
            callers.entry(callee).or_default().push(name);
        }
    }
    let mut done: Vec<&Function> = left.iter().filter(|(_, calls)| **calls == 0).map(|(name, _)| *name).collect();
    while let Some(name) = done.pop() {
        left.remove(name);
        for caller in callers.get(name).into_iter().flatten() {
            if let Some(calls) = left.get_mut(caller) {
                *calls -= 1;
                if *calls == 0 {
                    done.push(caller);
                }
            }
        }
    }
    let mut at = *left.keys().next()?;
    let mut path: Vec<&Function> = Vec::new();
    let mut seen = BTreeSet::new();
    while seen.insert(at) {
        path.push(at);
        at = nodes.get(at)?.calls.iter().find(|callee| left.contains_key(callee))?;
    }
    let start = path.iter().position(|name| *name == at)?;
    Some(path.split_off(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine, sources::PolicyFile};

    fn checked(texts: &[&str]) -> Result<Vec<String>, Vec<String>> {
        let files: Vec<_> = (1..)
            .zip(texts)
            .map(|(number, text)| PolicyFile { name: format!("{number}.rego"), text: (*text).to_owned() })
            .collect();
        let (_, modules) = engine::Program::parse(&files).unwrap();
        match check(&modules) {
            Ok(unavailable) => Ok(unavailable.into_keys().collect()),
            Err(problems) => Err(problems.iter().map(ToString::to_string).collect()),
        }
    }

    #[test]
    fn functions_are_found_wherever_they_may_stand() {
        let lib = "package lib.a\n\nf(x) := x\n\ndefault g(_) := 1\n\nx.h(y) := y\n";
        for body in [
            "data.lib.a.f(1) == 1",
            "data.lib.a.g(1) == 1",
            "data.lib.a.x.h(1) == 1",
            "data.lib[\"a\"].f(1) == 1",
            "a.f(1) == 1",
            "ff(1) == 1",
            "own(1)",
            "count([1 | startswith(\"a\", \"b\")]) == 0",
            "ec.purl.is_valid(\"x\")",
            "print(1)",
            "walk([1], [p, v])",
        ] {
            let main = format!(
                "package p\n\nimport data.lib.a\nimport data.lib.a.f as ff\n\nown(_) := true\n\nr if {{ {body} }}\n"
            );
            assert_eq!(checked(&[&main, lib]), Ok(vec![]), "{body}");
        }
    }

    #[test]
    fn a_call_of_nothing_is_a_problem_with_its_place() {
        for (body, name, column) in [
            ("undefined_function(1)", "undefined_function", 8),
            ("x := [y | y := lib.nope(1)]", "lib.nope", 23),
            ("data.lib.f(1)", "data.lib.f", 8),
            ("ec.oci.nope(1)", "ec.oci.nope", 8),
            ("counts([]) == 0", "counts", 8),
            ("true with input as nope(1)", "nope", 27),
            ("every x in nope() { x }", "nope", 19),
        ] {
            let text = format!("package p\n\nr if {{ {body} }}\n");
            let want = format!("1.rego:3:{column}: the function `{name}` does not exist");
            assert_eq!(checked(&[&text]), Err(vec![want]), "{body}");
        }
    }

    #[test]
    fn built_ins_that_are_not_there_yet_may_be_compiled() {
        let text =
            "package p\n\nr if { ec.oci.image_files(\"a\", []); crypto.sha256(\"a\"); count(rego.metadata.chain()) }\n";
        assert_eq!(
            checked(&[text]),
            Ok(["crypto.sha256", "ec.oci.image_files", "rego.metadata.chain"].map(str::to_owned).to_vec())
        );
    }

    #[test]
    fn recursion_is_a_problem_even_over_files_and_mocks() {
        for (texts, says) in [
            (vec!["package p\n\nf(x) := f(x + 1)"], "p.f calls p.f"),
            (
                vec![
                    "package p\n\nf(x) := data.q.g(x)\n\nok(x) := f(x)",
                    "package q\n\nimport data.p.f as h\n\ng(x) := [h(x)]",
                ],
                "p.f calls q.g calls p.f",
            ),
            (vec!["package p\n\nf(x) := 1 if { g(x) with g as f }\n\ng(x) := x"], "p.f calls p.f"),
            (
                vec!["package p\n\nf(0) := 0\n\nf(x) := y if { some z in [1]; y := {k: f(k) | k := z}[x] }"],
                "p.f calls p.f",
            ),
        ] {
            let problems = checked(&texts).unwrap_err();
            assert!(problems.len() == 1 && problems.iter().all(|problem| problem.contains(says)), "{problems:?}");
        }
        assert_eq!(
            checked(&["package p\n\nf(x) := g(x)\n\ng(x) := h(x) + h(x)\n\nh(x) := x\n\nr := f(1)"]),
            Ok(vec![])
        );
    }
}

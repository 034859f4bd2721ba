//! [`check`]: what the evaluator would notice too late or never: calls and variables of nothing, and endless recursion.
//!
//! A call of a function that does not exist would be an error only of the image whose rule gets that far; a rule with a
//! misspelt variable would never hold, so it would never deny; a function that calls itself would use up the stack. OPA
//! refuses all of them when it compiles.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    builtin,
    compile_error::{Place, Problem},
    engine,
    outline::{Call, Outline, RuleOutline},
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
    let scope = Scope::of(modules);
    let mut problems = Vec::new();
    let mut unavailable = Unavailable::new();
    for module in modules {
        for rule in &module.rules {
            let mut results: BTreeSet<&str> = BTreeSet::new();
            for call in &rule.calls {
                let takes = match scope.callee(module, call) {
                    Callee::Takes(arguments) => Some(arguments),
                    Callee::Unavailable(name) => {
                        unavailable.insert(name, call.arguments);
                        None
                    }
                    Callee::Nothing => {
                        let message = format!("the function `{}` does not exist", call.path.join("."));
                        problems.push(Problem::at(call.place.clone(), message));
                        None
                    }
                };
                if takes.is_none_or(|arguments| call.arguments > arguments) {
                    results.extend(call.last.iter().map(String::as_str));
                }
            }
            for (name, place) in &rule.free {
                if !results.contains(name.as_str()) && !scope.knows(module, rule, name) {
                    let message = format!("nothing gives the variable `{name}` a value");
                    problems.push(Problem::at(place.clone(), message));
                }
            }
        }
    }
    problems.extend(recursion(modules, &scope));
    if problems.is_empty() { Ok(unavailable) } else { Err(problems) }
}

/// What names mean in any of the modules.
struct Scope {
    /// Functions and how many arguments they take.
    functions: BTreeMap<Function, usize>,
    /// First names of the rules of each package.
    rules: BTreeSet<(Vec<String>, String)>,
}

enum Callee {
    Takes(usize),
    Unavailable(String),
    Nothing,
}

impl Scope {
    fn of(modules: &[Outline]) -> Self {
        let mut scope = Self { functions: BTreeMap::new(), rules: BTreeSet::new() };
        for module in modules {
            for rule in &module.rules {
                if let Some(arguments) = rule.arguments {
                    scope.functions.insert(full(module, &rule.path), arguments);
                }
                scope.rules.extend(rule.path.first().map(|name| (module.package.clone(), name.clone())));
            }
        }
        scope
    }

    fn callee(&self, module: &Outline, call: &Call) -> Callee {
        let name = call.path.join(".");
        let own = self.resolve(module, &call.path).and_then(|function| self.functions.get(&function).copied());
        if let Some(arguments) = own.or_else(|| builtin::arguments(&name)).or_else(|| engine::arguments(&name)) {
            return Callee::Takes(arguments);
        }
        let family =
            call.path.first().filter(|_| call.path.len() > 1).is_some_and(|first| FAMILIES.contains(&first.as_str()));
        if family || builtin::is_planned(&name) { Callee::Unavailable(name) } else { Callee::Nothing }
    }

    /// The function that a path means in a module.
    fn resolve(&self, module: &Outline, path: &[String]) -> Option<Function> {
        let (first, rest) = path.split_first()?;
        let imported = module.imports.iter().find(|import| import.alias == *first);
        let candidates = [
            imported
                .and_then(|import| import.path.strip_prefix(&["data".to_owned()]))
                .map(|path| [path, rest].concat()),
            (first == "data").then(|| rest.to_vec()),
            Some(full(module, path)),
        ];
        candidates.into_iter().flatten().find(|path| self.functions.contains_key(path))
    }

    /// Whether a name that the rule itself does not explain is known around it.
    fn knows(&self, module: &Outline, rule: &RuleOutline, name: &str) -> bool {
        matches!(name, "input" | "data")
            || module.imports.iter().any(|import| import.alias == name)
            || self.rules.contains(&(module.package.clone(), name.to_owned()))
            // Built-ins may stand in for functions: `with f as count`.
            || rule.replacements.iter().any(|path| path.first().is_some_and(|first| first == name) && engine::arguments(&path.join(".")).is_some())
    }
}

fn full(module: &Outline, path: &[String]) -> Function {
    module.package.iter().chain(path).cloned().collect()
}

struct Node {
    place: Place,
    calls: BTreeSet<Function>,
}

/// One problem for the functions that call themselves, whatever lies between.
fn recursion(modules: &[Outline], scope: &Scope) -> Option<Problem> {
    let mut nodes: BTreeMap<Function, Node> = BTreeMap::new();
    for module in modules {
        for rule in module.rules.iter().filter(|rule| rule.arguments.is_some()) {
            let node = nodes
                .entry(full(module, &rule.path))
                .or_insert_with(|| Node { place: rule.place.clone(), calls: BTreeSet::new() });
            let paths = rule.calls.iter().map(|call| &call.path).chain(&rule.replacements);
            node.calls.extend(paths.filter_map(|path| scope.resolve(module, path)));
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
    fn a_variable_that_nothing_gives_a_value_is_a_problem() {
        for (rule, name, column) in [
            ("deny contains x if { x := y }", "y", 27),
            ("deny contains msg if { mgs := \"a\" }", "msg", 15),
            ("deny contains x if x == 1", "x", 15),
            ("deny contains 1 if { some a in b.c }", "b", 32),
            ("deny contains 1 if { count(y) > 0 }", "y", 28),
            ("deny contains 1 if { \tf(1, 2, 3) == y }", "y", 37),
            ("x := [y | true]", "y", 7),
            ("x[k] := 1 if true", "k", 3),
            ("x := 1 if { true with input as doc }", "doc", 32),
        ] {
            let text = format!("package p\n\n{rule}\n\nf(_, _, _) := 1\n");
            let want = format!("1.rego:3:{column}: nothing gives the variable `{name}` a value");
            assert_eq!(checked(&[&text]), Err(vec![want]), "{rule}");
        }
        for rule in [
            "x if { some y; input[y] }",
            "x if { some y, z in input; y == z }",
            "x if { y = input.a; y }",
            "x if { input.a = y; y }",
            "x if { [y, {\"k\": z}] = input.a; y == z }",
            "x if { [y, z] := input.a; y == z }",
            "x if { input[y][[z, _]]; y == z }",
            "x if { every y, z in input { y == z } }",
            "x if { walk(input, [y, z]); y == z }",
            "x if { split(\"a b\", \" \", y); y }",
            "x if { f(1, 2, 3, y); y }",
            "x contains y if y := 1",
            "x[y] := z if { some y, z in input }",
            "g(y) := z if z := y",
            "x := {y: z | some y, z in input}",
            "x if own",
            "x if there.a with input as there",
            "x if f(1, 2, 3) with f as object.union_n",
            "x if f(1, 2, 3) with f as count",
            "x if {\n\tnot own\n} else := y if {\n\ty := 1\n}",
            "x if lib.y",
            "x if alias",
            "a.b[c] contains d if { some c, d in input }",
        ] {
            let text = format!(
                "package p\n\nimport data.lib\nimport input.q as alias\n\n{rule}\n\nf(_, _, _) := 1\n\nown := 1\n"
            );
            assert_eq!(checked(&[&text, "package p\n\nthere := 1\n"]), Ok(vec![]), "{rule}");
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

//! [`rules`]: the `deny` and `warn` rules of a policy with what their annotations say.
//!
//! A METADATA block is about the statement that follows it. The code of a rule is its package and the block's
//! `custom.short_name`. A rule that no such block is about has no title and gives no success; its code, by which it is
//! included, is read from `result := {"code": "…"}` in its body, or else is its package and name.

use std::collections::BTreeMap;

use assay_model::rule::{RuleInfo, kind_of};

use assay_rego::{Location, ModuleSummary, Problem, RuleSummary};

use crate::{
    annotation::{self, Annotation},
    asciidoc,
};

/// The rules in the order of files and lines.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// First the annotated rules, then the others.
    pub(crate) all: Vec<RuleInfo>,
    /// How many are annotated.
    pub(crate) annotated: usize,
    /// Those whose results could not be read, or only by chance.
    pub(crate) non_result_value: Vec<Problem>,
}

/// The rules of the modules.
pub(crate) fn rules(modules: &[(ModuleSummary, &str)]) -> Result<Rules, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut annotated = Vec::new();
    let mut bare = Vec::new();
    for (module, _) in modules {
        let blocks = blocks_of(module, &mut problems);
        for (index, rule) in module.rules.iter().enumerate() {
            let named: Vec<_> = blocks
                .get(&index)
                .into_iter()
                .flatten()
                .filter_map(|block| block.short_name.as_ref().map(|name| (block, name)))
                .collect();
            if named.is_empty() {
                bare.extend(bare_info(module, rule));
            }
            annotated.extend(named.into_iter().filter_map(|(block, name)| info(module, rule, block, name)));
        }
    }
    problems.extend(duplicates(&annotated));
    if !problems.is_empty() {
        return Err(problems);
    }
    let count = annotated.len();
    annotated.extend(bare);
    let non_result_value = modules.iter().flat_map(|(module, _)| &module.rules).filter_map(non_result_value).collect();
    Ok(Rules { all: annotated, annotated: count, non_result_value })
}

/// The annotations of each rule of a module, by the rule's index.
fn blocks_of(module: &ModuleSummary, problems: &mut Vec<Problem>) -> BTreeMap<usize, Vec<Annotation>> {
    let mut statements: Vec<(u32, Option<usize>)> = vec![(module.package_line, None)];
    statements.extend(module.imports.iter().map(|import| (import.line, None)));
    statements.extend(module.rules.iter().enumerate().map(|(index, rule)| (rule.location.line, Some(index))));
    statements.sort_unstable();
    let mut of_rules: BTreeMap<usize, Vec<Annotation>> = BTreeMap::new();
    for block in annotation::read(&module.blocks) {
        let mut wrong = |message: String| {
            let location = Location { file: module.file.clone(), line: block.first, column: 1 };
            problems.push(Problem { code: Some("rego_parse_error"), ..Problem::at(location, message) });
        };
        let annotation = match block.annotation {
            Ok(annotation) => annotation,
            Err(message) => {
                wrong(message);
                continue;
            }
        };
        let next = statements.iter().find(|(line, _)| *line > block.last);
        let about = match next {
            Some((_, Some(_))) => "rule",
            Some((line, None)) if *line == module.package_line => "package",
            Some(_) => "import",
            None => "nothing",
        };
        match (annotation.scope.as_deref(), next) {
            (None | Some("rule" | "document"), Some((_, Some(rule)))) => {
                of_rules.entry(*rule).or_default().push(annotation);
            }
            (None | Some("package" | "subpackages"), _) if about == "package" => {}
            (Some(scope @ ("rule" | "document" | "package" | "subpackages")), _) => {
                let kind = if matches!(scope, "rule" | "document") { "rule" } else { "package" };
                wrong(format!("annotation scope '{scope}' must be applied to {kind} (have {about})"));
            }
            (scope, _) => {
                let scope = scope.unwrap_or(if about == "import" { about } else { "" });
                let all = "Use one of 'rule', 'document', 'package', or 'subpackages'";
                wrong(format!("invalid annotation scope '{scope}'. {all}"));
            }
        }
    }
    of_rules
}

fn info(module: &ModuleSummary, rule: &RuleSummary, says: &Annotation, short_name: &str) -> Option<RuleInfo> {
    let mut info = unnamed_info(module, rule)?;
    info.code = format!("{}.{short_name}", info.package);
    info.title.clone_from(&says.title);
    info.description = says.description.as_deref().map(asciidoc::unlinked);
    info.solution = says.solution.as_deref().map(asciidoc::linked);
    info.effective_on.clone_from(&says.effective_on);
    info.collections.clone_from(&says.collections);
    info.depends_on.clone_from(&says.depends_on);
    info.pipeline_intention.clone_from(&says.pipeline_intention);
    Some(info)
}

fn bare_info(module: &ModuleSummary, rule: &RuleSummary) -> Option<RuleInfo> {
    let mut info = unnamed_info(module, rule)?;
    info.code = rule.code.clone().unwrap_or_else(|| format!("{}.{}", info.package, info.name));
    Some(info)
}

/// None for rules that neither deny nor warn.
fn unnamed_info(module: &ModuleSummary, rule: &RuleSummary) -> Option<RuleInfo> {
    let name = rule.entry_name()?;
    Some(RuleInfo {
        code: String::new(),
        package: module.package_name(),
        name: name.to_owned(),
        kind: kind_of(name)?,
        title: None,
        description: None,
        solution: None,
        effective_on: None,
        collections: Vec::new(),
        depends_on: Vec::new(),
        pipeline_intention: Vec::new(),
        location: (rule.location.file.clone(), rule.location.line),
    })
}

/// `ec` takes only rules whose definition says a text, an object, a variable or a call.
fn non_result_value(rule: &RuleSummary) -> Option<Problem> {
    let (name, value) = (rule.path.first()?, rule.non_result_value?);
    kind_of(name)?;
    let hint = "give `contains result` and say what `result` is in the body";
    Some(Problem::at(rule.location.clone(), format!("the rule `{name}` returns an unsupported value, {value}; {hint}")))
}

fn duplicates(rules: &[RuleInfo]) -> Vec<Problem> {
    let mut first: BTreeMap<&str, &RuleInfo> = BTreeMap::new();
    let mut problems = Vec::new();
    for rule in rules {
        if let Some(other) = first.get(rule.code.as_str()) {
            let (file, line) = &other.location;
            let message = format!("a second rule has the code `{}`, the first stands at {file}:{line}", rule.code);
            let (file, line) = rule.location.clone();
            problems.push(Problem::at(Location { file, line, column: 1 }, message));
        } else {
            first.insert(&rule.code, rule);
        }
    }
    problems
}

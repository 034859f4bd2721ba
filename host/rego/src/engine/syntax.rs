//! [`outline`]: the evaluator's syntax tree as the plain [`Outline`] that the rest of the crate reads.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{
    AssignOp, Expr, Literal, LiteralStmt, Module, Query, Rule, RuleAssign, RuleBody, RuleHead, Span,
};

use crate::{
    compile_error::{Place, Problem},
    limits::EXPRESSION_DEPTH,
    outline::{Call, Import, Outline, RuleOutline},
};

/// The outline of a module, or where its expressions are nested too deep for what recurses over them later.
pub(super) fn outline(module: &Module) -> Result<Outline, Problem> {
    let imports = module.imports.iter().filter_map(|import| {
        let path = path(&import.refr);
        let alias = import.r#as.as_ref().map(|alias| alias.text().to_owned()).or_else(|| path.last().cloned())?;
        Some(Import { path, alias, line: import.span.line })
    });
    Ok(Outline {
        file: module.package.span.source.file().clone(),
        package: path(&module.package.refr),
        package_line: module.package.span.line,
        imports: imports.collect(),
        rules: module.policy.iter().map(|rule| rule_outline(rule)).collect::<Result<_, _>>()?,
    })
}

fn rule_outline(rule: &Rule) -> Result<RuleOutline, Problem> {
    let mut walk = Walk::default();
    let mut code = None;
    let (head, arguments) = match rule {
        Rule::Spec { head, bodies, .. } => {
            code = bodies.iter().flat_map(|body| &body.query.stmts).find_map(literal_code);
            let named = match head {
                RuleHead::Compr { refr, assign, .. } => {
                    walk.assign(assign.as_ref());
                    (refr, None)
                }
                RuleHead::Set { refr, key, .. } => {
                    walk.uses(key.iter().map(AsRef::as_ref));
                    (refr, None)
                }
                RuleHead::Func { refr, args, assign, .. } => {
                    args.iter().for_each(|argument| walk.expression(argument, Means::Binding));
                    walk.assign(assign.as_ref());
                    (refr, Some(args.len()))
                }
            };
            bodies.iter().for_each(|body| walk.body(body));
            named
        }
        Rule::Default { refr, args, value, .. } => {
            walk.uses([value.as_ref()]);
            (refr, (!args.is_empty()).then_some(args.len()))
        }
    };
    walk.head(head);
    if let Some(place) = walk.too_deep {
        return Err(Problem::at(place, format!("more than {EXPRESSION_DEPTH} expressions are nested in one another")));
    }
    let bound = walk.bound;
    Ok(RuleOutline {
        path: path(head),
        arguments,
        is_default: matches!(rule, Rule::Default { .. }),
        place: place(rule.span()),
        code,
        calls: walk.calls,
        replacements: walk.replacements,
        free: walk.used.into_iter().filter(|(name, _)| !bound.contains(name)).collect(),
    })
}

/// The fixed parts of a reference: `a`, `b` of `a.b[x].c`.
fn path(expression: &Expr) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut rest = expression;
    loop {
        match rest {
            Expr::Var { span, .. } => {
                parts.push(span.text().to_owned());
                break;
            }
            Expr::RefDot { refr, field, .. } => {
                parts.push(field.0.text().to_owned());
                rest = refr;
            }
            Expr::RefBrack { refr, index, .. } => {
                match index.as_ref() {
                    Expr::String { value, .. } | Expr::RawString { value, .. } => {
                        parts.push(value.as_string().map(ToString::to_string).unwrap_or_default());
                    }
                    // What comes before is the fixed part; what was collected comes after.
                    _ => parts.clear(),
                }
                rest = refr;
            }
            _ => return Vec::new(),
        }
    }
    parts.reverse();
    parts
}

/// The first part of a reference; the span of the whole is where its last part stands.
fn start(mut expression: &Expr) -> &Span {
    while let Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } = expression {
        expression = refr;
    }
    expression.span()
}

fn place(span: &Span) -> Place {
    // The span's own column counts a tab as four.
    let before = usize::try_from(span.start).ok().and_then(|start| span.source.contents().get(..start));
    let in_line = before.and_then(|before| before.rsplit('\n').next()).map(|text| text.chars().count() + 1);
    let column = in_line.and_then(|column| u32::try_from(column).ok()).unwrap_or(span.col);
    Place { file: span.source.file().clone(), line: span.line, column }
}

/// The text of `code` in `result := {"code": "…"}`.
fn literal_code(statement: &LiteralStmt) -> Option<String> {
    let Literal::Expr { expr, .. } = &statement.literal else { return None };
    let Expr::AssignExpr { lhs, rhs, .. } = expr.as_ref() else { return None };
    let Expr::Object { fields, .. } = rhs.as_ref() else { return None };
    if path(lhs) != ["result"] {
        return None;
    }
    let text = |expression: &Expr| match expression {
        Expr::String { value, .. } | Expr::RawString { value, .. } => value.as_string().ok().map(ToString::to_string),
        _ => None,
    };
    fields.iter().find(|(_, key, _)| text(key).as_deref() == Some("code")).and_then(|(_, _, value)| text(value))
}

/// What a name means where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Means {
    /// It has a value already.
    Use,
    /// It may get its value here.
    Binding,
}

/// Goes through the expressions of one rule.
#[derive(Default)]
struct Walk {
    depth: usize,
    too_deep: Option<Place>,
    calls: Vec<Call>,
    replacements: Vec<Vec<String>>,
    used: BTreeMap<String, Place>,
    bound: BTreeSet<String>,
}

impl Walk {
    /// The head's own name means nothing else; what stands in its brackets is used.
    fn head(&mut self, mut head: &Expr) {
        while let Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } = head {
            if let Expr::RefBrack { index, .. } = head {
                self.uses([index.as_ref()]);
            }
            head = refr;
        }
    }

    fn assign(&mut self, assign: Option<&RuleAssign>) {
        self.uses(assign.iter().map(|assign| assign.value.as_ref()));
    }

    fn body(&mut self, body: &RuleBody) {
        self.assign(body.assign.as_ref());
        self.query(&body.query);
    }

    fn query(&mut self, query: &Query) {
        for statement in &query.stmts {
            match &statement.literal {
                Literal::SomeVars { vars, .. } => self.bound.extend(vars.iter().map(|name| name.text().to_owned())),
                Literal::SomeIn { key, value, collection, .. } => {
                    key.iter().chain([value]).for_each(|name| self.expression(name, Means::Binding));
                    self.uses([collection.as_ref()]);
                }
                Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => self.uses([expr.as_ref()]),
                Literal::Every { key, value, domain, query, .. } => {
                    self.bound.extend(key.iter().chain([value]).map(|name| name.text().to_owned()));
                    self.uses([domain.as_ref()]);
                    self.query(query);
                }
            }
            for with in &statement.with_mods {
                self.uses([with.r#as.as_ref()]);
                self.replacements.push(path(&with.r#as));
            }
        }
    }

    fn uses<'a>(&mut self, all: impl IntoIterator<Item = &'a Expr>) {
        self.each(all, Means::Use);
    }

    fn each<'a>(&mut self, all: impl IntoIterator<Item = &'a Expr>, means: Means) {
        all.into_iter().for_each(|expression| self.expression(expression, means));
    }

    fn expression(&mut self, expression: &Expr, means: Means) {
        if self.depth >= EXPRESSION_DEPTH {
            self.too_deep.get_or_insert_with(|| place(expression.span()));
            return;
        }
        self.depth += 1;
        self.parts(expression, means);
        self.depth -= 1;
    }

    fn parts(&mut self, expression: &Expr, means: Means) {
        match expression {
            Expr::Var { span, .. } => match (span.text(), means) {
                ("_", _) => {}
                (name, Means::Binding) => drop(self.bound.insert(name.to_owned())),
                (name, Means::Use) => drop(self.used.entry(name.to_owned()).or_insert_with(|| place(span))),
            },
            Expr::Array { items, .. } | Expr::Set { items, .. } => self.each(items.iter().map(AsRef::as_ref), means),
            Expr::Object { fields, .. } => {
                self.uses(fields.iter().map(|(_, key, _)| key.as_ref()));
                self.each(fields.iter().map(|(_, _, value)| value.as_ref()), means);
            }
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.uses([term.as_ref()]);
                self.query(query);
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                self.uses([key.as_ref(), value.as_ref()]);
                self.query(query);
            }
            Expr::Call { fcn, params, .. } => {
                let last = params.last().map(|last| names(last)).unwrap_or_default();
                let place = place(start(fcn));
                self.calls.push(Call { path: path(fcn), arguments: params.len(), last, place });
                self.uses(params.iter().map(AsRef::as_ref));
            }
            Expr::UnaryExpr { expr, .. } => self.uses([expr.as_ref()]),
            Expr::RefDot { refr, .. } => self.uses([refr.as_ref()]),
            // A bracket goes through all keys for a name without a value.
            Expr::RefBrack { refr, index, .. } => {
                self.uses([refr.as_ref()]);
                self.expression(index, Means::Binding);
            }
            Expr::AssignExpr { op, lhs, rhs, .. } => {
                self.expression(lhs, Means::Binding);
                self.expression(rhs, if *op == AssignOp::Eq { Means::Binding } else { Means::Use });
            }
            Expr::BinExpr { lhs, rhs, .. } | Expr::BoolExpr { lhs, rhs, .. } | Expr::ArithExpr { lhs, rhs, .. } => {
                self.uses([lhs.as_ref(), rhs.as_ref()]);
            }
            Expr::Membership { key, value, collection, .. } => {
                self.uses(key.iter().chain([value, collection]).map(AsRef::as_ref));
            }
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. } => {}
        }
    }
}

/// The names of a pattern such as `[path, value]`.
fn names(pattern: &Expr) -> Vec<String> {
    let mut walk = Walk::default();
    walk.expression(pattern, Means::Binding);
    walk.bound.into_iter().collect()
}

//! [`outline`]: the evaluator's syntax tree as the plain [`Outline`] that the rest of the crate reads.

use regorus::unstable::{Expr, Literal, LiteralStmt, Module, Query, Rule, RuleBody, RuleHead, Span};

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
    let (head, is_function) = match rule {
        Rule::Spec { head, bodies, .. } => {
            let (refr, is_function) = match head {
                RuleHead::Compr { refr, assign, .. } => {
                    walk.expressions(assign.iter().map(|assign| assign.value.as_ref()));
                    (refr, false)
                }
                RuleHead::Set { refr, key, .. } => {
                    walk.expressions(key.iter().map(AsRef::as_ref));
                    (refr, false)
                }
                RuleHead::Func { refr, args, assign, .. } => {
                    walk.expressions(args.iter().map(AsRef::as_ref));
                    walk.expressions(assign.iter().map(|assign| assign.value.as_ref()));
                    (refr, true)
                }
            };
            walk.expression(refr);
            bodies.iter().for_each(|body| walk.body(body));
            code = bodies.iter().flat_map(|body| &body.query.stmts).find_map(literal_code);
            (refr, is_function)
        }
        Rule::Default { refr, args, value, .. } => {
            walk.expression(value);
            (refr, !args.is_empty())
        }
    };
    if let Some(place) = walk.too_deep {
        return Err(Problem::at(place, format!("more than {EXPRESSION_DEPTH} expressions are nested in one another")));
    }
    Ok(RuleOutline {
        path: path(head),
        is_function,
        is_default: matches!(rule, Rule::Default { .. }),
        place: place(rule.span()),
        code,
        calls: walk.calls,
        replacements: walk.replacements,
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
    Place { file: span.source.file().clone(), line: span.line, column: span.col }
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

/// Goes through the expressions of one rule.
#[derive(Default)]
struct Walk {
    depth: usize,
    too_deep: Option<Place>,
    calls: Vec<Call>,
    replacements: Vec<Vec<String>>,
}

impl Walk {
    fn body(&mut self, body: &RuleBody) {
        self.expressions(body.assign.iter().map(|assign| assign.value.as_ref()));
        self.query(&body.query);
    }

    fn query(&mut self, query: &Query) {
        for statement in &query.stmts {
            match &statement.literal {
                Literal::SomeVars { .. } => {}
                Literal::SomeIn { key, value, collection, .. } => {
                    self.expressions(key.iter().chain([value, collection]).map(AsRef::as_ref));
                }
                Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => self.expression(expr),
                Literal::Every { domain, query, .. } => {
                    self.expression(domain);
                    self.query(query);
                }
            }
            for with in &statement.with_mods {
                self.expression(&with.r#as);
                self.replacements.push(path(&with.r#as));
            }
        }
    }

    fn expressions<'a>(&mut self, all: impl IntoIterator<Item = &'a Expr>) {
        all.into_iter().for_each(|expression| self.expression(expression));
    }

    fn expression(&mut self, expression: &Expr) {
        if self.depth >= EXPRESSION_DEPTH {
            self.too_deep.get_or_insert_with(|| place(expression.span()));
            return;
        }
        self.depth += 1;
        self.parts(expression);
        self.depth -= 1;
    }

    fn parts(&mut self, expression: &Expr) {
        match expression {
            Expr::Array { items, .. } | Expr::Set { items, .. } => self.expressions(items.iter().map(AsRef::as_ref)),
            Expr::Object { fields, .. } => {
                self.expressions(fields.iter().flat_map(|(_, key, value)| [key.as_ref(), value.as_ref()]));
            }
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.expression(term);
                self.query(query);
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                self.expressions([key.as_ref(), value.as_ref()]);
                self.query(query);
            }
            Expr::Call { fcn, params, .. } => {
                self.calls.push(Call { path: path(fcn), arguments: params.len(), place: place(start(fcn)) });
                self.expressions(params.iter().map(AsRef::as_ref));
            }
            Expr::UnaryExpr { expr, .. } => self.expression(expr),
            Expr::RefDot { refr, .. } => self.expression(refr),
            Expr::RefBrack { refr, index, .. } => self.expressions([refr.as_ref(), index.as_ref()]),
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. }
            | Expr::AssignExpr { lhs, rhs, .. } => self.expressions([lhs.as_ref(), rhs.as_ref()]),
            Expr::Membership { key, value, collection, .. } => {
                self.expressions(key.iter().chain([value, collection]).map(AsRef::as_ref));
            }
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. }
            | Expr::Var { .. } => {}
        }
    }
}

//! What stands at the top of a file: the package, imports, rules.

use super::term_text::{is_name, quoted, term_text};
use super::tree::{BranchNode, HeadNode, ImportNode, ModuleNode, Node, NodeKind, Place, RuleNode};
use super::writer::{Comment, Upset, Writer, Written, closing_row, closing_row_behind};

/// An import or a rule.
enum Item<'t> {
    Import(&'t ImportNode),
    Rule(&'t RuleNode),
}

impl Item<'_> {
    fn place(&self) -> Place {
        match self {
            Self::Import(import) => import.place,
            Self::Rule(rule) => rule.first().map(|first| first.place).unwrap_or_default(),
        }
    }
}

impl Writer<'_> {
    /// The whole file.
    pub(super) fn module(&mut self, module: &ModuleNode) -> Result<(), Upset> {
        let mut next = self.insert_comments(0, Some(module.package_place.row))?;
        self.start_line();
        self.write("package ");
        self.path(&module.package);
        self.blank_line();
        let mut items: Vec<_> =
            module.imports.iter().map(Item::Import).chain(module.rules.iter().map(Item::Rule)).collect();
        items.sort_by_key(|item| (item.place().row, item.place().column));
        let same =
            |one: &Item<'_>, other: &Item<'_>| matches!(one, Item::Import(_)) == matches!(other, Item::Import(_));
        for run in items.chunk_by(same) {
            let imports: Vec<_> = run
                .iter()
                .filter_map(|item| if let Item::Import(import) = item { Some(*import) } else { None })
                .collect();
            if imports.is_empty() {
                let rules: Vec<_> = run
                    .iter()
                    .filter_map(|item| if let Item::Rule(rule) = item { Some(*rule) } else { None })
                    .collect();
                next = self.rules(&rules, next);
            } else {
                next = self.imports(&imports, next)?;
            }
        }
        let rest: Vec<_> = self.comments.get(next..).unwrap_or_default().to_vec();
        for comment in &rest {
            self.write_line(comment.text);
        }
        if !rest.is_empty() {
            self.write("\n");
        }
        Ok(())
    }

    /// A dotted path without comments.
    fn path(&mut self, path: &[Node]) {
        let inline = std::mem::replace(&mut self.inline, true);
        for (at, part) in path.iter().enumerate() {
            let (NodeKind::Var(text) | NodeKind::Text(text)) = &part.kind else { continue };
            let is_keyword = self.style.keywords.iter().any(|keyword| **keyword == **text);
            if at == 0 {
                self.write(text);
            } else if !is_name(text) || (is_keyword && self.text(part.place).starts_with('"')) {
                self.write(&format!("[{}]", quoted(text)));
            } else {
                self.write(".");
                self.write(text);
            }
        }
        self.inline = inline || !path.is_empty();
    }

    /// Imports: those that follow one another without a blank line are sorted.
    fn imports(&mut self, imports: &[&ImportNode], next: usize) -> Written {
        let mut next = next;
        let at_line = |comment: &Comment<'_>| imports.iter().any(|import| import.place.row == comment.row);
        let later = self.comments.split_off(next.min(self.comments.len()));
        let (beside, others): (Vec<_>, Vec<_>) = later.into_iter().partition(at_line);
        self.comments.extend(others);
        for group in imports.chunk_by(|one, other| other.place.row.saturating_sub(one.place.row) <= 1) {
            let Some(first) = group.first() else { continue };
            next = self.insert_comments(next, Some(first.place.row)).map_err(self.lost())?;
            let mut group = group.to_vec();
            group.sort_by_cached_key(|import| (import.words(), import.alias.clone()));
            for import in group {
                self.start_line();
                self.import(import);
                // An import is the first in its row.
                let owner = imports.iter().find(|one| one.place.row == import.place.row);
                if owner.is_some_and(|owner| std::ptr::eq(*owner, import))
                    && let Some(comment) = beside.iter().rev().find(|comment| comment.row == import.place.row)
                {
                    self.write(" ");
                    self.write(comment.text);
                }
                self.end_line();
            }
            self.blank_line();
        }
        Ok(next)
    }

    fn import(&mut self, import: &ImportNode) {
        self.write("import ");
        if import.is_future() {
            let words: Vec<_> = import.words().iter().map(|word| word.to_string()).collect();
            self.write(&words.join("."));
        } else {
            self.path(&import.path);
        }
        if let Some(alias) = &import.alias {
            self.write(" as ");
            self.write(alias);
        }
    }

    fn rules(&mut self, rules: &[&RuleNode], next: usize) -> usize {
        let mut next = next;
        for (at, rule) in rules.iter().enumerate() {
            let Some(first) = rule.first() else { continue };
            next = match self.insert_comments(next, Some(first.place.row)) {
                Ok(next) => next,
                Err(upset) => self.noted(upset),
            };
            next = match self.rule(rule, next) {
                Ok(next) => next,
                Err(upset) => self.noted(upset),
            };
            let beside = rules.get(at + 1).and_then(|other| other.first()).is_some_and(|other| {
                self.is_short(first) && self.is_short(other) && other.place.row == first.place.row + 1
            });
            if !beside {
                self.blank_line();
            }
        }
        next
    }

    /// Whether the rule may stand directly above another one.
    fn is_short(&self, rule: &BranchNode) -> bool {
        rule.body.len() <= 1 && !rule.default && self.has_if(&rule.head)
    }

    /// Whether the body of a rule with this head stands behind `if`.
    fn has_if(&self, head: &HeadNode) -> bool {
        (self.style.v1 || self.style.ifs) && (self.style.contains || head.value.is_some())
    }

    fn rule(&mut self, rule: &RuleNode, next: usize) -> Written {
        let mut next = next;
        self.start_line();
        let mut above: Option<&BranchNode> = None;
        for branch in &rule.branches {
            if let Some(above) = above {
                next = self.else_start(above, branch, next).map_err(self.lost())?;
            }
            next = self.branch(branch, next).map_err(self.lost())?;
            above = Some(branch);
        }
        Ok(next)
    }

    fn branch(&mut self, branch: &BranchNode, next: usize) -> Written {
        if branch.default {
            self.write("default ");
        }
        let is_constant = branch.body.is_empty();
        self.keeps_last_comment = is_constant;
        let (mut next, is_upset) = match self.head(&branch.head, branch.default, is_constant, next) {
            Ok(next) => (next, false),
            Err(upset) if upset.is_comment => (upset.next, true),
            Err(upset) => return Err(self.lost()(upset)),
        };
        if is_constant {
            self.end_line();
            return Ok(next);
        }
        self.keeps_last_comment = true;
        if self.has_if(&branch.head) {
            self.write(" if");
            if let [only] = branch.body.as_slice()
                && only.place.row == branch.head.place.row
            {
                self.write(" ");
                next = self.statement(only, next).map_err(self.lost())?;
                self.end_line();
                return Ok(next);
            }
        }
        if is_upset && next < self.comments.len() {
            self.write(" { ");
        } else {
            self.write(" {");
            self.end_line();
        }
        self.up();
        next = match self.body(&branch.body, next) {
            Ok(next) => next,
            Err(upset) if upset.is_comment => upset.next,
            Err(upset) => return Err(self.lost()(upset)),
        };
        let (text, row) = (self.text(branch.place), branch.place.row);
        let close = if !branch.head.args.is_empty() {
            closing_row_behind(text, row, (b'(', b')'), b'{', b'}')
        } else if branch.head.key.is_some() {
            closing_row_behind(text, row, (b'[', b']'), b'{', b'}')
        } else {
            closing_row(text, row, b'{', b'}')
        };
        next = self.insert_comments(next, close).map_err(self.lost())?;
        self.down()?;
        self.start_line();
        self.write("}");
        Ok(next)
    }

    /// What stands in front of an `else` branch.
    fn else_start(&mut self, above: &BranchNode, branch: &BranchNode, next: usize) -> Written {
        let rows = branch.place.row.saturating_sub(above.place.row);
        let line = self.text(above.place).split('\n').nth(rows as usize).filter(|_| rows > 0);
        let is_inline = line.is_some_and(|line| !line.trim().starts_with("else"));
        let row = branch.head.place.row;
        let has_comment =
            self.comments.get(next).is_some_and(|comment| comment.row < row) || self.line_comment.is_some();
        if !has_comment && is_inline {
            self.write(" ");
        } else {
            self.blank_line();
            self.start_line();
        }
        let next = self.insert_comments(next, Some(row)).map_err(self.lost())?;
        if has_comment && !is_inline {
            // The comments have ended the line.
            self.start_line();
        }
        Ok(next)
    }

    fn head(&mut self, head: &HeadNode, is_default: bool, is_constant: bool, next: usize) -> Written {
        let mut next = next;
        let mut reference = head.reference.as_slice();
        let path = reference.get(1..).unwrap_or_default();
        if head.key.is_some() && head.value.is_none() && path.iter().all(is_constant_node) {
            let dynamic = path.iter().position(|part| !super::build::is_ground(part));
            reference = reference.get(..dynamic.map_or(reference.len(), |at| at + 1)).unwrap_or(reference);
        }
        match reference {
            [name, part] if !self.style.dotted_heads => {
                if self.comments.get(next).is_some_and(|comment| comment.row == part.place.row) {
                    // What has comments within its brackets stays as it is.
                    return self.write_as_it_is(head.place, next).map_err(self.lost());
                }
                let text = format!("{}[{}]", term_text(name), term_text(part));
                self.write(&text);
            }
            _ => next = self.reference(reference, next).map_err(self.lost())?,
        }
        if !head.args.is_empty() {
            self.write("(");
            let result = self.head_arguments(&head.args, head.place, next);
            self.write(")");
            next = result?;
        }
        if let (Some(key), None) = (&head.key, &head.value) {
            if self.style.contains {
                self.write(" contains ");
                next = self.term(key, next)?;
            } else {
                self.write("[");
                next = self.term(key, next)?;
                self.write("]");
            }
        }
        let Some(value) = &head.value else { return Ok(next) };
        let is_true = matches!(&value.kind, NodeKind::Plain(text) if text == "true");
        if head.key.is_none() && is_true && !is_constant && !is_default {
            return Ok(next);
        }
        let is_v1_constant = self.style.v1 && is_constant && head.key.is_none() && head.args.is_empty();
        if head.implied && !head.is_else && is_true && !is_v1_constant {
            return Ok(next);
        }
        self.write(if head.assigned || self.style.v1 { " := " } else { " = " });
        self.term(value, next)
    }
}

/// Whether OPA takes a part of a head's path for a constant.
fn is_constant_node(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Plain(_) | NodeKind::Text(_) => true,
        NodeKind::Array(nodes) | NodeKind::Set(nodes) => nodes.iter().all(is_constant_node),
        NodeKind::Object(items) => items.iter().all(|(key, value)| is_constant_node(key) && is_constant_node(value)),
        _ => false,
    }
}

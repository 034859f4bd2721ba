//! References: where they begin in the rule tree, and which rules they can read.

use regorus::Value;

use crate::engine::ir::{Expr, NodeId, Path, Root};
use crate::engine::program::{Atom, Base, Op, Pattern, Target};
use crate::engine::rule_tree::Kind;
use crate::engine::safety::Bound;

use super::Planner;

impl Planner<'_> {
    pub(super) fn reference(&mut self, path: &Path, out: Option<&Expr>, bound: &mut Bound) -> Op {
        let (base, skip) = match &path.root {
            Root::Slot(slot) => (Base::Slot(*slot), 0),
            Root::Input => {
                let first = match path.path.first() {
                    Some(Expr::Const(value)) => Some(value.clone()),
                    _ => None,
                };
                self.reads.atoms.insert(Atom::Input(first));
                (Base::Input, 0)
            }
            Root::Data => self.data_base(&path.path),
        };
        let rest = path.path.get(skip..).unwrap_or(&[]);
        if rest.iter().all(|expr| bound.ground(expr)) {
            let path = rest.iter().map(|expr| self.term(expr, bound)).collect();
            return Op::Lookup { base, path, out: self.out(out, bound) };
        }
        let path: Vec<Pattern> = rest.iter().map(|expr| self.pattern(expr, bound)).collect();
        Op::Scan { base, path, out: self.out(out, bound) }
    }

    fn out(&mut self, out: Option<&Expr>, bound: &mut Bound) -> Target {
        out.map_or(Target::Truthy, |out| Target::Pattern(self.pattern(out, bound)))
    }

    /// Follows the constant front of a path of data; also how much of it is done.
    fn data_base(&mut self, path: &[Expr]) -> (Base, usize) {
        let mut at: NodeId = 0;
        let mut done = 0;
        loop {
            let Some(node) = self.tree.node(at) else { return (Base::Node(0), 0) };
            if node.kind != Kind::Package {
                self.reads.nodes.insert(at);
                return (Base::Node(at), done);
            }
            match path.get(done) {
                Some(Expr::Const(Value::String(name))) if node.children.contains_key(name) => {
                    at = node.children.get(name).copied().unwrap_or(0);
                    done += 1;
                }
                Some(Expr::Const(_)) => {
                    let front: Vec<_> = path
                        .iter()
                        .map_while(|expr| match expr {
                            Expr::Const(value) => Some(value.clone()),
                            _ => None,
                        })
                        .collect();
                    let length = front.len();
                    self.reads.atoms.insert(Atom::Data(front.clone()));
                    return (Base::Doc(front), length);
                }
                _ => {
                    self.note_below(at, path.get(done..).unwrap_or(&[]));
                    return (Base::Node(at), done);
                }
            }
        }
    }

    /// Notes every rule that the rest of a path can reach.
    fn note_below(&mut self, at: NodeId, rest: &[Expr]) {
        let Some(node) = self.tree.node(at) else { return };
        self.reads.atoms.insert(Atom::Data(node.path.clone()));
        let Some((first, rest)) = rest.split_first() else {
            self.reads.nodes.insert(at);
            return;
        };
        if node.kind != Kind::Package {
            self.reads.nodes.insert(at);
            return;
        }
        match first {
            Expr::Const(Value::String(name)) => {
                if let Some(child) = node.children.get(name) {
                    self.note_below(*child, rest);
                }
            }
            Expr::Const(_) => {}
            _ => {
                let children: Vec<_> = node.children.values().copied().collect();
                for child in children {
                    self.note_below(child, rest);
                }
            }
        }
    }
}

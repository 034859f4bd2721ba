//! [`Types`]: how large the types of a component are, those they name counted each time.
//!
//! `(type $b (tuple $a $a))`, `(type $c (tuple $b $b))` and so on is a type of a billion parts in thirty lines.

use std::{collections::BTreeMap, rc::Rc};

use wasmparser::{
    ComponentAlias, ComponentDefinedType, ComponentExport, ComponentExternalKind, ComponentOuterAliasKind,
    ComponentType, ComponentTypeDeclaration, ComponentTypeRef, ComponentValType, InstanceTypeDeclaration, TypeBounds,
};

use super::InspectError;
use crate::limits;

/// Counts declarations.
type Declared<'c> = dyn FnMut(u64) -> Result<(), InspectError> + 'c;

/// What an instance exports, by name, as far as it is types.
pub(crate) type Exports = BTreeMap<String, Item>;

/// Something that an instance exports.
#[derive(Clone)]
pub(crate) enum Item {
    Type(Type),
    Instance(Rc<Exports>),
}

/// A type, as far as it is counted.
#[derive(Clone, Default)]
pub(crate) struct Type {
    size: u64,
    /// What an instance of it exports, if it is one of instances.
    exports: Rc<Exports>,
}

impl Type {
    fn of(size: u64) -> Self {
        Self { size, exports: Rc::default() }
    }
}

/// The types and instances of one component, or of one type that declares others, by index.
#[derive(Default)]
pub(crate) struct Types {
    types: Rc<Vec<Type>>,
    instances: Rc<Vec<Rc<Exports>>>,
    exports: Exports,
    outer: Option<Rc<Self>>,
    open: bool,
}

impl Types {
    /// Those of a component that is in no other.
    pub(crate) fn outermost() -> Self {
        Self { open: true, ..Self::default() }
    }

    /// Those of a component, or of a declaration, inside this one. They share the lists, which grow again when the inner
    /// ones are gone.
    pub(crate) fn inside(&self) -> Self {
        let outer = Self {
            types: Rc::clone(&self.types),
            instances: Rc::clone(&self.instances),
            exports: Exports::new(),
            outer: self.outer.clone(),
            open: true,
        };
        Self { outer: Some(Rc::new(outer)), ..Self::outermost() }
    }

    fn push(&mut self, of: Type) {
        Rc::make_mut(&mut self.types).push(of);
    }

    /// Whether they are those of a component.
    pub(crate) const fn is_open(&self) -> bool {
        self.open
    }

    /// What instances of the component export.
    pub(crate) fn exports(self) -> Rc<Exports> {
        Rc::new(self.exports)
    }

    /// Adds a declared type and gives its size.
    pub(crate) fn declare(
        &mut self,
        declared: &ComponentType<'_>,
        count: &mut Declared<'_>,
    ) -> Result<u64, InspectError> {
        let declared = self.declared(declared, count)?;
        let size = declared.size;
        if size > limits::TYPE_PARTS {
            let most = limits::TYPE_PARTS;
            return Err(format!("has a type of more than {most} parts, those it names counted each time").into());
        }
        self.push(declared);
        Ok(size)
    }

    /// Adds what an import or a declared export names, and gives its size.
    pub(crate) fn named(&mut self, reference: ComponentTypeRef) -> (u64, Option<Item>) {
        match reference {
            ComponentTypeRef::Module(_) => (1, None),
            ComponentTypeRef::Func(index) | ComponentTypeRef::Component(index) => (self.at(index).size, None),
            ComponentTypeRef::Value(kind) => (self.value(kind), None),
            ComponentTypeRef::Instance(index) => {
                let of = self.at(index);
                self.instance(Rc::clone(&of.exports));
                (of.size, Some(Item::Instance(of.exports)))
            }
            ComponentTypeRef::Type(bounds) => {
                let of = match bounds {
                    TypeBounds::Eq(index) => self.at(index),
                    TypeBounds::SubResource => Type::of(1),
                };
                self.push(of.clone());
                (1, Some(Item::Type(of)))
            }
        }
    }

    /// Adds what the component exports: it has an index of its own.
    pub(crate) fn export(&mut self, name: &str, kind: ComponentExternalKind, index: u32) {
        let Some(item) = self.item(kind, index) else { return };
        match &item {
            Item::Type(of) => self.push(of.clone()),
            Item::Instance(exports) => self.instance(Rc::clone(exports)),
        }
        self.exports.insert(name.to_owned(), item);
    }

    /// Adds an instance of what stands here.
    pub(crate) fn bundle(&mut self, exports: &[ComponentExport<'_>]) {
        let item =
            |export: &ComponentExport<'_>| Some((export.name.name.to_owned(), self.item(export.kind, export.index)?));
        let exports = exports.iter().filter_map(item).collect();
        self.instance(Rc::new(exports));
    }

    /// Adds an instance.
    pub(crate) fn instance(&mut self, exports: Rc<Exports>) {
        Rc::make_mut(&mut self.instances).push(exports);
    }

    /// Adds a type or instance by another name.
    pub(crate) fn alias(&mut self, alias: &ComponentAlias<'_>) {
        match alias {
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Type, count, index } => {
                let mut from = Some(&*self);
                for _ in 0..*count {
                    from = from.and_then(|types| types.outer.as_deref());
                }
                let of = from.map(|types| types.at(*index)).unwrap_or_default();
                self.push(of);
            }
            ComponentAlias::InstanceExport { kind, instance_index, name } => {
                let of = self.instances.get(*instance_index as usize).and_then(|exports| exports.get(*name)).cloned();
                match (kind, of) {
                    (ComponentExternalKind::Type, Some(Item::Type(of))) => self.push(of),
                    (ComponentExternalKind::Instance, Some(Item::Instance(exports))) => self.instance(exports),
                    // What is not exported is for the compiler to refuse; the index is taken all the same.
                    (ComponentExternalKind::Type, _) => self.push(Type::of(1)),
                    (ComponentExternalKind::Instance, _) => self.instance(Rc::default()),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn item(&self, kind: ComponentExternalKind, index: u32) -> Option<Item> {
        match kind {
            ComponentExternalKind::Type => Some(Item::Type(self.at(index))),
            ComponentExternalKind::Instance => {
                Some(Item::Instance(self.instances.get(index as usize).cloned().unwrap_or_default()))
            }
            _ => None,
        }
    }

    fn at(&self, index: u32) -> Type {
        // An index that is none is for the compiler to refuse.
        self.types.get(index as usize).cloned().unwrap_or_else(|| Type::of(1))
    }

    fn declared(&self, declared: &ComponentType<'_>, count: &mut Declared<'_>) -> Result<Type, InspectError> {
        Ok(match declared {
            ComponentType::Defined(defined) => Type::of(self.defined(defined)),
            ComponentType::Func(function) => {
                let params = function.params.iter().map(|(_, kind)| self.value(*kind));
                Type::of(total(params.chain(function.result.map(|kind| self.value(kind)))))
            }
            ComponentType::Resource { .. } => Type::of(1),
            ComponentType::Component(all) => {
                count(all.len() as u64)?;
                let mut inner = self.inside();
                let mut size = 1_u64;
                for one in all {
                    size = size.saturating_add(match one {
                        ComponentTypeDeclaration::CoreType(_) => 1,
                        ComponentTypeDeclaration::Type(declared) => inner.declare(declared, count)?,
                        ComponentTypeDeclaration::Alias(alias) => {
                            inner.alias(alias);
                            1
                        }
                        ComponentTypeDeclaration::Export { ty, .. } => inner.named(*ty).0,
                        ComponentTypeDeclaration::Import(import) => inner.named(import.ty).0,
                    });
                }
                Type::of(size)
            }
            ComponentType::Instance(all) => {
                count(all.len() as u64)?;
                let mut inner = self.inside();
                let mut size = 1_u64;
                for one in all {
                    size = size.saturating_add(match one {
                        InstanceTypeDeclaration::CoreType(_) => 1,
                        InstanceTypeDeclaration::Type(declared) => inner.declare(declared, count)?,
                        InstanceTypeDeclaration::Alias(alias) => {
                            inner.alias(alias);
                            1
                        }
                        InstanceTypeDeclaration::Export { name, ty } => {
                            let (size, item) = inner.named(*ty);
                            inner.exports.extend(item.map(|item| (name.name.to_owned(), item)));
                            size
                        }
                    });
                }
                Type { size, exports: inner.exports() }
            }
        })
    }

    fn value(&self, kind: ComponentValType) -> u64 {
        match kind {
            ComponentValType::Primitive(_) => 1,
            ComponentValType::Type(index) => self.at(index).size,
        }
    }

    fn defined(&self, defined: &ComponentDefinedType<'_>) -> u64 {
        let optional = |kind: &Option<ComponentValType>| kind.map_or(0, |kind| self.value(kind));
        match defined {
            ComponentDefinedType::Primitive(_) | ComponentDefinedType::Own(_) | ComponentDefinedType::Borrow(_) => 1,
            ComponentDefinedType::Record(fields) => total(fields.iter().map(|(_, kind)| self.value(*kind))),
            ComponentDefinedType::Variant(cases) => {
                total(cases.iter().map(|case| case.ty.map_or(1, |kind| self.value(kind))))
            }
            ComponentDefinedType::Tuple(kinds) => total(kinds.iter().map(|kind| self.value(*kind))),
            ComponentDefinedType::Flags(names) | ComponentDefinedType::Enum(names) => total(names.iter().map(|_| 1)),
            ComponentDefinedType::List(kind) | ComponentDefinedType::Option(kind) => total([self.value(*kind)]),
            ComponentDefinedType::Map(key, value) => total([self.value(*key), self.value(*value)]),
            ComponentDefinedType::FixedLengthList(kind, length) => {
                self.value(*kind).saturating_mul(u64::from(*length)).saturating_add(1)
            }
            ComponentDefinedType::Result { ok, err } => total([optional(ok), optional(err)]),
            ComponentDefinedType::Future(kind) | ComponentDefinedType::Stream(kind) => total([optional(kind)]),
        }
    }
}

/// One more than all together.
fn total(parts: impl IntoIterator<Item = u64>) -> u64 {
    parts.into_iter().fold(1, u64::saturating_add)
}

//! [`Types`]: how large the types of a component are, those they name counted each time.
//!
//! `(type $b (tuple $a $a))`, `(type $c (tuple $b $b))` and so on is a type of a billion parts in thirty lines.

use std::rc::Rc;

use wasmparser::{
    ComponentAlias, ComponentDefinedType, ComponentExternalKind, ComponentOuterAliasKind, ComponentType,
    ComponentTypeDeclaration, ComponentTypeRef, ComponentValType, InstanceTypeDeclaration, TypeBounds,
};

use crate::{inspect::Refused, limits};

/// Counts declarations.
type Declared<'c> = dyn FnMut(u64) -> Result<(), Refused> + 'c;

/// The sizes of the types of one component, or of one type that declares others, by index.
#[derive(Clone, Default)]
pub(crate) struct Types {
    sizes: Vec<u64>,
    outer: Option<Rc<Self>>,
    /// The largest one anywhere so far: as large as one that is not known can be.
    largest: u64,
    open: bool,
}

impl Types {
    /// Those of a component, or of a declaration, inside another.
    pub(crate) fn within(outer: Option<Self>) -> Self {
        let largest = outer.as_ref().map_or(1, |outer| outer.largest);
        Self { sizes: Vec::new(), outer: outer.map(Rc::new), largest, open: true }
    }

    /// Whether they are those of a component.
    pub(crate) const fn is_open(&self) -> bool {
        self.open
    }

    /// Adds a declared type and gives its size.
    pub(crate) fn declare(&mut self, declared: &ComponentType<'_>, count: &mut Declared<'_>) -> Result<u64, Refused> {
        let size = self.size(declared, count)?;
        if size > limits::TYPE_PARTS {
            let most = limits::TYPE_PARTS;
            return Err(format!("has a type of more than {most} parts, those it names counted each time").into());
        }
        self.push(size);
        Ok(size)
    }

    /// Adds a type that is one of these.
    pub(crate) fn again(&mut self, index: u32) {
        self.push(self.at(index));
    }

    /// Adds a resource.
    pub(crate) fn resource(&mut self) {
        self.push(1);
    }

    /// Adds a type that something exports: no larger than the largest.
    pub(crate) fn unknown(&mut self) {
        self.push(self.largest);
    }

    /// Adds a type of what stands around.
    pub(crate) fn outer(&mut self, count: u32, index: u32) {
        let mut from = Some(&*self);
        for _ in 0..count {
            from = from.and_then(|types| types.outer.as_deref());
        }
        let size = from.map_or(1, |types| types.at(index));
        self.push(size);
    }

    fn push(&mut self, size: u64) {
        self.largest = self.largest.max(size);
        self.sizes.push(size);
    }

    fn at(&self, index: u32) -> u64 {
        // An index that is none is for the compiler to refuse.
        self.sizes.get(index as usize).copied().unwrap_or(1)
    }

    fn size(&self, declared: &ComponentType<'_>, count: &mut Declared<'_>) -> Result<u64, Refused> {
        Ok(match declared {
            ComponentType::Defined(defined) => self.defined(defined),
            ComponentType::Func(function) => {
                let params = function.params.iter().map(|(_, kind)| self.value(*kind));
                total(params.chain(function.result.map(|kind| self.value(kind))))
            }
            ComponentType::Resource { .. } => 1,
            ComponentType::Component(all) => {
                count(all.len() as u64)?;
                let mut inner = Self::within(Some(self.clone()));
                let mut size = 1_u64;
                for one in all {
                    size = size.saturating_add(match one {
                        ComponentTypeDeclaration::CoreType(_) => 1,
                        ComponentTypeDeclaration::Type(declared) => inner.declare(declared, count)?,
                        ComponentTypeDeclaration::Alias(alias) => inner.alias(alias),
                        ComponentTypeDeclaration::Export { ty, .. } => inner.named(*ty),
                        ComponentTypeDeclaration::Import(import) => inner.named(import.ty),
                    });
                }
                size
            }
            ComponentType::Instance(all) => {
                count(all.len() as u64)?;
                let mut inner = Self::within(Some(self.clone()));
                let mut size = 1_u64;
                for one in all {
                    size = size.saturating_add(match one {
                        InstanceTypeDeclaration::CoreType(_) => 1,
                        InstanceTypeDeclaration::Type(declared) => inner.declare(declared, count)?,
                        InstanceTypeDeclaration::Alias(alias) => inner.alias(alias),
                        InstanceTypeDeclaration::Export { ty, .. } => inner.named(*ty),
                    });
                }
                size
            }
        })
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) -> u64 {
        match alias {
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Type, count, index } => self.outer(*count, *index),
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Type, .. } => self.unknown(),
            _ => {}
        }
        1
    }

    /// What an import or export inside a type names.
    fn named(&mut self, reference: ComponentTypeRef) -> u64 {
        match reference {
            ComponentTypeRef::Module(_) => 1,
            ComponentTypeRef::Func(index) | ComponentTypeRef::Instance(index) | ComponentTypeRef::Component(index) => {
                self.at(index)
            }
            ComponentTypeRef::Value(kind) => self.value(kind),
            ComponentTypeRef::Type(TypeBounds::Eq(index)) => {
                self.again(index);
                1
            }
            ComponentTypeRef::Type(TypeBounds::SubResource) => {
                self.resource();
                1
            }
        }
    }

    fn value(&self, kind: ComponentValType) -> u64 {
        match kind {
            ComponentValType::Primitive(_) => 1,
            ComponentValType::Type(index) => self.at(index),
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

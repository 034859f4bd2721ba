//! [`ComponentFacts`]: what a component is made of, for those who decide whether it may run. Nothing of it runs.

use std::collections::BTreeSet;

use serde::Serialize;
use wasmparser::{KnownCustom, Parser, Payload};

use super::{InspectError, inspect};

/// What a component is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ComponentFacts {
    /// The names that it imports, in its order.
    pub imports: Vec<String>,
    /// The names that it exports, in its order.
    pub exports: Vec<String>,
    /// Core modules in it.
    pub modules: u64,
    /// Functions that its core modules define.
    pub functions: u64,
    /// Memories that its core modules define.
    pub memories: u64,
    /// Tables that its core modules define.
    pub tables: u64,
    /// The names of its custom sections, wherever they stand, each once.
    pub sections: BTreeSet<String>,
    /// What made it, as its `producers` sections say (tool-conventions `ProducersSection.md`): `NAME VERSION`.
    pub producers: BTreeSet<String>,
}

/// Names of sections and producers that are listed; more are left out.
const LISTED: usize = 200;
/// The longest name that is listed.
const NAME_BYTES: usize = 200;

impl ComponentFacts {
    /// Looks at a whole component.
    ///
    /// # Errors
    /// It is not a component, or has more than this host compiles: the end of a sentence that begins with it.
    pub fn of(component: &[u8]) -> Result<Self, String> {
        let surface = inspect(component).map_err(|error| match error {
            InspectError::TooMuch(why) | InspectError::Refused(why) => why,
            InspectError::Unreadable(error) => format!("cannot be read: {error}"),
        })?;
        let mut facts = Self { imports: surface.imports, exports: surface.exports, ..Self::default() };
        for payload in Parser::new(0).parse_all(component) {
            match payload.map_err(|error| format!("cannot be read: {error}"))? {
                Payload::ModuleSection { .. } => facts.modules += 1,
                Payload::FunctionSection(section) => facts.functions += u64::from(section.count()),
                Payload::MemorySection(section) => facts.memories += u64::from(section.count()),
                Payload::TableSection(section) => facts.tables += u64::from(section.count()),
                Payload::CustomSection(section) => {
                    list(&mut facts.sections, section.name());
                    if let KnownCustom::Producers(fields) = section.as_known() {
                        let values = fields.into_iter().map_while(Result::ok).take(LISTED).flat_map(|field| {
                            field.values.into_iter().map_while(Result::ok).take(LISTED).collect::<Vec<_>>()
                        });
                        for value in values {
                            list(&mut facts.producers, format!("{} {}", value.name, value.version).trim_end());
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(facts)
    }
}

fn list(to: &mut BTreeSet<String>, name: &str) {
    if to.len() < LISTED && name.len() <= NAME_BYTES {
        to.insert(name.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENT: &str = r#"(component
        (import "wasi:cli/environment@0.2.0" (instance))
        (core module (func) (func) (memory 1) (table 1 funcref) (@custom "note" "x"))
        (core module (func) (@producers (language "Rust" "1.99") (processed-by "tool" "")))
        (instance $i)
        (export "a" (instance $i)))"#;

    #[test]
    fn a_component_is_counted_and_its_producers_are_named() {
        let facts = ComponentFacts::of(&wat::parse_str(COMPONENT).unwrap()).unwrap();
        assert_eq!((facts.modules, facts.functions, facts.memories, facts.tables), (2, 3, 1, 1));
        assert_eq!(facts.imports, ["wasi:cli/environment@0.2.0"]);
        assert_eq!(facts.exports, ["a"]);
        assert!(facts.sections.contains("note"), "{facts:?}");
        assert_eq!(facts.producers.iter().collect::<Vec<_>>(), ["Rust 1.99", "tool"]);
    }

    #[test]
    fn what_is_listed_is_limited() {
        let mut names = BTreeSet::new();
        (0..=LISTED).for_each(|number| list(&mut names, &number.to_string()));
        assert_eq!(names.len(), LISTED);
        list(&mut names, &"x".repeat(NAME_BYTES + 1));
        assert_eq!(names.len(), LISTED);
        assert!(ComponentFacts::of(b"x").unwrap_err().contains("cannot be read"));
    }
}

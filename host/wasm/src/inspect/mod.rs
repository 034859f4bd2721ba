//! [`inspect`]: counts what a component holds before anything of it is compiled.
//!
//! The compiler takes time and memory for what a component says, not for how long it is: a kilobyte of components that
//! each instantiate the one before twice is a billion instances. What is too much is refused by name. The file is only
//! walked through, once; whether it is valid is for the compiler to say.
//!
//! Invariant: this takes time and memory in proportion to the file's length alone.

use std::rc::Rc;

use wasmparser::{
    BinaryReaderError, CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ComponentOuterAliasKind, ComponentTypeRef, Encoding, FromReader, FunctionBody, Instance, MemoryType, Operator,
    Parser, Payload, SectionLimited,
};

use self::types::{Exports, Types};
use crate::limits;

pub(crate) mod facts;
mod types;

/// Why a component is not compiled.
#[derive(Debug)]
pub(crate) enum InspectError {
    /// It has too much of something: the end of a sentence that begins with it.
    TooMuch(String),
    /// It uses what this host does not run: the end of a sentence that begins with it.
    Refused(String),
    /// It is not a component.
    Unreadable(BinaryReaderError),
}

/// The names of what a component exports and imports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Surface {
    pub(crate) exports: Vec<String>,
    pub(crate) imports: Vec<String>,
}

impl From<BinaryReaderError> for InspectError {
    fn from(error: BinaryReaderError) -> Self {
        Self::Unreadable(error)
    }
}

impl From<String> for InspectError {
    fn from(why: String) -> Self {
        Self::TooMuch(why)
    }
}

/// Looks at a whole file.
///
/// # Errors
/// The limit that is passed, or that the file cannot be read.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Surface, InspectError> {
    let mut surface = Surface::default();
    let mut counts = Counts::default();
    let mut frames: Vec<Frame> = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        match payload {
            Payload::Version { encoding: Encoding::Component, .. } => {
                counts.components.add(1)?;
                if frames.len() > limits::COMPONENT_DEPTH {
                    return Err(format!("nests components more than {} levels deep", limits::COMPONENT_DEPTH).into());
                }
                let types = frames.last().map_or_else(Types::outermost, |frame| frame.types.inside());
                frames.push(Frame { types, ..Frame::default() });
            }
            Payload::Version { encoding: Encoding::Module, .. } => {
                counts.modules.add(1)?;
                frames.push(Frame::default());
            }
            Payload::End(_) => {
                let Some(done) = frames.pop() else { break };
                if let Some(outer) = frames.last_mut()
                    && done.is_component()
                {
                    outer.components.push(Made { instances: done.made(), exports: done.types.exports() });
                }
            }
            other => {
                let Some((frame, outer)) = frames.split_last_mut() else { continue };
                let named = if outer.is_empty() { names(&other)? } else { Surface::default() };
                // What names them is counted first.
                counts.payload(other, frame, outer)?;
                surface.exports.extend(named.exports);
                surface.imports.extend(named.imports);
            }
        }
    }
    Ok(surface)
}

/// What a section of the outermost component exports and imports.
fn names(payload: &Payload<'_>) -> Result<Surface, BinaryReaderError> {
    let mut surface = Surface::default();
    match payload {
        Payload::ComponentExportSection(section) => {
            for export in section.clone().into_iter().take(LISTED_ITEMS) {
                surface.exports.push(export?.name.name.to_owned());
            }
        }
        Payload::ComponentImportSection(section) => {
            for import in section.clone().into_iter().take(LISTED_ITEMS) {
                surface.imports.push(import?.name.name.to_owned());
            }
        }
        _ => {}
    }
    Ok(surface)
}

/// As many as a section may have at all.
const LISTED_ITEMS: usize = 10_000;

/// What instantiating a component gives.
#[derive(Clone)]
struct Made {
    /// How many instances it makes, itself included.
    instances: u64,
    exports: Rc<Exports>,
}

impl Made {
    /// Of a component that is none, for the compiler to refuse.
    fn nothing() -> Self {
        Self { instances: 1, exports: Rc::default() }
    }
}

/// A component or module that is open.
#[derive(Default)]
struct Frame {
    /// The sizes of its types; modules have none.
    types: Types,
    /// The components that it can instantiate, by index.
    components: Vec<Made>,
    /// How many it makes itself.
    instances: u64,
}

impl Frame {
    const fn is_component(&self) -> bool {
        self.types.is_open()
    }

    /// How many instances it makes when it is instantiated, itself included.
    const fn made(&self) -> u64 {
        self.instances.saturating_add(1)
    }
}

/// How many of something there are, and may be.
struct Count {
    what: &'static str,
    seen: u64,
    most: u64,
}

impl Count {
    const fn new(what: &'static str, most: u64) -> Self {
        Self { what, seen: 0, most }
    }

    fn add(&mut self, more: u64) -> Result<(), InspectError> {
        self.seen = self.seen.saturating_add(more);
        if self.seen > self.most { Err(format!("has more than {} {}", self.most, self.what).into()) } else { Ok(()) }
    }
}

/// Everything that is counted over the whole file.
struct Counts {
    description: Count,
    components: Count,
    modules: Count,
    component_types: Count,
    type_parts: Count,
    component_imports: Count,
    component_exports: Count,
    aliases: Count,
    canonical: Count,
    types: Count,
    imports: Count,
    exports: Count,
    globals: Count,
    segments: Count,
    tables: Count,
    memories: Count,
    functions: Count,
    code: Count,
}

impl Default for Counts {
    fn default() -> Self {
        let each = |one: u32| u64::from(one).saturating_mul(limits::MODULES);
        Self {
            description: Count::new("bytes that describe it and are not code", limits::DESCRIPTION_BYTES),
            components: Count::new("components", limits::COMPONENTS),
            modules: Count::new("core modules", limits::MODULES),
            component_types: Count::new("types", limits::COMPONENT_TYPES),
            type_parts: Count::new("parts of types", limits::ALL_TYPE_PARTS),
            component_imports: Count::new("imports", limits::COMPONENT_ITEMS),
            component_exports: Count::new("exports", limits::COMPONENT_ITEMS),
            aliases: Count::new("aliases", limits::COMPONENT_ITEMS),
            canonical: Count::new("lifted and lowered functions", limits::COMPONENT_ITEMS),
            types: Count::new("types of core modules", limits::CORE_ITEMS),
            imports: Count::new("imports of core modules", limits::CORE_ITEMS),
            exports: Count::new("exports of core modules", limits::CORE_ITEMS),
            globals: Count::new("globals", limits::CORE_ITEMS),
            segments: Count::new("segments", limits::CORE_ITEMS),
            tables: Count::new("tables", each(limits::TABLES)),
            memories: Count::new("memories", each(limits::MEMORIES)),
            functions: Count::new("functions", limits::FUNCTIONS),
            code: Count::new("bytes of code", limits::CODE_BYTES),
        }
    }
}

impl Counts {
    fn payload(&mut self, payload: Payload<'_>, frame: &mut Frame, outer: &[Frame]) -> Result<(), InspectError> {
        match payload {
            Payload::TypeSection(section) => self.types.add(section.count().into()),
            Payload::ImportSection(section) => self.imports.add(section.count().into()),
            Payload::ExportSection(section) => self.exports.add(section.count().into()),
            Payload::FunctionSection(section) => self.functions.add(section.count().into()),
            Payload::GlobalSection(section) => self.globals.add(section.count().into()),
            Payload::ElementSection(section) => self.segments.add(section.count().into()),
            Payload::DataSection(section) => self.segments.add(section.count().into()),
            Payload::MemorySection(section) => {
                self.memories.add(section.count().into())?;
                for memory in section {
                    let memory = memory?;
                    check_memory(&memory)?;
                }
                Ok(())
            }
            Payload::TableSection(section) => {
                self.tables.add(section.count().into())?;
                for table in section {
                    let elements = table?.ty.initial;
                    if elements > limits::TABLE_ELEMENTS as u64 {
                        return Err(format!("has a table of more than {} elements", limits::TABLE_ELEMENTS).into());
                    }
                }
                Ok(())
            }
            Payload::CodeSectionEntry(body) => self.function(&body),
            Payload::ComponentTypeSection(section) => {
                self.component_types.add(section.count().into())?;
                for declared in self.described(section)? {
                    let parts = frame.types.declare(&declared?, &mut |more| self.component_types.add(more))?;
                    self.type_parts.add(parts)?;
                }
                Ok(())
            }
            Payload::CoreTypeSection(section) => {
                self.component_types.add(section.count().into())?;
                self.described(section).map(drop)
            }
            Payload::ComponentImportSection(section) => {
                self.component_imports.add(section.count().into())?;
                for import in self.described(section)? {
                    let import = import?;
                    if matches!(import.ty, ComponentTypeRef::Component(_)) {
                        return Err(passed_on());
                    }
                    frame.types.named(import.ty);
                }
                Ok(())
            }
            Payload::ComponentExportSection(section) => {
                self.component_exports.add(section.count().into())?;
                for export in self.described(section)? {
                    let export = export?;
                    if export.kind == ComponentExternalKind::Component {
                        return Err(passed_on());
                    }
                    frame.types.export(export.name.name, export.kind, export.index);
                }
                Ok(())
            }
            Payload::ComponentAliasSection(section) => {
                self.aliases.add(section.count().into())?;
                for alias in self.described(section)? {
                    alias_of(&alias?, frame, outer)?;
                }
                Ok(())
            }
            Payload::ComponentCanonicalSection(section) => {
                self.canonical.add(section.count().into())?;
                for function in self.described(section)? {
                    check_synchronous(&function?)?;
                }
                Ok(())
            }
            Payload::InstanceSection(section) => {
                for made in self.described(section)? {
                    if let Instance::Instantiate { .. } = made? {
                        instances(frame, 1)?;
                    }
                }
                Ok(())
            }
            Payload::ComponentInstanceSection(section) => {
                for made in self.described(section)? {
                    match made? {
                        ComponentInstance::Instantiate { component_index, args } => {
                            if args.iter().any(|arg| arg.kind == ComponentExternalKind::Component) {
                                return Err(passed_on());
                            }
                            let made = frame.components.get(component_index as usize).cloned();
                            let made = made.unwrap_or_else(Made::nothing);
                            instances(frame, made.instances)?;
                            frame.types.instance(made.exports);
                        }
                        ComponentInstance::FromExports(exports) => {
                            if exports.iter().any(|export| export.kind == ComponentExternalKind::Component) {
                                return Err(passed_on());
                            }
                            instances(frame, 1)?;
                            frame.types.bundle(&exports);
                        }
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The items of a section whose bytes are counted first: to read one may take memory for all of it.
    fn described<'a, T: FromReader<'a>>(
        &mut self,
        section: SectionLimited<'a, T>,
    ) -> Result<SectionLimited<'a, T>, InspectError> {
        let range = section.range();
        self.description.add(range.end.saturating_sub(range.start))?;
        Ok(section)
    }

    fn function(&mut self, body: &FunctionBody<'_>) -> Result<(), InspectError> {
        let range = body.range();
        let bytes = range.end.saturating_sub(range.start);
        self.code.add(bytes)?;
        if bytes > limits::FUNCTION_BYTES {
            return Err(format!("has a function of more than {} bytes", limits::FUNCTION_BYTES).into());
        }
        let mut locals = 0_u64;
        for group in body.get_locals_reader()? {
            let (count, _) = group?;
            locals = locals.saturating_add(count.into());
        }
        if locals > limits::LOCALS {
            return Err(format!("has a function of more than {} local variables", limits::LOCALS).into());
        }
        // A block takes two bytes at least; most functions are too short to have too many.
        if locals.saturating_mul(bytes / 2) <= limits::LOCALS_BY_BLOCKS {
            return Ok(());
        }
        let mut blocks = 0_u64;
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let operator = operators.read()?;
            if matches!(operator, Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } | Operator::Else)
            {
                blocks += 1;
            }
        }
        if locals.saturating_mul(blocks) > limits::LOCALS_BY_BLOCKS {
            let most = limits::LOCALS_BY_BLOCKS;
            return Err(format!(
                "has a function of {locals} local variables and {blocks} blocks, more than {most} multiplied"
            )
            .into());
        }
        Ok(())
    }
}

/// A memory of a kind and size that a call can have.
fn check_memory(memory: &MemoryType) -> Result<(), InspectError> {
    for (is_used, proposal) in [(memory.memory64, "memory64"), (memory.shared, "threads (shared memories)")] {
        if is_used {
            return Err(InspectError::Refused(format!("uses the proposal {proposal}, which this host does not run")));
        }
    }
    let page = 1_u64 << memory.page_size_log2.unwrap_or(16).min(16);
    if memory.initial.saturating_mul(page) > limits::MAX_MEMORY_BYTES as u64 {
        return Err(format!("has a memory of more than {} MiB", limits::MAX_MEMORY_BYTES >> 20).into());
    }
    Ok(())
}

/// Refuses the asynchronous ABI, which toolchains choose by default.
fn check_synchronous(function: &CanonicalFunction) -> Result<(), InspectError> {
    let is_async = match function {
        CanonicalFunction::Lift { options, .. } | CanonicalFunction::Lower { options, .. } => {
            options.iter().any(|option| matches!(option, CanonicalOption::Async | CanonicalOption::Callback(_)))
        }
        CanonicalFunction::ResourceNew { .. }
        | CanonicalFunction::ResourceDrop { .. }
        | CanonicalFunction::ResourceRep { .. } => false,
        _ => true,
    };
    if is_async {
        return Err(InspectError::Refused(
            "uses the asynchronous component ABI, which this host does not run; build it with the synchronous one, \
             such as by `componentize-qjs --sync`"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Counts instances that a component makes.
fn instances(frame: &mut Frame, more: u64) -> Result<(), InspectError> {
    frame.instances = frame.instances.saturating_add(more);
    if frame.made() > limits::INSTANCES {
        return Err(format!("makes more than {} instances", limits::INSTANCES).into());
    }
    Ok(())
}

/// What a component that is passed as a value would make is not known from the component that takes it.
fn passed_on() -> InspectError {
    InspectError::TooMuch("hands components on as values, which a plugin does not need".to_owned())
}

fn alias_of(alias: &ComponentAlias<'_>, frame: &mut Frame, outer: &[Frame]) -> Result<(), InspectError> {
    match alias {
        ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => Err(passed_on()),
        ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
            // None is the component itself; one is the component around it.
            let from = match count.checked_sub(1) {
                None => Some(&*frame),
                Some(up) => outer.iter().rev().nth(up as usize),
            };
            let made = from.and_then(|from| from.components.get(*index as usize)).cloned();
            frame.components.push(made.unwrap_or_else(Made::nothing));
            Ok(())
        }
        other => {
            frame.types.alias(other);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;

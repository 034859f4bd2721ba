//! [`without_names`]: a component without the names of its functions and variables.
//!
//! They are for debuggers and for frames of traps, which nobody sees here. In compiled code they take time whenever it is
//! loaded: a tenth of it for the runtime of Python.

use wasmparser::{BinaryReader, Result};

use crate::limits;

/// The header of a component and of a core module: magic, version and layer.
const HEADER_BYTES: usize = 8;

/// The byte of a header that differs between components and core modules.
const LAYER: usize = 6;

/// Sections of a component that hold another binary: a core module and a component.
const NESTED: [u8; 2] = [1, 4];

/// The section that holds whatever tools want.
const CUSTOM: u8 = 0;

/// Names of custom sections with names, of core modules and of components.
const NAMES: [&str; 2] = ["name", "component-name"];

/// The component without its sections of names, at every level. Everything else is as it was, also what is invalid.
///
/// # Errors
/// It is not a sequence of sections.
pub(crate) fn without_names(component: &[u8]) -> Result<Vec<u8>> {
    let mut kept = Vec::with_capacity(component.len());
    write(component, limits::COMPONENT_DEPTH, &mut kept)?;
    Ok(kept)
}

fn write(binary: &[u8], depth: usize, to: &mut Vec<u8>) -> Result<()> {
    let mut reader = BinaryReader::new(binary, 0);
    let header = reader.read_bytes(HEADER_BYTES)?;
    let is_component = header.get(LAYER).is_some_and(|layer| *layer != 0);
    to.extend(header);
    while !reader.eof() {
        let id = reader.read_u8()?;
        let size = reader.read_var_u32()?;
        let section = reader.read_bytes(usize::try_from(size).unwrap_or(usize::MAX))?;
        if id == CUSTOM && BinaryReader::new(section, 0).read_string().is_ok_and(|name| NAMES.contains(&name)) {
            continue;
        }
        let nested = match depth.checked_sub(1).filter(|_| is_component && NESTED.contains(&id)) {
            Some(depth) => {
                let mut inner = Vec::with_capacity(section.len());
                write(section, depth, &mut inner)?;
                Some(inner)
            }
            None => None,
        };
        let section = nested.as_deref().unwrap_or(section);
        to.push(id);
        write_length(section.len(), to);
        to.extend(section);
    }
    Ok(())
}

/// A length in LEB128, as WebAssembly's `Binary.md` has it.
fn write_length(length: usize, to: &mut Vec<u8>) {
    let mut rest = length;
    loop {
        let low = u8::try_from(rest & 0x7f).unwrap_or_default();
        rest >>= 7;
        to.push(if rest == 0 { low } else { low | 0x80 });
        if rest == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_at_every_level_are_left_out_and_all_else_stays() {
        let text = |component: &str, module: &str, function: &str| {
            format!(
                r#"(component {component}
                    (component (core module {module} (func {function} (export "f")) (@custom "kept" "as it is")))
                    (core module {module} (func {function} (export "f")) (@custom "kept" "{}")))"#,
                "x".repeat(200)
            )
        };
        let named = wat::parse_str(text("$c", "$m", "$function")).unwrap();
        let plain = wat::parse_str(text("", "", "")).unwrap();
        assert_ne!(named, plain);
        assert_eq!(without_names(&named).unwrap(), plain);
        assert_eq!(without_names(&plain).unwrap(), plain);
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        let named = wat::parse_str("(component $c (core module $m (func $f)))").unwrap();
        assert!(named.get(..named.len() - 1).is_some_and(|part| without_names(part).is_err()));
        assert!(without_names(b"\0asm").is_err());
    }
}

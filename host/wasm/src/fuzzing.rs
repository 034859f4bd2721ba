//! Entry point of the fuzzer in `fuzz/`: inspects and loads arbitrary bytes. Nothing else uses it.

use std::sync::LazyLock;

use crate::{
    engine::{Engine, EngineOptions},
    inspect::inspect,
    plugin::Plugin,
};

/// Longer files are only inspected, as compiling them would take most of a fuzzer's time.
const COMPILED_BYTES: usize = 64 << 10;

/// One engine for all files, as in the program.
static ENGINE: LazyLock<Option<Engine>> = LazyLock::new(|| Engine::new(EngineOptions::in_process(1)).ok());

/// Inspects a file, and loads it if it is accepted and short.
///
/// # Errors
/// The reason why it is not a plugin.
pub fn component(bytes: &[u8]) -> Result<(), String> {
    inspect(bytes).map_err(|error| format!("{error:?}"))?;
    match &*ENGINE {
        Some(engine) if bytes.len() <= COMPILED_BYTES => {
            Plugin::load(engine, "component", bytes).map(drop).map_err(|error| error.to_string())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_a_plugin_are_refused() {
        let component = wat::parse_str("(component)").unwrap();
        for bytes in [&b""[..], b"\0asm", b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0\x04\x80\x80\x80\x80\x10", &component]
        {
            component_is_refused(bytes);
        }
    }

    fn component_is_refused(bytes: &[u8]) {
        assert!(component(bytes).is_err(), "{bytes:?}");
    }
}

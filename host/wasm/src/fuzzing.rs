//! What a component goes through before it runs, over bytes from anywhere: what the fuzzers in `fuzz/` knock at.
//!
//! Nothing else of assay uses it, and nothing of what it reads is trusted.

use std::sync::LazyLock;

use crate::{
    engine::{Engine, EngineOptions},
    inspect::inspect,
};

/// Files longer than this are only looked at: to compile them would be most of a fuzzer's time.
const COMPILED_BYTES: usize = 64 << 10;

/// One engine for all files, as in the product.
static ENGINE: LazyLock<Option<Engine>> = LazyLock::new(|| Engine::new(EngineOptions { slots: 1 }).ok());

/// Looks at a file, and loads it if it may be compiled and is short.
///
/// # Errors
/// Why it is no plugin.
pub fn component(bytes: &[u8]) -> Result<(), String> {
    inspect(bytes).map_err(|refused| format!("{refused:?}"))?;
    match &*ENGINE {
        Some(engine) if bytes.len() <= COMPILED_BYTES => {
            engine.load("trial", bytes).map(drop).map_err(|error| error.to_string())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_plugin_are_refused() {
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

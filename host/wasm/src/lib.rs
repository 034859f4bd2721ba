//! Runs checks that are WebAssembly components, each call in a fresh and limited instance.

//! The Rego engine's door: compile policies once, evaluate them from many threads.

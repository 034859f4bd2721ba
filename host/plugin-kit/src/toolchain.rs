//! [`Tool`]: a program that a recipe calls, found by calling it.

use std::process::{Command, Stdio};

/// A program that a recipe calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tool {
    /// Its names, the preferred one first.
    pub(crate) names: &'static [&'static str],
    /// The argument that makes it print its version.
    pub(crate) version: &'static str,
    /// The command that installs it.
    pub(crate) install: &'static str,
}

/// A program that is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("building this plugin needs `{tool}`, which is not installed")]
pub struct MissingTool {
    /// The program.
    pub tool: String,
    /// The command that installs it.
    pub install: String,
}

/// A program that answered.
#[derive(Clone, Debug)]
pub(crate) struct FoundTool {
    /// The name that it is called by.
    pub(crate) name: &'static str,
    /// What it says its version is, one line.
    pub(crate) version: String,
}

pub(crate) const CARGO: Tool =
    Tool { names: &["cargo"], version: "--version", install: "apt-get install rustup && rustup default stable" };
pub(crate) const RUSTC: Tool =
    Tool { names: &["rustc"], version: "--version", install: "apt-get install rustup && rustup default stable" };
pub(crate) const COMPONENTIZE_PY: Tool =
    Tool { names: &["componentize-py"], version: "--version", install: "pip install componentize-py==0.25.1" };
pub(crate) const COMPONENTIZE_QJS: Tool =
    Tool { names: &["componentize-qjs"], version: "--version", install: "npm install --global componentize-qjs@0.4.5" };
pub(crate) const TSC: Tool =
    Tool { names: &["tsc"], version: "--version", install: "npm install --global typescript@7.0.2" };
pub(crate) const GO: Tool = Tool { names: &["go"], version: "version", install: "apt-get install golang-go" };
pub(crate) const WIT_BINDGEN: Tool =
    Tool { names: &["wit-bindgen"], version: "--version", install: "cargo install --locked wit-bindgen-cli@0.63.0" };
pub(crate) const WASM_TOOLS: Tool =
    Tool { names: &["wasm-tools"], version: "--version", install: "cargo install --locked wasm-tools@1.262.0" };
pub(crate) const CLANG: Tool = Tool {
    names: &["clang-19", "clang"],
    version: "--version",
    install: "apt-get install clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32",
};
pub(crate) const CLANGXX: Tool = Tool {
    names: &["clang++-19", "clang++"],
    version: "--version",
    install: "apt-get install clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32 libc++-19-dev-wasm32 \
              libc++abi-19-dev-wasm32",
};
pub(crate) const ZIG: Tool = Tool { names: &["zig"], version: "version", install: "pip install ziglang==0.17.1" };

impl Tool {
    /// Calls the program for its version.
    pub(crate) fn find(self) -> Result<FoundTool, MissingTool> {
        for name in self.names {
            // One that is not there, or cannot be started, may have another name.
            let Ok(output) = Command::new(name).arg(self.version).stdin(Stdio::null()).output() else { continue };
            let text = String::from_utf8_lossy(&output.stdout);
            // A program that does not show its version is there all the same.
            let line = text.lines().next().filter(|_| output.status.success()).unwrap_or(name).trim();
            let line: String = line.chars().take(100).collect();
            let is_bare = line.starts_with(|first: char| first.is_ascii_digit()) || line.starts_with("Version");
            return Ok(FoundTool { name, version: if is_bare { format!("{name} {line}") } else { line } });
        }
        let tool = self.names.first().copied().unwrap_or_default().to_owned();
        Err(MissingTool { tool, install: self.install.to_owned() })
    }
}

/// Rust's name of what plugins are built for.
pub(crate) const RUST_TARGET: &str = "wasm32-wasip2";

/// Whether the Rust that is installed can build for [`RUST_TARGET`].
pub(crate) fn find_rust_target() -> Result<(), MissingTool> {
    let arguments = ["--print", "target-libdir", "--target", RUST_TARGET];
    let output = Command::new("rustc").args(arguments).stdin(Stdio::null()).output();
    let folder = output.ok().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    if folder.is_some_and(|folder| std::path::Path::new(&folder).is_dir()) {
        return Ok(());
    }
    Err(MissingTool {
        tool: format!("Rust's target {RUST_TARGET}"),
        install: format!("rustup target add {RUST_TARGET}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_is_not_there_is_named_with_the_command_that_installs_it() {
        let tool = Tool { names: &["assay-no-such-tool", "assay-nor-this"], version: "-v", install: "get it" };
        let missing = tool.find().unwrap_err();
        assert_eq!((missing.tool.as_str(), missing.install.as_str()), ("assay-no-such-tool", "get it"));
    }

    #[test]
    fn a_tool_says_its_version_in_one_line() {
        let found = CARGO.find().unwrap();
        assert!(found.version.starts_with("cargo 1."), "{found:?}");
    }
}

//! The files of every template, embedded.

use crate::language::{Language, World};

/// A path in a project, and the text with placeholders.
type File = (&'static str, &'static str);

macro_rules! embedded {
    ($($path:literal => $file:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../templates/", $file)))),*]
    };
}

/// The contract.
pub(super) const CONTRACT: &[File] = &[
    ("wit/exports.wit", include_str!("../../../../wit/assay-plugin/0.1/exports.wit")),
    ("wit/imports.wit", include_str!("../../../../wit/assay-plugin/0.1/imports.wit")),
    ("wit/types.wit", include_str!("../../../../wit/assay-plugin/0.1/types.wit")),
    ("wit/worlds.wit", include_str!("../../../../wit/assay-plugin/0.1/worlds.wit")),
];

/// The files of a template; none if there is no such template.
pub(super) fn of(language: Language, world: World) -> Vec<File> {
    let own: &[File] = match (language, kind(world)) {
        (Language::Rust, Kind::Check) => embedded! {
            "src/lib.rs" => "rust/check/lib.rs",
            "src/assay.rs" => "rust/assay.rs",
        },
        (Language::Rust, Kind::Task) => embedded! {
            "src/lib.rs" => "rust/task/lib.rs",
            "src/assay.rs" => "rust/assay.rs",
        },
        (Language::Rust, Kind::Adapter) => embedded! {
            "src/lib.rs" => "rust/adapter/lib.rs",
            "src/assay.rs" => "rust/assay.rs",
            "src/assay_http.rs" => "rust/assay_http.rs",
        },
        (Language::Rust, Kind::Reporter) => embedded! {
            "src/lib.rs" => "rust/reporter/lib.rs",
        },
        (Language::Python, Kind::Check) => embedded! {
            "src/app.py" => "python/check/app.py",
        },
        (Language::Python, Kind::Task) => embedded! {
            "src/app.py" => "python/task/app.py",
        },
        (Language::Python, Kind::Adapter) => embedded! {
            "src/app.py" => "python/adapter/app.py",
            "src/assay_http.py" => "python/assay_http.py",
        },
        (Language::Python, Kind::Reporter) => embedded! {
            "src/app.py" => "python/reporter/app.py",
        },
        (Language::JavaScript, Kind::Check) => embedded! {
            "src/app.js" => "javascript/check/app.js",
        },
        (Language::JavaScript, Kind::Task) => embedded! {
            "src/app.js" => "javascript/task/app.js",
        },
        (Language::JavaScript, Kind::Adapter) => embedded! {
            "src/app.js" => "javascript/adapter/app.js",
            "src/assay_http.js" => "javascript/assay_http.js",
        },
        (Language::JavaScript, Kind::Reporter) => embedded! {
            "src/app.js" => "javascript/reporter/app.js",
        },
        (Language::TypeScript, Kind::Check) => embedded! {
            "src/app.ts" => "typescript/check/app.ts",
        },
        (Language::TypeScript, Kind::Task) => embedded! {
            "src/app.ts" => "typescript/task/app.ts",
        },
        (Language::TypeScript, Kind::Adapter) => embedded! {
            "src/app.ts" => "typescript/adapter/app.ts",
            "src/assay_http.ts" => "typescript/assay_http.ts",
        },
        (Language::TypeScript, Kind::Reporter) => embedded! {
            "src/app.ts" => "typescript/reporter/app.ts",
        },
        (Language::Go, Kind::Check) => embedded! {
            "export_assay_plugin_metadata/metadata.go" => "go/check/metadata.go",
            "export_assay_plugin_image_check/check.go" => "go/check/check.go",
        },
        (Language::Go, Kind::Task) => embedded! {
            "export_assay_plugin_metadata/metadata.go" => "go/task/metadata.go",
            "export_assay_plugin_custom_task/task.go" => "go/task/task.go",
        },
        (Language::Go, Kind::Adapter) => embedded! {
            "export_assay_plugin_metadata/metadata.go" => "go/adapter/metadata.go",
            "export_assay_plugin_remote_job/job.go" => "go/adapter/job.go",
            "assay_http/http.go" => "go/assay_http.go",
        },
        (Language::Go, Kind::Reporter) => embedded! {
            "export_assay_plugin_metadata/metadata.go" => "go/reporter/metadata.go",
            "export_assay_plugin_renderer/renderer.go" => "go/reporter/renderer.go",
        },
        (Language::C, Kind::Check) => embedded! {
            "src/app.c" => "c/check/app.c",
        },
        (Language::C, Kind::Task) => embedded! {
            "src/app.c" => "c/task/app.c",
        },
        (Language::Cpp, Kind::Check) => embedded! {
            "src/app.cpp" => "c/check/app.c",
        },
        (Language::Cpp, Kind::Task) => embedded! {
            "src/app.cpp" => "c/task/app.c",
        },
        (Language::Zig, Kind::Check) => embedded! {
            "src/app.zig" => "zig/check/app.zig",
        },
        (Language::Zig, Kind::Task) => embedded! {
            "src/app.zig" => "zig/task/app.zig",
        },
        (Language::C | Language::Cpp | Language::Zig, Kind::Adapter | Kind::Reporter) => return Vec::new(),
    };
    let cases = match kind(world) {
        Kind::Check => CHECK_CASES,
        Kind::Task => TASK_CASES,
        Kind::Adapter => ADAPTER_CASES,
        Kind::Reporter => REPORTER_CASES,
    };
    [COMMON, CONTRACT, cases, shared(language), own].concat()
}

/// What a source is made for: a task without the network has the source of one with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Check,
    Task,
    Adapter,
    Reporter,
}

const fn kind(world: World) -> Kind {
    match world {
        World::Check => Kind::Check,
        World::TaskOffline | World::Task => Kind::Task,
        World::Adapter => Kind::Adapter,
        World::Reporter => Kind::Reporter,
    }
}

const COMMON: &[File] = embedded! { "plugin.toml" => "plugin.toml", "README.md" => "readme/README.md" };

const CHECK_CASES: &[File] = embedded! {
    "tests/passes.toml" => "tests/check/passes.toml",
    "tests/fails.toml" => "tests/check/fails.toml",
};

const TASK_CASES: &[File] = embedded! {
    "tests/snapshot.json" => "tests/task/snapshot.json",
    "tests/passes.toml" => "tests/task/passes.toml",
    "tests/fails.toml" => "tests/task/fails.toml",
};

const ADAPTER_CASES: &[File] = embedded! {
    "tests/passes.toml" => "tests/adapter/passes.toml",
    "tests/passes.jsonl" => "tests/adapter/passes.jsonl",
    "tests/fails.toml" => "tests/adapter/fails.toml",
    "tests/fails.jsonl" => "tests/adapter/fails.jsonl",
};

const REPORTER_CASES: &[File] = embedded! {
    "tests/passes.toml" => "tests/reporter/passes.toml",
    "tests/events.jsonl" => "tests/reporter/events.jsonl",
};

/// What every template of a language has.
fn shared(language: Language) -> &'static [File] {
    match language {
        Language::Rust => embedded! {
            ".cargo/config.toml" => "rust/cargo-config.toml.in",
            ".gitignore" => "gitignore",
            "Cargo.toml" => "rust/Cargo.toml.in",
            // The same in a plugin with the SDK and in one without it.
            "src/assay_output.rs" => "../../../sdk/rust/src/output.rs",
        },
        Language::TypeScript => embedded! {
            ".gitignore" => "gitignore",
            "tsconfig.json" => "typescript/tsconfig.json",
            "src/assay.ts" => "typescript/assay.ts",
            "types/README.md" => "typescript/types/README.md",
            "types/assay-plugin-artifacts.d.ts" => "typescript/types/assay-plugin-artifacts.d.ts",
            "types/assay-plugin-checkpoint.d.ts" => "typescript/types/assay-plugin-checkpoint.d.ts",
            "types/assay-plugin-custom-task.d.ts" => "typescript/types/assay-plugin-custom-task.d.ts",
            "types/assay-plugin-events.d.ts" => "typescript/types/assay-plugin-events.d.ts",
            "types/assay-plugin-evidence.d.ts" => "typescript/types/assay-plugin-evidence.d.ts",
            "types/assay-plugin-http.d.ts" => "typescript/types/assay-plugin-http.d.ts",
            "types/assay-plugin-image-check.d.ts" => "typescript/types/assay-plugin-image-check.d.ts",
            "types/assay-plugin-logging.d.ts" => "typescript/types/assay-plugin-logging.d.ts",
            "types/assay-plugin-metadata.d.ts" => "typescript/types/assay-plugin-metadata.d.ts",
            "types/assay-plugin-remote-job.d.ts" => "typescript/types/assay-plugin-remote-job.d.ts",
            "types/assay-plugin-renderer.d.ts" => "typescript/types/assay-plugin-renderer.d.ts",
            "types/assay-plugin-snapshot.d.ts" => "typescript/types/assay-plugin-snapshot.d.ts",
            "types/assay-plugin-tests.d.ts" => "typescript/types/assay-plugin-tests.d.ts",
            "types/assay-plugin-types.d.ts" => "typescript/types/assay-plugin-types.d.ts",
        },
        Language::JavaScript => embedded! { ".gitignore" => "gitignore", "src/assay.js" => "javascript/assay.js" },
        Language::Python => embedded! { ".gitignore" => "gitignore", "src/assay.py" => "python/assay.py" },
        Language::Go => embedded! {
            ".gitignore" => "go/gitignore",
            "go.mod" => "go/go.mod.in",
            "assay/assay.go" => "go/assay.go",
            "wit_runtime/go.mod" => "go/wit_runtime/go.mod.in",
            "wit_runtime/LICENSE" => "go/wit_runtime/LICENSE",
            "wit_runtime/wit/runtime/runtime.go" => "go/wit_runtime/wit/runtime/runtime.go",
            "wit_runtime/wit/runtime/empty.s" => "go/wit_runtime/wit/runtime/empty.s",
            "wit_runtime/wit/types/option.go" => "go/wit_runtime/wit/types/option.go",
            "wit_runtime/wit/types/result.go" => "go/wit_runtime/wit/types/result.go",
            "wit_runtime/wit/types/tuple.go" => "go/wit_runtime/wit/types/tuple.go",
            "wit_runtime/wit/types/unit.go" => "go/wit_runtime/wit/types/unit.go",
        },
        Language::C | Language::Cpp | Language::Zig => embedded! { ".gitignore" => "gitignore" },
    }
}

/// The file that an author begins in.
pub(super) fn main_source(language: Language, world: World) -> &'static str {
    match (language, kind(world)) {
        (Language::Rust, _) => "src/lib.rs",
        (Language::Python, _) => "src/app.py",
        (Language::JavaScript, _) => "src/app.js",
        (Language::TypeScript, _) => "src/app.ts",
        (Language::Go, Kind::Check) => "export_assay_plugin_image_check/check.go",
        (Language::Go, Kind::Task) => "export_assay_plugin_custom_task/task.go",
        (Language::Go, Kind::Adapter) => "export_assay_plugin_remote_job/job.go",
        (Language::Go, Kind::Reporter) => "export_assay_plugin_renderer/renderer.go",
        (Language::C, _) => "src/app.c",
        (Language::Cpp, _) => "src/app.cpp",
        (Language::Zig, _) => "src/app.zig",
    }
}

pub(super) const fn language_name(language: Language) -> &'static str {
    match language {
        Language::Rust => "Rust",
        Language::Python => "Python",
        Language::JavaScript => "JavaScript",
        Language::TypeScript => "TypeScript",
        Language::Go => "Go",
        Language::C => "C",
        Language::Cpp => "C++",
        Language::Zig => "Zig",
    }
}

/// What a build of this language needs, and what to expect of it.
pub(super) const fn needs(language: Language) -> &'static str {
    match language {
        Language::Rust => {
            "Building needs Rust with the target `wasm32-wasip2` (`rustup target add wasm32-wasip2`). The component is \
             some 100 kB, and a call takes a fraction of a millisecond."
        }
        Language::Python => {
            "Building needs `componentize-py` (`pip install componentize-py==0.25.1`). The component is some 19 MB, as \
             it contains the interpreter: the first use compiles it in about ten seconds, each call takes some milliseconds. \
             Packages with native code and threads do not work."
        }
        Language::JavaScript => {
            "Building needs `componentize-qjs` (`npm install --global componentize-qjs@0.4.5`). The component is some \
             1.1 MB and a call takes about a millisecond; large JSON is slow. Numbers stay below 2^53, and a BigInt \
             is refused."
        }
        Language::TypeScript => {
            "Building needs `tsc` and `componentize-qjs` (`npm install --global typescript@7.0.2 \
             componentize-qjs@0.4.5`). The component is some 1.1 MB and a call takes about a millisecond; large JSON \
             is slow. The declarations in `types/` are generated: `u64` is a number."
        }
        Language::Go => {
            "Building needs Go 1.25 or newer, `wit-bindgen` and `wasm-tools` (`cargo install --locked \
             wit-bindgen-cli@0.63.0 wasm-tools@1.262.0`). The component is some 3.4 MB; a call takes about a \
             millisecond. The packages `assay_plugin_*` and `wit_exports.go` are generated by the build."
        }
        Language::Zig => {
            "Building needs Zig 0.17 (`pip install ziglang==0.17.1`, with a program `zig` that calls `python3 -m ziglang`), \
             `wit-bindgen` and `wasm-tools` (`cargo install --locked wit-bindgen-cli@0.63.0 wasm-tools@1.262.0`). The \
             component is some 120 kB."
        }
        Language::C | Language::Cpp => {
            "Building needs clang 19 with the WASI C library (`apt-get install clang-19 lld-19 wasi-libc \
             libclang-rt-19-dev-wasm32`, for C++ also `libc++-19-dev-wasm32 libc++abi-19-dev-wasm32`), `wit-bindgen` \
             and `wasm-tools` (`cargo install --locked wit-bindgen-cli@0.63.0 wasm-tools@1.262.0`). The component is \
             some 100 kB."
        }
    }
}

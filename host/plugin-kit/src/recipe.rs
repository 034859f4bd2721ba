//! [`Recipe`]: how the source of one language becomes a component, as programs and their arguments.

use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    language::{Language, World},
    project::Project,
    toolchain::{self, FoundTool, MissingTool},
};

/// How a project is built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildOptions {
    /// Whether names and line numbers are kept, so that a trap says where it was.
    pub is_debug: bool,
    /// The folder for what cargo builds, an absolute path; one in the project if there is none.
    pub cargo_target_dir: Option<Utf8PathBuf>,
}

/// The folder of a project that everything that is built goes into.
pub(crate) const OUT: &str = "out";

/// Its name is that of the imports that it provides.
const ADAPTER: &str = "out/wasi_snapshot_preview1.wasm";

/// The steps of a build, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recipe {
    pub(crate) steps: Vec<Step>,
    /// What the tools say their versions are.
    pub(crate) toolchain: Vec<String>,
    /// The component, relative to the project.
    pub(crate) component: Utf8PathBuf,
}

/// One step of a build, in the folder of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Calls a program.
    Run { program: String, arguments: Vec<String>, variables: Vec<(&'static str, &'static str)> },
    /// Calls a program and writes what it prints into a file.
    RunInto { program: String, arguments: Vec<String>, file: Utf8PathBuf },
    /// Puts generated Go packages beside those of the author: they are one module.
    CopyGoBindings { from: Utf8PathBuf },
    /// Writes the module that translates what C libraries call (WASI's preview 1) to what a component imports.
    WriteAdapter { to: Utf8PathBuf },
}

impl Recipe {
    fn tool(&mut self, tool: toolchain::Tool) -> Result<String, MissingTool> {
        let FoundTool { name, version } = tool.find()?;
        self.toolchain.push(version);
        Ok(name.to_owned())
    }

    fn run(&mut self, program: &str, arguments: &[&str]) {
        self.run_with(program, arguments, &[]);
    }

    fn run_with(&mut self, program: &str, arguments: &[&str], variables: &[(&'static str, &'static str)]) {
        self.steps.push(Step::Run {
            program: program.to_owned(),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            variables: variables.to_vec(),
        });
    }
}

/// Whether all programs that building a project calls are there.
///
/// # Errors
/// The first that is not.
pub fn find_tools(project: &Project) -> Result<(), MissingTool> {
    recipe(project, &BuildOptions::default()).map(|_| ())
}

/// The recipe of a project.
pub(crate) fn recipe(project: &Project, options: &BuildOptions) -> Result<Recipe, MissingTool> {
    let mut recipe = Recipe { component: Utf8Path::new(OUT).join("component.wasm"), ..Recipe::default() };
    let is_debug = options.is_debug;
    match project.language {
        Language::Rust => rust(&mut recipe, &project.name, options)?,
        Language::Python => python(&mut recipe, project.world)?,
        Language::JavaScript => {
            let componentize = recipe.tool(toolchain::COMPONENTIZE_QJS)?;
            quickjs(&mut recipe, &componentize, project.world, "src/app.js");
        }
        Language::TypeScript => {
            let compile = recipe.tool(toolchain::TSC)?;
            let componentize = recipe.tool(toolchain::COMPONENTIZE_QJS)?;
            recipe.run(&compile, &["-p", "."]);
            quickjs(&mut recipe, &componentize, project.world, "out/js/app.js");
        }
        Language::Go => go(&mut recipe, project.world, is_debug)?,
        Language::C => {
            let compile = recipe.tool(toolchain::CLANG)?;
            c(&mut recipe, project.world, &[&compile], &[&compile, "-x", "c", "src/app.c"], is_debug)?;
        }
        Language::Cpp => {
            let compile = recipe.tool(toolchain::CLANG)?;
            let link = recipe.tool(toolchain::CLANGXX)?;
            let source = [&link, "-std=c++23", "-fno-exceptions", "-fno-rtti", "-x", "c++", "src/app.cpp"];
            c(&mut recipe, project.world, &[&compile], &source, is_debug)?;
        }
        Language::Zig => {
            let zig = recipe.tool(toolchain::ZIG)?;
            zig_source(&mut recipe, project.world, &zig, is_debug)?;
        }
    }
    Ok(recipe)
}

fn rust(recipe: &mut Recipe, name: &str, options: &BuildOptions) -> Result<(), MissingTool> {
    recipe.tool(toolchain::RUSTC)?;
    let cargo = recipe.tool(toolchain::CARGO)?;
    toolchain::find_rust_target()?;
    let target_dir = options.cargo_target_dir.as_deref().unwrap_or(Utf8Path::new("out/target"));
    let mut arguments =
        vec!["build", "--release", "--target", toolchain::RUST_TARGET, "--target-dir", target_dir.as_str()];
    if options.is_debug {
        arguments.extend(["--config", "profile.release.strip=false", "--config", "profile.release.debug=true"]);
    }
    recipe.run(&cargo, &arguments);
    let file = format!("{}.wasm", name.replace('-', "_"));
    recipe.component = target_dir.join(toolchain::RUST_TARGET).join("release").join(file);
    Ok(())
}

fn python(recipe: &mut Recipe, world: World) -> Result<(), MissingTool> {
    let componentize = recipe.tool(toolchain::COMPONENTIZE_PY)?;
    // Not `--stub-wasi`: with it a traceback would not reach the report.
    let arguments = ["-d", "wit", "-w", world.as_str(), "componentize", "app", "-p", "src"];
    recipe.run(&componentize, &[&arguments[..], &["-o", "out/component.wasm"]].concat());
    Ok(())
}

fn quickjs(recipe: &mut Recipe, componentize: &str, world: World, source: &str) {
    // `--sync`: the host has no asynchronous calls.
    let arguments = ["--wit", "wit", "--world", world.as_str(), "--js", source, "--sync", "--opt-size"];
    recipe.run(componentize, &[&arguments[..], &["--output", "out/component.wasm"]].concat());
}

fn go(recipe: &mut Recipe, world: World, is_debug: bool) -> Result<(), MissingTool> {
    let go = recipe.tool(toolchain::GO)?;
    let bindgen = recipe.tool(toolchain::WIT_BINDGEN)?;
    let tools = recipe.tool(toolchain::WASM_TOOLS)?;
    recipe.run(&bindgen, &["go", "wit", "--world", world.as_str(), "--out-dir", "out/gen"]);
    recipe.steps.push(Step::CopyGoBindings { from: Utf8Path::new(OUT).join("gen") });
    // The runtime package links to a function of Go's own runtime.
    let flags = if is_debug { "-ldflags=-checklinkname=0" } else { "-ldflags=-s -w -checklinkname=0" };
    let target = [("GOOS", "wasip1"), ("GOARCH", "wasm"), ("GOWORK", "off")];
    recipe.run_with(&go, &["build", "-buildmode=c-shared", flags, "-o", "out/core.wasm", "."], &target);
    let embed = ["component", "embed", "wit", "--world", world.as_str(), "out/core.wasm", "-o", "out/embedded.wasm"];
    recipe.run(&tools, &embed);
    component(recipe, &tools, "out/embedded.wasm");
    Ok(())
}

/// C and what compiles like it: the bindings, then the source with them.
fn c(recipe: &mut Recipe, world: World, compile: &[&str], source: &[&str], is_debug: bool) -> Result<(), MissingTool> {
    let bindgen = recipe.tool(toolchain::WIT_BINDGEN)?;
    let tools = recipe.tool(toolchain::WASM_TOOLS)?;
    let name = world.as_str().replace('-', "_");
    recipe.run(&bindgen, &["c", "wit", "--world", world.as_str(), "--out-dir", "out/gen"]);
    let optimize: &[&str] = if is_debug { &["-O1", "-g"] } else { &["-Oz"] };
    let target = ["--target=wasm32-wasi"];
    let (bindings, types) = (format!("out/gen/{name}.c"), format!("out/gen/{name}_component_type.o"));
    let mut call = |command: &[&str], more: &[&str]| {
        if let Some((program, rest)) = command.split_first() {
            recipe.run(program, &[rest, &target, optimize, more].concat());
        }
    };
    call(compile, &["-c", &bindings, "-o", "out/gen/bindings.o"]);
    call(source, &["-Iout/gen", "-c", "-o", "out/gen/app.o"]);
    let linker = source.first().map_or(compile, |_| source.get(..compile.len()).unwrap_or(compile));
    let objects = ["out/gen/app.o", "out/gen/bindings.o", &types, "-mexec-model=reactor", "-o", "out/core.wasm"];
    call(linker, &objects);
    component(recipe, &tools, "out/core.wasm");
    Ok(())
}

/// Zig: the bindings are C, and their header is translated to the module `contract`.
fn zig_source(recipe: &mut Recipe, world: World, zig: &str, is_debug: bool) -> Result<(), MissingTool> {
    const CONTRACT: &str = "out/gen/contract.zig";
    let bindgen = recipe.tool(toolchain::WIT_BINDGEN)?;
    let tools = recipe.tool(toolchain::WASM_TOOLS)?;
    let name = world.as_str().replace('-', "_");
    let (header, bindings, types) =
        (format!("out/gen/{name}.h"), format!("out/gen/{name}.c"), format!("out/gen/{name}_component_type.o"));
    recipe.run(&bindgen, &["c", "wit", "--world", world.as_str(), "--out-dir", "out/gen"]);
    let translate = ["translate-c", "-lc", "-target", "wasm32-wasi", "-Iout/gen", &header];
    recipe.steps.push(Step::RunInto {
        program: zig.to_owned(),
        arguments: translate.map(str::to_owned).to_vec(),
        file: Utf8PathBuf::from(CONTRACT),
    });
    let optimize = if is_debug { "-ODebug" } else { "-OReleaseSmall" };
    let module = [optimize, "-target", "wasm32-wasi", "-lc"];
    let (root, contract) = ("-Mroot=src/app.zig", format!("-Mcontract={CONTRACT}"));
    let source = [&["build-obj"], &module[..], &["--dep", "contract", root], &module, &[&contract]].concat();
    recipe.run(zig, &[&source[..], &["-femit-bin=out/gen/app.o"]].concat());
    let target = ["cc", "--target=wasm32-wasi", if is_debug { "-O1" } else { "-Oz" }];
    recipe.run(zig, &[&target[..], &["-c", &bindings, "-o", "out/gen/bindings.o"]].concat());
    let objects = ["out/gen/app.o", "out/gen/bindings.o", &types, "-mexec-model=reactor", "-o", "out/core.wasm"];
    recipe.run(zig, &[&target[..], &objects].concat());
    component(recipe, &tools, "out/core.wasm");
    Ok(())
}

/// Makes a component of a core module that a C library or Go's runtime is in.
fn component(recipe: &mut Recipe, tools: &str, core: &str) {
    recipe.steps.push(Step::WriteAdapter { to: Utf8PathBuf::from(ADAPTER) });
    recipe.run(tools, &["component", "new", core, "--adapt", ADAPTER, "-o", "out/component.wasm"]);
}

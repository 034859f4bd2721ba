//! [`build`]: carries out the recipe of a project.

use std::{
    io,
    process::{Command, Stdio},
};

use assay_model::limits::PLUGIN_BYTES;
use camino::{Utf8Path, Utf8PathBuf};
use wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER;

use crate::{
    project::Project,
    recipe::{BuildOptions, OUT, Recipe, Step, recipe},
    toolchain::MissingTool,
};

/// A component that was built. It does not have its manifest in it yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The component.
    pub bytes: Vec<u8>,
    /// The programs that made it, with their versions.
    pub toolchain: Vec<String>,
}

/// A project was not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A program is not installed.
    #[error(transparent)]
    Missing(#[from] MissingTool),
    /// A program failed.
    #[error("`{program}` failed ({status})")]
    Failed {
        /// The program with its arguments.
        program: String,
        /// How it ended.
        status: String,
        /// What it printed.
        output: String,
    },
    /// The files of the build cannot be read or written.
    #[error("the files of the build cannot be used")]
    Io(#[from] io::Error),
    /// The component is too large to be loaded.
    #[error("{file} has {size} bytes, more than the {PLUGIN_BYTES} allowed")]
    TooLarge {
        /// The component.
        file: Utf8PathBuf,
        /// Its size.
        size: u64,
    },
}

/// What the build of another crate sets and that of a plugin must not see: flags and targets of another machine.
const HOST_ONLY: [&str; 6] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET_DIR",
];

/// What a failed program printed, the end of it.
const OUTPUT_BYTES: usize = 16 << 10;

/// Builds a project. What programs print is kept for the error of one that fails.
///
/// # Errors
/// A missing program, or one that fails.
pub fn build(project: &Project, options: &BuildOptions) -> Result<Built, BuildError> {
    let Recipe { steps, toolchain, component } = recipe(project, options)?;
    fs_err::create_dir_all(project.folder.join(OUT))?;
    for step in steps {
        match step {
            Step::Run { program, arguments, variables } => {
                let mut command = Command::new(&program);
                command.args(&arguments).current_dir(&project.folder).stdin(Stdio::null());
                HOST_ONLY.iter().for_each(|name| {
                    command.env_remove(name);
                });
                call(command.envs(variables), &program, &arguments)?;
            }
            Step::RunInto { program, arguments, file } => {
                let mut command = Command::new(&program);
                command.args(&arguments).current_dir(&project.folder).stdin(Stdio::null());
                fs_err::write(project.folder.join(file), call(&mut command, &program, &arguments)?)?;
            }
            Step::WriteAdapter { to } => {
                fs_err::write(project.folder.join(to), WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)?;
            }
            Step::CopyGoBindings { from } => copy_go_bindings(&project.folder.join(from), &project.folder)?,
        }
    }
    let file = project.folder.join(component);
    let size = fs_err::metadata(&file)?.len();
    if size > PLUGIN_BYTES {
        return Err(BuildError::TooLarge { file, size });
    }
    Ok(Built { bytes: fs_err::read(&file)?, toolchain })
}

/// Calls a program and gives what it printed.
fn call(command: &mut Command, program: &str, arguments: &[String]) -> Result<Vec<u8>, BuildError> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let text = [output.stdout, output.stderr].concat();
    let end = text.get(text.len().saturating_sub(OUTPUT_BYTES)..).unwrap_or_default();
    Err(BuildError::Failed {
        program: std::iter::once(program).chain(arguments.iter().map(String::as_str)).collect::<Vec<_>>().join(" "),
        status: output.status.to_string(),
        output: String::from_utf8_lossy(end).trim().to_owned(),
    })
}

/// Copies the packages and the main file of generated bindings; the module file is that of the template.
fn copy_go_bindings(from: &Utf8Path, to: &Utf8Path) -> Result<(), BuildError> {
    for entry in fs_err::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if name == "go.mod" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs_err::create_dir_all(to.join(name))?;
            copy_go_bindings(&from.join(name), &to.join(name))?;
        } else {
            fs_err::copy(from.join(name), to.join(name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_is_named_with_what_it_printed() {
        let arguments = ["-c".to_owned(), "echo out; echo err >&2; exit 3".to_owned()];
        let error = call(Command::new("sh").args(&arguments), "sh", &arguments).unwrap_err();
        let BuildError::Failed { program, output, .. } = &error else { panic!("{error}") };
        assert_eq!((program.as_str(), output.as_str()), ("sh -c echo out; echo err >&2; exit 3", "out\nerr"));
    }

    #[test]
    fn generated_packages_are_copied_and_the_module_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        fs_err::create_dir_all(root.join("gen/types")).unwrap();
        for (file, text) in [("gen/go.mod", "theirs"), ("gen/exports.go", "a"), ("gen/types/b.go", "b")] {
            fs_err::write(root.join(file), text).unwrap();
        }
        fs_err::write(root.join("go.mod"), "ours").unwrap();
        copy_go_bindings(&root.join("gen"), root).unwrap();
        let read = |name: &str| fs_err::read_to_string(root.join(name)).unwrap();
        assert_eq!([read("go.mod"), read("exports.go"), read("types/b.go")], ["ours", "a", "b"]);
    }
}

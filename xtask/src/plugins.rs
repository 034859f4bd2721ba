//! [`build`]: the plugins under `plugins/`, in whatever language, built and tested by the program itself.
//!
//! Every folder with a `plugin.toml` is one. Those of which a tool is missing are left out and named, unless they were
//! named by the caller.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail, ensure};
use assay_plugin_kit::{PROJECT_FILE, Project, find_tools};
use camino::{Utf8Path, Utf8PathBuf};

/// What is built, and where.
#[derive(Clone, Debug, clap::Args)]
pub struct Request {
    /// Plugins to build, by the names of their directories [default: all]
    #[arg(long, value_name = "NAME", num_args = 1..)]
    only: Vec<String>,
    /// Directory for the components, `NAME.wasm` each [default: plugins in the target directory]
    #[arg(long, value_name = "DIR")]
    out: Option<Utf8PathBuf>,
    /// The built program; without it, it is built in release mode
    #[arg(long, value_name = "COMMAND", env = "ASSAY_PROGRAM")]
    program: Option<Utf8PathBuf>,
    /// Run the cases of each plugin, too
    #[arg(long)]
    test: bool,
}

/// Builds plugins of the repository at `root`, and gives the components in the order of their names.
///
/// # Errors
/// A name that no plugin has, a named plugin of which a tool is missing, or a build or a case that fails; what the program
/// says about it goes to standard error.
pub fn build(root: &Utf8Path, target_dir: &Utf8Path, request: &Request) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let projects = selected(projects(&root.join("plugins"))?, &request.only)?;
    let (buildable, missing): (Vec<_>, Vec<_>) = projects
        .into_iter()
        .map(|project| {
            find_tools(&project)
                .map_err(|error| format!("{}: {error}; {}", project.name, error.install))
                .map(|()| project)
        })
        .partition(Result::is_ok);
    let missing: Vec<String> = missing.into_iter().filter_map(Result::err).collect();
    if !request.only.is_empty() && !missing.is_empty() {
        bail!("not built: {}", missing.join("\n"));
    }
    let program = match &request.program {
        Some(program) => program.clone(),
        None => release_build(root, target_dir)?,
    };
    let out = request.out.clone().unwrap_or_else(|| target_dir.join("plugins"));
    fs_err::create_dir_all(&out)?;
    let mut components = Vec::new();
    for project in buildable.into_iter().flatten() {
        let component = out.join(format!("{}.wasm", project.name));
        call(
            Command::new(&program)
                .args(["plugin", "build", project.folder.as_str(), "--out", component.as_str()])
                // Where `xtask guests` builds, too: what one has built the other does not build again.
                .args(["--cargo-target-dir", target_dir.join("guests").as_str()]),
            &format!("{} does not build", project.name),
        )?;
        if request.test && has_cases(&project) {
            let mut test = Command::new(&program);
            test.args(["plugin", "test", project.folder.as_str(), "--component", component.as_str()]);
            if project.world == assay_plugin_kit::World::Adapter {
                test.args(["--crash-everywhere", "--faults", "all"]);
            }
            call(&mut test, &format!("a case of {} failed", project.name))?;
        }
        components.push(component);
    }
    for line in missing {
        writeln!(std::io::stderr(), "skipped {line}")?;
    }
    Ok(components)
}

/// Whether a project has cases. An adapter may be tested with what stands for its service instead.
fn has_cases(project: &Project) -> bool {
    let cases = project.folder.join("tests").read_dir_utf8();
    cases.is_ok_and(|mut files| files.any(|file| file.is_ok_and(|file| file.path().extension() == Some("toml"))))
}

/// Calls the program; what it prints goes to standard error, as standard output is for the paths.
fn call(command: &mut Command, failure: &str) -> anyhow::Result<()> {
    let output = command.stderr(Stdio::inherit()).output().context("the program cannot be started")?;
    std::io::stderr().write_all(&output.stdout)?;
    ensure!(output.status.success(), "{failure} ({}); the program says why above", output.status);
    Ok(())
}

fn release_build(root: &Utf8Path, target_dir: &Utf8Path) -> anyhow::Result<Utf8PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--package", "assay"]).current_dir(root);
    ensure!(cargo.status()?.success(), "the release build failed");
    Ok(target_dir.join("release/assay"))
}

/// The projects in a folder, sorted by name.
fn projects(folder: &Utf8Path) -> anyhow::Result<Vec<Project>> {
    let mut projects = Vec::new();
    for entry in folder.read_dir_utf8().with_context(|| format!("{folder} cannot be listed"))? {
        let path = entry?.into_path();
        if path.join(PROJECT_FILE).is_file() {
            let project = Project::read(&path)?;
            ensure!(
                path.file_name() == Some(project.name.as_str()),
                "the plugin in {path} has the name `{}`; its directory must have the same",
                project.name
            );
            projects.push(project);
        }
    }
    projects.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(projects)
}

fn selected(all: Vec<Project>, only: &[String]) -> anyhow::Result<Vec<Project>> {
    if let Some(unknown) = only.iter().find(|name| !all.iter().any(|project| project.name == **name)) {
        let known: Vec<_> = all.iter().map(|project| project.name.as_str()).collect();
        bail!("there is no plugin `{unknown}` in plugins; there are {}", known.join(", "));
    }
    Ok(all.into_iter().filter(|project| only.is_empty() || only.contains(&project.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap().to_owned();
        for (name, text) in files {
            fs_err::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs_err::write(root.join(name), text).unwrap();
        }
        (folder, root)
    }

    fn file(name: &str) -> String {
        format!("version = 1\nname = \"{name}\"\nworld = \"task\"\nlanguage = \"python\"\n")
    }

    #[test]
    fn plugins_are_the_folders_with_a_file_that_describes_them_and_a_name_that_none_has_is_refused() {
        let (_keep, root) =
            folder(&[("b/plugin.toml", &file("b")), ("a/plugin.toml", &file("a")), ("c/README.md", "")]);
        let names = |projects: Vec<Project>| projects.into_iter().map(|project| project.name).collect::<Vec<_>>();
        let all = projects(&root).unwrap();
        assert_eq!(names(selected(all.clone(), &[]).unwrap()), ["a", "b"]);
        assert_eq!(names(selected(all.clone(), &["b".to_owned()]).unwrap()), ["b"]);
        let error = selected(all, &["c".to_owned()]).unwrap_err();
        assert_eq!(error.to_string(), "there is no plugin `c` in plugins; there are a, b");
    }

    #[test]
    fn a_directory_has_the_name_of_its_plugin() {
        let (_keep, root) = folder(&[("a/plugin.toml", &file("b"))]);
        assert!(projects(&root).unwrap_err().to_string().contains("must have the same"));
    }
}

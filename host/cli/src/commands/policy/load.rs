//! Policies and data from the paths of a command line, and how errors in them are reported.

use std::{
    fmt::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use assay_rego::{CompileError, CompileOptions, Ignore, PolicySet, Problem, SourceError, Sources, caret};
use serde_json::{Value, json};

use super::restrictions::{capabilities, schemas};
use crate::{error::CliError, flags::policy::LoadFlags};

/// What bundles that are one file are called.
const PACKED: [&str; 2] = [".tar.gz", ".tgz"];

/// Policies that were loaded.
pub(super) struct Loaded {
    pub(super) policies: PolicySet,
    /// How long reading the files took.
    pub(super) read: Duration,
}

/// What to load.
pub(super) struct Paths<'a> {
    pub(super) paths: &'a [String],
    pub(super) bundles: &'a [String],
    pub(super) strict: bool,
}

/// Why nothing was loaded.
pub(super) enum LoadError {
    /// A file cannot be read.
    Source(SourceError),
    /// The policies do not compile.
    Compile(CompileError),
}

/// Refuses what no tool can do, before any work.
pub(super) fn refuse(flags: &LoadFlags) -> Result<(), CliError> {
    if flags.target != "rego" {
        return Err(CliError::new(format!("`--target {}`: the only supported target is `rego`", flags.target))
            .hint("remove the flag"));
    }
    Ok(())
}

/// The files that are left out.
pub(super) fn ignore(flags: &LoadFlags) -> Result<Ignore, CliError> {
    Ignore::new(flags.ignore.iter().map(String::as_str)).map_err(|error| CliError::new(format!("`--ignore`: {error}")))
}

/// Adds a bundle, which is a folder, a policy or an archive.
pub(super) fn add_bundle(
    sources: &mut Sources,
    path: &str,
    ignore: &Ignore,
) -> Result<Result<(), SourceError>, CliError> {
    let file = Path::new(path.strip_prefix("file://").unwrap_or(path));
    if !file.is_file() || !PACKED.iter().any(|end| path.ends_with(end)) {
        return Ok(sources.add_bundle(path, ignore));
    }
    let failed =
        |error: &dyn std::fmt::Display| CliError::new(format!("the bundle `{path}` cannot be unpacked: {error}"));
    let folder = tempfile::tempdir().map_err(|error| failed(&error))?;
    assay_oci::unpack_archive(file, folder.path()).map_err(|error| failed(&error))?;
    Ok(sources.add_unpacked_bundle(path, folder.path(), ignore))
}

/// Reads and compiles.
pub(super) fn load(paths: &Paths<'_>, flags: &LoadFlags) -> Result<Result<Loaded, LoadError>, CliError> {
    let ignore = ignore(flags)?;
    let (capabilities, schemas) = (capabilities(flags)?, Some(schemas(flags)?));
    let started = Instant::now();
    let mut sources = Sources::new();
    let mut read = || {
        paths.paths.iter().try_for_each(|path| sources.add_path(path, &ignore))?;
        Ok(())
    };
    if let Err(error) = read() {
        return Ok(Err(LoadError::Source(error)));
    }
    for path in paths.bundles {
        if let Err(error) = add_bundle(&mut sources, path, &ignore)? {
            return Ok(Err(LoadError::Source(error)));
        }
    }
    let read = started.elapsed();
    let options = CompileOptions {
        strict: paths.strict,
        v0: flags.v0_compatible,
        capabilities,
        schemas,
        ..assay_conforma::compile_options()
    };
    Ok(match PolicySet::compile(sources, options) {
        Ok(policies) => Ok(Loaded { policies, read }),
        Err(error) => Err(LoadError::Compile(error)),
    })
}

impl LoadError {
    /// For people: every problem with its place, its line and a caret; `limit` of them, 0 for all.
    pub(super) fn text(&self, limit: usize) -> String {
        match self {
            Self::Source(error) => CliError::from_error(error).hint(error.hint()).text(),
            Self::Compile(CompileError::Problems(problems)) => problems_text(problems, limit),
            Self::Compile(error) => CliError::from_error(error).hint(error.hint()).text(),
        }
    }

    /// For machines, in OPA's shape.
    pub(super) fn json(&self, limit: usize) -> Value {
        match self {
            Self::Source(error) => json!({"errors": [{"message": error.to_string()}]}),
            Self::Compile(error) => compile_json(error, limit),
        }
    }
}

/// The errors of compiling as OPA writes them.
pub(super) fn compile_json(error: &CompileError, limit: usize) -> Value {
    match error {
        CompileError::Problems(problems) => {
            let errors: Vec<_> = limited(problems, limit).iter().map(problem_json).collect();
            json!({ "errors": errors })
        }
        other => json!({"errors": [{"message": other.to_string()}]}),
    }
}

fn limited(problems: &[Problem], limit: usize) -> &[Problem] {
    if limit == 0 { problems } else { problems.get(..limit).unwrap_or(problems) }
}

fn problem_json(problem: &Problem) -> Value {
    let mut error = json!({"message": problem.sentence()});
    if let Some(code) = problem.code {
        error["code"] = code.into();
    }
    if let Some(location) = &problem.location {
        error["location"] = json!({"file": location.file, "row": location.line, "col": location.column});
    }
    error
}

/// The problems of a file by itself, as OPA writes them: with rows.
pub(super) fn problems_of(error: &CompileError) -> String {
    match error {
        CompileError::Problems(problems) => listed_problems(problems, 0, "", false),
        other => other.to_string(),
    }
}

fn problems_text(problems: &[Problem], limit: usize) -> String {
    // As OPA: a file that is not Rego is an error of loading, and its place is a row.
    let loading = problems.iter().all(|problem| problem.code == Some("rego_parse_error"));
    listed_problems(problems, limit, if loading { " during loading" } else { "" }, !loading)
}

fn listed_problems(problems: &[Problem], limit: usize, when: &str, with_columns: bool) -> String {
    let mut text = match problems.len() {
        1 => format!("1 error occurred{when}: "),
        count => format!("{count} errors occurred{when}:\n"),
    };
    let shown = limited(problems, limit);
    for (at, problem) in shown.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        if let Some(location) = &problem.location {
            // A query has no file.
            let file = if location.file.is_empty() { String::new() } else { format!("{}:", location.file) };
            let column = if with_columns { format!(":{}", location.column) } else { String::new() };
            let _infallible = write!(text, "{file}{}{column}: ", location.line);
        }
        if let Some(code) = problem.code {
            let _infallible = write!(text, "{code}: ");
        }
        text.push_str(&problem.sentence());
        if let (Some(location), Some(line)) =
            (&problem.location, problem.line.as_deref().filter(|line| !line.trim().is_empty()))
        {
            let _infallible = write!(text, "\n\t{}\n\t{}", line.trim(), caret(line, location.column));
        }
    }
    if shown.len() < problems.len() {
        text.push_str("\nrego_compile_error: error limit reached");
    }
    text
}

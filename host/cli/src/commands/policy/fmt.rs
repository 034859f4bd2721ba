//! `assay policy fmt`: policies as `opa fmt` writes them.

use std::io;

use assay_rego::{CompileError, FormatLanguage, FormatOptions, format_module};
use camino::{Utf8Path, Utf8PathBuf};

use super::{load, print};
use crate::{
    error::CliError,
    exit::opa_exit,
    files::{read_text, standard_input, write_whole},
    flags::policy_fmt::FmtFlags,
    printer::Printer,
};

/// Bytes of one policy.
const POLICY_BYTES: u64 = 16 << 20;

/// Directories within one another.
const DEPTH: usize = 100;

/// Lines around a change that `--diff` shows.
const CONTEXT: usize = 3;

/// Why the work ends before all files are formatted.
enum Stop {
    /// A message in OPA's form, and the exit code.
    With(String, u8),
    Error(CliError),
}

impl From<CliError> for Stop {
    fn from(error: CliError) -> Self {
        Self::Error(error)
    }
}

pub(super) fn run(flags: &FmtFlags, printer: Printer) -> Result<u8, CliError> {
    let work = || {
        if flags.paths.is_empty() {
            let text = standard_input("the policy", POLICY_BYTES).map_err(CliError::from)?;
            let formatted = format_module("stdin", &text, options(flags))
                .map_err(|error| Stop::With(load::problems_of(&error), opa_exit::FAIL))?;
            return Ok(print(printer, &formatted)?);
        }
        flags.paths.iter().try_for_each(|path| {
            let path = path.strip_prefix("file://").unwrap_or(path);
            format_path(Utf8Path::new(path), DEPTH, flags, printer)
        })
    };
    match work() {
        Ok(()) => Ok(opa_exit::OK),
        Err(Stop::With(message, code)) => {
            printer.error(&message);
            Ok(code)
        }
        Err(Stop::Error(error)) => Err(error),
    }
}

const fn options(flags: &FmtFlags) -> FormatOptions {
    let writes = if flags.v0_v1 {
        FormatLanguage::Both
    } else if flags.v0_compatible {
        FormatLanguage::V0
    } else {
        FormatLanguage::V1
    };
    let reads_v0 = flags.v0_compatible || (flags.v0_v1 && !flags.v1_compatible);
    FormatOptions { reads_v0, writes, drop_v0_imports: flags.drop_v0_imports }
}

/// Formats a file, or those of a directory in the order of their names. As in OPA the links in a directory are not followed
/// to other directories, and files that are no policies are left out.
fn format_path(path: &Utf8Path, depth: usize, flags: &FmtFlags, printer: Printer) -> Result<(), Stop> {
    let unreadable = |error: &io::Error| Stop::With(format!("`{path}` cannot be read: {error}"), opa_exit::FAIL);
    let found = path.symlink_metadata().map_err(|error| unreadable(&error))?;
    if !found.is_dir() {
        return if path.extension() == Some("rego") { format_file(path, flags, printer) } else { Ok(()) };
    }
    let Some(depth) = depth.checked_sub(1) else {
        let message = format!("`{path}` is more than {DEPTH} directories deep");
        return Err(CliError::new(message).hint("name the directory itself").into());
    };
    let mut entries = Vec::new();
    for entry in path.read_dir_utf8().map_err(|error| unreadable(&error))? {
        entries.push(entry.map_err(|error| unreadable(&error))?.into_path());
    }
    entries.sort_by(|one: &Utf8PathBuf, other| one.file_name().cmp(&other.file_name()));
    entries.iter().try_for_each(|entry| format_path(entry, depth, flags, printer))
}

fn format_file(path: &Utf8Path, flags: &FmtFlags, printer: Printer) -> Result<(), Stop> {
    let text = read_text(path, "PATH", POLICY_BYTES).map_err(CliError::from)?;
    let options = options(flags);
    let formatted = format_module(path.as_str(), &text, options).map_err(|error| failed(&error))?;
    if flags.check_result {
        check(path, &formatted, options)?;
    }
    let changed = formatted != text;
    let unexpected = || Stop::With("unexpected diff".to_owned(), opa_exit::ERROR);
    if flags.list || flags.diff {
        if changed {
            print(printer, &if flags.list { format!("{path}\n") } else { diff(path, &text, &formatted) })?;
        }
        return if changed && flags.fail { Err(unexpected()) } else { Ok(()) };
    }
    if flags.fail && changed {
        return Err(unexpected());
    }
    if !flags.write {
        return Ok(print(printer, &formatted)?);
    }
    if changed {
        write_whole(path, formatted.as_bytes()).map_err(|error| {
            CliError::new(format!("`{path}` cannot be written: {error}")).hint("the file is as it was")
        })?;
    }
    Ok(())
}

fn failed(error: &CompileError) -> Stop {
    Stop::With(format!("failed to format Rego source file: {}", load::problems_of(error)), opa_exit::ERROR)
}

/// What is written must be a policy of the language that it is written in.
fn check(path: &Utf8Path, formatted: &str, options: FormatOptions) -> Result<(), Stop> {
    let reads_v0 = options.writes != FormatLanguage::V1;
    let writes = if reads_v0 { FormatLanguage::V0 } else { FormatLanguage::V1 };
    let options = FormatOptions { reads_v0, writes, drop_v0_imports: false };
    format_module("formatted", formatted, options).map(drop).map_err(|error| {
        let message = format!(
            "{path} was successfully formatted, but the result is invalid: {}\n\nTo inspect the formatted Rego, you can \
             turn off this check with --check-result=false.",
            load::problems_of(&error)
        );
        Stop::With(message, opa_exit::ERROR)
    })
}

/// The lines that change, with some around them.
fn diff(path: &Utf8Path, before: &str, after: &str) -> String {
    let diff = similar::TextDiff::from_lines(before, after);
    let name = path.as_str();
    diff.unified_diff().context_radius(CONTEXT).header(name, &format!("{name} (formatted)")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_shows_the_lines_that_change() {
        let text = diff(Utf8Path::new("a.rego"), "package a\n\nx=1\n", "package a\n\nx := 1\n");
        assert_eq!(text, "--- a.rego\n+++ a.rego (formatted)\n@@ -1,3 +1,3 @@\n package a\n \n-x=1\n+x := 1\n");
    }
}

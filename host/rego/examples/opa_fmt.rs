//! Compares the formatter with `opa fmt` over files: `opa_fmt [--v0] OPA PATH…`. A file differs where the texts differ, one
//! of both refuses it, or what was formatted is formatted differently again.

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use assay_rego::{FormatLanguage, FormatOptions, format_module};

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    if path.is_dir() {
        let mut entries: Vec<_> = fs_err::read_dir(path)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(fs_err::DirEntry::path);
        return entries.iter().try_for_each(|entry| collect(&entry.path(), files));
    }
    if path.extension().is_some_and(|end| end == "rego") {
        files.push(path.to_owned());
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args: Vec<_> = std::env::args().skip(1).collect();
    let v0 = args.first().is_some_and(|first| first == "--v0");
    if v0 {
        args.remove(0);
    }
    let (opa, paths) = args.split_first().ok_or("usage: opa_fmt [--v0] OPA PATH…")?;
    let mut files = Vec::new();
    paths.iter().try_for_each(|path| collect(Path::new(path), &mut files))?;
    let language = if v0 { FormatLanguage::V0 } else { FormatLanguage::V1 };
    let options = FormatOptions { reads_v0: v0, writes: language, ..FormatOptions::default() };
    let mut out = std::io::stdout().lock();
    let (mut equal, mut refused, mut differ, mut unstable) = (0_usize, 0_usize, 0_usize, 0_usize);
    for file in &files {
        let Ok(text) = fs_err::read_to_string(file) else { continue };
        let mut command = Command::new(opa);
        command.arg("fmt").args(v0.then_some("--v0-compatible")).arg("--check-result=false").arg(file);
        let theirs = command.output()?;
        let name = file.display().to_string();
        let ours = format_module(&name, &text, options);
        let verdict = match (&ours, theirs.status.success()) {
            (Ok(ours), true) if ours.as_bytes() == theirs.stdout => {
                equal += 1;
                if format_module(&name, ours, options).as_ref().ok() != Some(ours) {
                    unstable += 1;
                    writeln!(out, "unstable {name}")?;
                }
                continue;
            }
            (Err(_), false) => {
                refused += 1;
                continue;
            }
            (Ok(_), true) => "differs",
            (Ok(_), false) => "refused by opa",
            (Err(error), true) => {
                writeln!(out, "{error}")?;
                "refused by assay"
            }
        };
        differ += 1;
        writeln!(out, "{verdict} {name}")?;
    }
    writeln!(
        out,
        "{} files: {equal} equal, {refused} refused by both, {differ} differ, {unstable} unstable",
        files.len()
    )?;
    Ok(())
}

//! `assay init policies`: a first policy to start from.

use camino::Utf8PathBuf;

use super::fetch_policy::print_stdout;
use crate::{error::CliError, exit, files::write_whole, flags::init::InitFlags, printer::Printer};

/// A policy of one rule that is kept by everything, with the annotations that every rule should have.
const SAMPLE: &str = include_str!("sample.rego");

/// Writes the policy.
pub(crate) fn run(flags: &InitFlags, printer: Printer) -> Result<u8, CliError> {
    let Some(folder) = flags.dest_dir.as_ref().filter(|folder| !folder.as_str().is_empty()) else {
        print_stdout(printer, SAMPLE)?;
        return Ok(exit::SUCCESS);
    };
    let file: Utf8PathBuf = folder.join("sample.rego");
    let failed = |error: std::io::Error| CliError::new(format!("`{file}` cannot be written: {error}"));
    fs_err::create_dir_all(folder).map_err(failed)?;
    if file.exists() {
        return Err(
            CliError::new(format!("`{file}` already exists")).hint("choose another directory with `--dest-dir`")
        );
    }
    write_whole(&file, SAMPLE.as_bytes()).map_err(failed)?;
    Ok(exit::SUCCESS)
}

#[cfg(test)]
mod tests {
    use assay_conforma::{EvalRequest, Policy};
    use assay_rego::Sources;

    use super::*;

    #[test]
    fn the_sample_compiles_and_denies_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let dest_dir = Utf8PathBuf::from_path_buf(folder.path().join("new")).unwrap();
        let flags = InitFlags { dest_dir: Some(dest_dir.clone()) };
        run(&flags, Printer::new(true)).unwrap();
        let mut sources = Sources::new();
        sources.add_policy(dest_dir.as_std_path()).unwrap();
        let policy = Policy::compile(sources).unwrap();
        assert_eq!(policy.annotated_rules().len(), 1);
        let packages = ["main".to_owned()].into();
        assert!(policy.evaluate(&EvalRequest::new(&packages, "{}")).unwrap().is_empty());
        assert!(
            !policy
                .evaluate(&EvalRequest::new(&packages, r#"{"image": {"config": {"Labels": {"name": ""}}}}"#))
                .unwrap()
                .is_empty()
        );
        // What a person wrote is not written over.
        assert!(run(&flags, Printer::new(true)).is_err());
    }
}

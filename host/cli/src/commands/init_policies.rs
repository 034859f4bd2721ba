//! `assay init policies`: a first rule to start from, its tests, and a policy configuration that includes it.

use assay_app::Mode;
use camino::{Utf8Path, Utf8PathBuf};

use super::fetch_policy::print_stdout;
use crate::{error::CliError, exit, files::write_whole, flags::init::InitFlags, printer::Printer};

/// A policy of one rule that every image passes by default, with the annotations that every rule should have.
const SAMPLE: &str = include_str!("sample.rego");
/// Tests that pass.
const SAMPLE_TEST: &str = include_str!("sample_test.rego");

/// Writes the files. `ec` writes the rule alone, and prints nothing.
pub(crate) fn run(flags: &InitFlags, mode: Mode, printer: Printer) -> Result<u8, CliError> {
    let Some(folder) = flags.dest_dir.as_ref().filter(|folder| !folder.as_str().is_empty()) else {
        print_stdout(printer, SAMPLE)?;
        return Ok(exit::SUCCESS);
    };
    let configuration = configuration(folder);
    let mut files = vec![(folder.join("sample.rego"), SAMPLE)];
    if !mode.is_ec() {
        files.push((folder.join("sample_test.rego"), SAMPLE_TEST));
        files.push((folder.join("policy.yaml"), &configuration));
    }
    // Nothing is written where something of a person would be replaced.
    if let Some((file, _)) = files.iter().find(|(file, _)| file.exists()) {
        return Err(
            CliError::new(format!("`{file}` already exists")).hint("choose another directory with `--dest-dir`")
        );
    }
    let failed = |file: &Utf8Path, error: std::io::Error| CliError::new(format!("`{file}` cannot be written: {error}"));
    fs_err::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for (file, text) in &files {
        write_whole(file, text.as_bytes()).map_err(|error| failed(file, error))?;
    }
    if !mode.is_ec() {
        printer.note(&next_steps(folder));
    }
    Ok(exit::SUCCESS)
}

/// A folder as a policy source: what looks like a name could stand for a remote one.
fn source(folder: &Utf8Path) -> Utf8PathBuf {
    if folder.is_absolute() || folder.starts_with(".") || folder.starts_with("..") {
        folder.to_owned()
    } else {
        Utf8Path::new(".").join(folder)
    }
}

/// The policy configuration. A JSON string is one of YAML, whatever characters the folder has.
fn configuration(folder: &Utf8Path) -> String {
    let source = serde_json::Value::from(source(folder).into_string());
    format!(
        "\
# Which rules are evaluated, and with which data. Paths are relative to the folder that assay is called in.
name: starter
description: One rule to start from.
sources:
- name: own
  policy:
  - {source}
  # Lists and settings that rules read as `data.rule_data__configuration__`.
  # ruleData:
  #   allowed_names: [shop/cart]
  # By default every rule is evaluated; these are patterns such as `main.name_label`, `main.*` or `@minimal`.
  # config:
  #   include: [\"@minimal\"]
  #   exclude: []
"
    )
}

fn next_steps(folder: &Utf8Path) -> String {
    format!(
        "\
wrote sample.rego, sample_test.rego and policy.yaml to {folder}
next:
  assay policy test {folder}
  assay validate image --policy {configuration} --image IMAGE --public-key KEY",
        configuration = folder.join("policy.yaml")
    )
}

#[cfg(test)]
mod tests {
    use assay_conforma::{EvalRequest, Policy};
    use assay_model::policy::PolicySpec;
    use assay_rego::Sources;

    use super::*;

    fn written(mode: Mode) -> (tempfile::TempDir, Utf8PathBuf, InitFlags) {
        let folder = tempfile::tempdir().unwrap();
        let dest_dir = Utf8PathBuf::from_path_buf(folder.path().join("new")).unwrap();
        let flags = InitFlags { dest_dir: Some(dest_dir.clone()) };
        run(&flags, mode, Printer::new(true)).unwrap();
        (folder, dest_dir, flags)
    }

    #[test]
    fn the_sample_compiles_and_denies_nothing() {
        let (_folder, dest_dir, flags) = written(Mode::Native);
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
        assert!(run(&flags, Mode::Native, Printer::new(true)).is_err());
        fs_err::remove_file(dest_dir.join("sample.rego")).unwrap();
        fs_err::remove_file(dest_dir.join("policy.yaml")).unwrap();
        assert!(run(&flags, Mode::Native, Printer::new(true)).is_err());
        assert!(!dest_dir.join("sample.rego").exists());
    }

    #[test]
    fn as_ec_the_rule_alone_is_written() {
        let (_folder, dest_dir, _) = written(Mode::EcCompat);
        assert_eq!(dest_dir.read_dir_utf8().unwrap().count(), 1);
    }

    #[test]
    fn the_configuration_names_the_folder_as_a_local_source() {
        for (folder, want) in
            [("my", "./my"), ("./my", "./my"), ("../my", "../my"), ("/my", "/my"), ("a: \"b\"", "./a: \"b\"")]
        {
            let text = configuration(Utf8Path::new(folder));
            let policy = PolicySpec::parse(&text).unwrap();
            assert_eq!(policy.sources.first().unwrap().policy, [want], "{text}");
        }
    }
}

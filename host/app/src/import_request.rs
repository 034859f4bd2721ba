//! Importing: files and folders into Konflux's resources.

use assay_konflux::import::{DocumentReport, FILE_BYTES, Imported, Importer, Resources, Source, Status};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    error::{RequestError, RequestErrorKind},
    folders::files_below_where,
    read::read_text,
};

/// What is read of a folder: YAML and JSON. `.git` holds nothing that was written by hand.
fn is_wanted(path: &Utf8Path) -> bool {
    if path.is_dir() {
        return path.file_name() != Some(".git");
    }
    matches!(path.extension(), Some("yaml" | "yml" | "json"))
}

/// Imports files, whatever their names, and the YAML and JSON files of folders. What is wrong with documents is in the
/// report.
///
/// # Errors
/// A path that was named cannot be read.
pub fn import_files(paths: &[Utf8PathBuf]) -> Result<Imported, RequestError> {
    let mut importer = Importer::default();
    for path in paths {
        let is_named = !path.is_dir();
        for file in files_below_where(path, is_wanted)? {
            match read_text(&file, "import", FILE_BYTES) {
                Ok(text) => importer.add(&Source { file: file.as_str(), text: &text, is_named }),
                Err(error) if is_named => return Err(error),
                Err(error) => importer.add_unreadable(file.as_str(), &error.to_string()),
            }
        }
    }
    Ok(importer.finish())
}

/// The kinds that a Snapshot is composed of.
pub(crate) const OF_SNAPSHOTS: &[&str] = &["Application", "Component", "ComponentGroup"];

/// The kinds that scenarios are matched by.
pub(crate) const OF_SCENARIOS: &[&str] = &["IntegrationTestScenario", "ComponentGroup"];

/// The kinds that a run is planned from. A pipeline that is rejected is missing only where a scenario names it.
pub(crate) const OF_RUNS: &[&str] =
    &["Application", "Component", "ComponentGroup", "IntegrationTestScenario", "Snapshot", "EnterpriseContractPolicy"];

/// The resources of files and folders of which no document of these kinds is rejected: a scenario that is left out would
/// never be missed, while a repository has templates of builds that nobody needs here.
///
/// # Errors
/// A path cannot be read, or a document of these kinds, or of no known kind, is rejected.
pub fn imported_resources(paths: &[Utf8PathBuf], kinds: &[&str]) -> Result<Resources, RequestError> {
    let imported = import_files(paths)?;
    let is_needed = |kind: &str| kind.is_empty() || kinds.contains(&kind);
    let rejected = |document: &&DocumentReport| document.status == Status::Rejected && is_needed(&document.kind);
    let mut rejected = imported.report.documents.iter().filter(rejected);
    let Some(first) = rejected.next() else { return Ok(imported.resources) };
    let why = first.issues.errors.first().map(|error| {
        let place = if error.path.is_empty() { String::new() } else { format!("{}: ", error.path) };
        format!("{place}{}", error.message)
    });
    let more = match rejected.count() {
        0 => String::new(),
        more => format!(" ({more} more are rejected)"),
    };
    let fact = format!("{}:{} is rejected: {}{more}", first.file, first.line, why.unwrap_or_default());
    Err(RequestError::of(RequestErrorKind::Invalid, fact).hint("`assay import` lists everything that is wrong"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_folder_yaml_and_json_are_read_and_of_git_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        let application = "apiVersion: appstudio.redhat.com/v1alpha1\nkind: Application\nmetadata: {name: a}\n";
        for file in ["a.yaml", "b.yml", ".tekton/c.yaml", ".git/d.yaml", "e.txt"] {
            let path = root.join(file);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, application).unwrap();
        }
        fs_err::write(root.join("f.json"), "{}").unwrap();
        let imported = import_files(&[root.to_owned()]).unwrap();
        let names = imported.report.documents.iter().map(|document| document.file.strip_prefix(root.as_str()).unwrap());
        assert_eq!(names.collect::<Vec<_>>(), ["/.tekton/c.yaml", "/a.yaml", "/b.yml", "/f.json"]);
        assert_eq!(import_files(&[root.join("e.txt")]).unwrap().resources.applications.len(), 1);
        assert!(import_files(&[root.join("none")]).is_err());
    }

    #[test]
    fn a_file_in_a_folder_that_cannot_be_read_is_rejected_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        fs_err::write(root.join("a.yaml"), b"\xff\xfe").unwrap();
        let imported = import_files(&[root.to_owned()]).unwrap();
        assert!(imported.report.is_rejected());
        let error = imported_resources(&[root.to_owned()], OF_RUNS).unwrap_err().message();
        assert!(error.contains("a.yaml:1 is rejected") && error.contains("not valid UTF-8"), "{error}");
    }

    #[test]
    fn a_template_of_a_build_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        let run = "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {name: r}\nspec: {params: [{name: a, value: '{{revision}}'}], pipelineRef: {name: p}}\n";
        fs_err::write(root.join("push.yaml"), run).unwrap();
        assert!(import_files(&[root.to_owned()]).unwrap().report.is_rejected());
        assert!(imported_resources(&[root.to_owned()], OF_RUNS).is_ok());
    }
}

//! [`create`]: a project from a template.
//!
//! Templates are embedded. `{{name}}`, `{{world}}` and the like are replaced in their text, and nothing else is.

use std::io::Write as _;

use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    language::{Language, World},
    project::check_name,
};

mod files;

/// A project was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The name is none.
    #[error("{0}")]
    Name(String),
    /// No template has this language and world.
    #[error("there is no template for the world `{world}` in `{language}`; {available}")]
    NoTemplate {
        /// The language.
        language: Language,
        /// The world.
        world: World,
        /// What there is, as a clause.
        available: String,
    },
    /// The folder has something in it.
    #[error("{0} already exists; pass another folder with `--dir`")]
    Exists(Utf8PathBuf),
    /// A file cannot be written.
    #[error("the files of the project cannot be written")]
    Io(#[from] std::io::Error),
}

/// The combinations of language and world that a template exists for.
pub fn templates() -> impl Iterator<Item = (Language, World)> {
    let all = Language::ALL.into_iter().flat_map(|language| World::ALL.map(|world| (language, world)));
    all.filter(|&(language, world)| !files::of(language, world).is_empty())
}

/// Writes a new project into a folder that must not exist or be empty, and gives the files relative to it, sorted.
///
/// # Errors
/// An invalid name, no such template, a folder that is in use, or files that cannot be written.
pub fn create(
    name: &str,
    language: Language,
    world: World,
    folder: &Utf8Path,
) -> Result<Vec<Utf8PathBuf>, CreateError> {
    check_name(name).map_err(CreateError::Name)?;
    let files = files::of(language, world);
    if files.is_empty() {
        return Err(no_template(language, world));
    }
    if folder.exists() && !is_empty_folder(folder) {
        return Err(CreateError::Exists(folder.to_owned()));
    }
    let mut written = Vec::new();
    for (path, text) in files {
        let path = Utf8PathBuf::from(path);
        let target = folder.join(&path);
        if let Some(parent) = target.parent() {
            fs_err::create_dir_all(parent)?;
        }
        // A file that appeared meanwhile is not replaced.
        let mut file = fs_err::File::create_new(&target)?;
        file.write_all(fill(text, name, language, world).as_bytes())?;
        written.push(path);
    }
    written.sort();
    Ok(written)
}

fn no_template(language: Language, world: World) -> CreateError {
    let worlds: Vec<_> =
        templates().filter(|(one, _)| *one == language).map(|(_, world)| format!("`{world}`")).collect();
    let available = if worlds.is_empty() {
        let languages: Vec<_> = Language::ALL
            .into_iter()
            .filter(|&one| templates().any(|found| found == (one, world)))
            .map(|language| format!("`{language}`"))
            .collect();
        format!("there is one in {}", languages.join(", "))
    } else {
        format!("in `{language}` there are {}", worlds.join(", "))
    };
    CreateError::NoTemplate { language, world, available }
}

fn is_empty_folder(folder: &Utf8Path) -> bool {
    folder.read_dir_utf8().is_ok_and(|mut entries| entries.next().is_none())
}

fn fill(text: &str, name: &str, language: Language, world: World) -> String {
    let permissions = match world {
        World::Check | World::TaskOffline => "the network is not part of this world.",
        World::Task | World::Adapter | World::Reporter => {
            "the hosts that it needs are permissions of its manifest, which the operator grants in `plugins.toml`."
        }
    };
    let given = match world {
        World::Check => "--image registry.example/a@sha256:… --public-key cosign.pub",
        World::TaskOffline | World::Task => "--images tests/snapshot.json",
        World::Adapter => "--dev --param url=http://localhost:8080",
        World::Reporter => "--events tests/events.jsonl --artifacts out/report",
    };
    let run = format!("assay plugin run out/{name}.wasm {given}");
    let replaced = [
        ("{{run}}", run.as_str()),
        ("{{name}}", name),
        ("{{world}}", world.as_str()),
        ("{{snake_world}}", &world.as_str().replace('-', "_")),
        ("{{language}}", language.as_str()),
        ("{{Language}}", files::language_name(language)),
        ("{{needs}}", files::needs(language)),
        ("{{source}}", files::main_source(language, world)),
        ("{{permissions}}", permissions),
    ];
    replaced.iter().fold(text.to_owned(), |text, (placeholder, value)| text.replace(placeholder, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Project;

    fn new_folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap().join("p");
        (folder, path)
    }

    #[test]
    fn every_template_is_a_project_with_the_contract_and_cases_and_no_placeholder_is_left() {
        let mut seen = 0;
        for (language, world) in templates() {
            let (_folder, path) = new_folder();
            let files = create("license-gate", language, world, &path).unwrap();
            let project = Project::read(&path).unwrap();
            assert_eq!((project.name.as_str(), project.language, project.world), ("license-gate", language, world));
            for file in ["README.md", ".gitignore", "wit/types.wit", "wit/worlds.wit", "tests/passes.toml"] {
                assert!(files.contains(&file.into()), "{language} {world}: {file} is missing in {files:?}");
            }
            for file in &files {
                let text = fs_err::read_to_string(path.join(file)).unwrap();
                for word in
                    ["name", "world", "snake_world", "language", "Language", "needs", "source", "permissions", "run"]
                {
                    assert!(!text.contains(&format!("{{{{{word}}}}}")), "{language} {world}: {file}");
                }
            }
            assert!(path.join(files::main_source(language, world)).is_file(), "{language} {world}");
            seen += 1;
        }
        assert!(seen >= 20, "{seen}");
    }

    #[test]
    fn the_contract_of_a_template_is_the_one_of_this_repository() {
        let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/assay-plugin/0.1");
        let mut names: Vec<_> =
            root.read_dir_utf8().unwrap().map(|entry| entry.unwrap().file_name().to_owned()).collect();
        names.sort();
        let mut embedded: Vec<_> = files::CONTRACT.iter().map(|(path, _)| path.replace("wit/", "")).collect();
        embedded.sort();
        assert_eq!(embedded, names);
    }

    #[test]
    fn nothing_is_written_into_a_folder_that_is_in_use() {
        let (_folder, path) = new_folder();
        fs_err::create_dir_all(&path).unwrap();
        fs_err::write(path.join("notes"), "mine").unwrap();
        let error = create("a", Language::Rust, World::Check, &path).unwrap_err();
        assert!(error.to_string().contains("already exists; pass another folder"), "{error}");
        assert_eq!(path.read_dir_utf8().unwrap().count(), 1);
    }

    #[test]
    fn a_name_or_a_template_that_is_not_there_is_refused_with_what_there_is() {
        let (_folder, path) = new_folder();
        let error = create("../x", Language::Rust, World::Check, &path).unwrap_err();
        assert!(error.to_string().contains("`../x` is not a name"), "{error}");
        let error = create("a", Language::C, World::Adapter, &path).unwrap_err();
        let want =
            "there is no template for the world `adapter` in `c`; in `c` there are `check`, `task-offline`, `task`";
        assert_eq!(error.to_string(), want);
        let error = create("a", Language::Zig, World::Reporter, &path).unwrap_err();
        assert!(error.to_string().ends_with("in `zig` there are `check`, `task-offline`, `task`"), "{error}");
        assert!(!path.exists());
    }
}
